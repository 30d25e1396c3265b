"""The objective that a run's task names, and the terms of a super-resolution run."""

from collections.abc import Callable, Iterable
from typing import Any

from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError
from glyphsr.models.pean.enhancer import PriorEnhancer
from glyphsr.models.protocols import ReadingNetwork
from glyphsr.models.super_resolver import SuperResolver, Trained
from glyphsr.recognizers.protocols import CTCRecognizer
from glyphsr.training.objectives.base import Objective
from glyphsr.training.objectives.network_reading import NetworkReadingTerm
from glyphsr.training.objectives.ocr import FrozenReaders, open_readers
from glyphsr.training.objectives.prior import PriorObjective
from glyphsr.training.objectives.prior_enhancement import PriorEnhancementTerm
from glyphsr.training.objectives.recognizer import RecognizerObjective
from glyphsr.training.objectives.super_resolution import SuperResolutionObjective, slot_codec
from glyphsr.training.objectives.terms import (
    GlyphTerm,
    GradientTerm,
    HOGTerm,
    LossTerm,
    OCRTerm,
    PixelTerm,
    PriorCTCTerm,
    TextFocusTerm,
    TextPriorTerm,
)
from glyphsr.training.objectives.text_focus import open_text_focus


class TermBuilder:
    """Makes the terms of a run that have weight.

    Args:
        model: What is trained.
        config: The run.
        notify: Called with a message when another recognizer stands in for one that is named.
        offline: Never fetch weights.
    """

    def __init__(
        self, model: SuperResolver, config: TrainConfig, notify: Callable[[str], None], *, offline: bool
    ) -> None:
        self.model, self.config, self.loss = model, config, config.loss
        self.notify, self.offline = notify, offline

    def prior_ctc(self) -> Iterable[LossTerm]:
        """CTC of the text prior."""
        if self.loss.ctc and self.model.prior is not None:
            recognizer = self.model.prior.recognizer
            assert isinstance(recognizer, CTCRecognizer)  # the configuration is checked
            yield PriorCTCTerm(self.loss.ctc, recognizer.codec)

    def text_prior(self) -> Iterable[LossTerm]:
        """The text prior against its teacher."""
        if self.loss.text_prior and self.model.prior is not None:
            yield TextPriorTerm(self.loss.text_prior, self.model.prior)

    def pixel(self) -> Iterable[LossTerm]:
        """Mean squared error."""
        if self.loss.pixel:
            yield PixelTerm(self.loss.scale * self.loss.pixel)

    def gradient(self) -> Iterable[LossTerm]:
        """Gradient profile."""
        if self.loss.gradient:
            yield GradientTerm(self.loss.scale * self.loss.gradient)

    def hog(self) -> Iterable[LossTerm]:
        """Histograms of oriented gradients."""
        if self.loss.hog:
            yield HOGTerm(self.loss.scale * self.loss.hog, self.loss)

    def text_focus(self) -> Iterable[LossTerm]:
        """Attention and confusion of each recognizer."""
        if self.config.focuses:
            found = open_text_focus(self.loss, self.notify, offline=self.offline)
            for number, focus in enumerate(found):
                yield TextFocusTerm(focus, self.loss, number=number, total=len(found))

    def ocr(self) -> Iterable[LossTerm]:
        """CTC of frozen recognizers."""
        if self.loss.ocr:
            yield OCRTerm(self.loss.ocr, FrozenReaders(open_readers(self.loss, offline=self.offline)))

    def network_reading(self) -> Iterable[LossTerm]:
        """What the network's own readers read, in its classes or in those of the text prior."""
        if self.loss.network_reading:
            network = self.model.network
            if isinstance(network, ReadingNetwork):
                yield NetworkReadingTerm(self.loss.network_reading, network.reading_codec)
            else:
                assert self.model.prior is not None  # the configuration is checked
                recognizer = self.model.prior.recognizer
                assert isinstance(recognizer, CTCRecognizer)
                yield NetworkReadingTerm(self.loss.network_reading, recognizer.codec)

    def prior_enhancement(self) -> Iterable[LossTerm]:
        """The network's enhancer of text priors."""
        if self.loss.prior_enhancement:
            enhancer = getattr(self.model.network, "enhancer", None)
            assert isinstance(enhancer, PriorEnhancer)  # the configuration is checked
            assert self.model.prior is not None
            yield PriorEnhancementTerm(self.loss.prior_enhancement, enhancer, self.model.prior)

    def glyphs(self) -> Iterable[LossTerm]:
        """Maps and classes of the Glyph Perception Module."""
        slots = slot_codec(self.config)
        if any(self.config.glyph_tasks):
            assert slots is not None
            yield GlyphTerm(self.loss, self.config.glyph_tasks, slots)


TERMS: tuple[Callable[[TermBuilder], Iterable[LossTerm]], ...] = (
    TermBuilder.prior_ctc,
    TermBuilder.text_prior,
    TermBuilder.pixel,
    TermBuilder.gradient,
    TermBuilder.hog,
    TermBuilder.text_focus,
    TermBuilder.ocr,
    TermBuilder.network_reading,
    TermBuilder.prior_enhancement,
    TermBuilder.glyphs,
)
"""What makes each term, in the order in which terms are added up and reported."""


def build_objective(
    model: Trained,
    config: TrainConfig,
    notify: Callable[[str], None],
    *,
    offline: bool = False,
) -> Objective[Any]:
    """The objective that the configuration's task names.

    Raises:
        WeightsError: If the text-focus recognizer is not available.
        ConfigError: If no term is left to minimise.
    """
    if not isinstance(model, SuperResolver):
        return RecognizerObjective(model, config)
    if config.task == "prior":
        return PriorObjective(model, config)
    if not config.has_terms:  # masks may have been taken away since the configuration was read
        raise ConfigError("loss: expected a term with a weight above 0; without masks there is none left")

    builder = TermBuilder(model, config, notify, offline=offline)
    return SuperResolutionObjective(model, config, [term for make in TERMS for term in make(builder)])
