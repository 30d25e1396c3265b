"""The text-focus terms of a training step: a frozen recognizer reads SR and HR with the true text given."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from glyphsr.config.losses import LossConfig
from glyphsr.config.recognizers import reads_strokes
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.losses.confusion import load_distances
from glyphsr.losses.strokes import load_strokes
from glyphsr.losses.text_focus import (
    attention_difference,
    weighted_cross_entropy,
    weights_of_classes,
)
from glyphsr.models.registry import RecognizerNetwork
from glyphsr.recognizers.protocols import AttentionRecognizer, BoundedRecognizer, CTCRecognizer
from glyphsr.text.charset import ALPHANUMERIC, filter_to, keep
from glyphsr.types import Batch
from glyphsr.weights.hub import resolve
from glyphsr.weights.loading import load_recognizer
from glyphsr.weights.registry import fallback_for

TELESCOPE_PLACES = 256
"""Places of Telescope's attention, over which the published term is a mean."""


@dataclass(frozen=True, eq=False)
class Focus:
    """Both terms of one batch, unweighted."""

    attention: Tensor | None
    """Mean over words, heads and steps of the absolute difference, summed over places and divided by 256; ``None``
    where it is not wanted."""
    confusion: Tensor
    """Mean over characters."""


class TextFocus(nn.Module):
    """Attention L1 and weighted cross-entropy through a recognizer that does not learn (paper, eq. 6).

    Source: ``FudanVI/FudanOCR: scene-text-telescope/loss/text_focus_loss.py``. The published loop also differentiates
    the recognizer's weights and its pass over HR, neither of which is used; here they are not.

    Args:
        recognizer: Frozen.
        distances: ``(62, 62)`` of :func:`glyphsr.losses.confusion.load_distances`.
        attends: Whether attention is compared, for which HR is read too.
        strokes: Of each character, for a recognizer that reads strokes; it confuses all of them alike.
    """

    def __init__(
        self,
        recognizer: RecognizerNetwork,
        distances: Tensor,
        *,
        attends: bool = True,
        strokes: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.attends = attends
        self.strokes = strokes

        self.recognizer = recognizer.requires_grad_(False)
        # One weight per pair of classes: what is confused easily costs more. Strokes are all alike.
        count = recognizer.num_symbols if isinstance(recognizer, CTCRecognizer) else recognizer.num_classes
        characters = [recognizer.codec.decode([i]) for i in range(count)]
        weights = torch.ones(count, count) if strokes is not None else weights_of_classes(distances, characters)
        self.register_buffer("weights", weights)
        self.train()

    def train(self, mode: bool = True) -> "TextFocus":
        """The recognizer never is in training mode, save for recurrent layers, which cuDNN differentiates only there.

        They have no dropout, so that makes no other difference.
        """
        del mode
        super().train(False)
        for module in self.recognizer.modules():
            if isinstance(module, nn.RNNBase):
                module.training = True
        return self

    def target_text(self, label: str) -> str:
        """A label as the recognizer is given it: letters and digits, in the published loss 0-9a-z; or their strokes."""
        if self.strokes is not None:
            return "".join(self.strokes.get(char, "") for char in label)
        return filter_to(keep(label, ALPHANUMERIC), self.recognizer.charset)

    def _trainable_words(self, batch: Batch) -> list[int]:
        """The words that the recognizer can be conditioned on."""
        recognizer = self.recognizer
        texts = [self.target_text(label) for label in batch.labels]
        # CTC needs a step per character and one more between equal neighbours.
        if isinstance(recognizer, CTCRecognizer):
            height, width = batch.hr.shape[-2:]
            steps = recognizer.steps_of(height, width)
            return [i for i, text in enumerate(texts) if text and len(text) + _repeats(text) <= steps]
        if isinstance(recognizer, BoundedRecognizer):  # the others have no last position
            return [i for i, text in enumerate(texts) if len(text) < recognizer.max_forced_steps]
        return list(range(len(texts)))

    def counts(self, batch: Batch) -> tuple[int, int]:
        """Words that the attention term is a mean over, and characters, ends of texts included, of the other."""
        chosen = self._trainable_words(batch)
        ends = 0 if isinstance(self.recognizer, CTCRecognizer) else len(chosen)
        return len(chosen), ends + sum(len(self.target_text(batch.labels[i])) for i in chosen)

    def forward(self, sr: Tensor, batch: Batch) -> Focus:
        """Compare.

        Args:
            sr: ``(B, 3, H, W)`` float, not clipped.
            batch: HR and labels; words that are longer than the recognizer reads are left out.
        """
        recognizer = self.recognizer
        assert isinstance(recognizer, AttentionRecognizer)
        assert isinstance(self.weights, Tensor)
        chosen = self._trainable_words(batch)
        if not chosen:
            return Focus(sr.sum() * 0 if self.attends else None, sr.sum() * 0)

        # Steps of the longest word in the whole batch, whoever computes it, and one for the end of a text.
        texts = [self.target_text(batch.labels[i]) for i in chosen]
        steps = (
            None
            if batch.longest_label is None
            else batch.longest_label + (0 if isinstance(recognizer, CTCRecognizer) else 1)
        )
        if isinstance(recognizer, BoundedRecognizer) and steps is not None:
            steps = min(steps, recognizer.max_forced_steps)

        # SR with gradient, HR without: only the picture is to change.
        seen = recognizer.forward_teacher_forced(recognizer.prepare(sr[chosen]), texts, steps=steps)
        attention = None
        if self.attends:
            with torch.no_grad():
                hr = recognizer.forward_teacher_forced(recognizer.prepare(batch.hr[chosen]), texts, steps=steps)
            # A mean over places, made comparable with the published weight for Telescope's 256.
            places = hr.attention.shape[-2] * hr.attention.shape[-1]
            difference = attention_difference(_precise(seen.attention), _precise(hr.attention))
            attention = difference * places / TELESCOPE_PLACES

        # Targets below 0 pad short texts.
        valid = seen.targets >= 0
        confusion = weighted_cross_entropy(_precise(seen.logits)[valid], seen.targets[valid], self.weights)
        return Focus(attention, confusion)


def _precise(values: Tensor) -> Tensor:
    """At least single precision."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _repeats(text: str) -> int:
    """Characters that equal the one before them, between which CTC needs a blank."""
    return sum(a == b for a, b in itertools.pairwise(text))


def available_focus(config: LossConfig, notify: Callable[[str], None]) -> LossConfig:
    """The losses with the package's own recognizer in place of those that are not here and only a person can fetch.

    Args:
        config: The losses.
        notify: Called with its name, since the paper's numbers need the recognizer that it names.

    Raises:
        WeightsError: If a name is unknown, or a file is not there.
    """
    try:
        names = tuple(fallback_for(name) for name in config.focus_recognizers)
    except WeightsError as error:
        raise WeightsError(f"loss.focus_recognizer: {error}") from error

    for name, own in zip(config.focus_recognizers, names, strict=True):
        if own != name:
            notify(
                f"text focus: no {name} weights are here, so {own}, our own, takes their place: not the paper's loss; "
                "`glyphsr models list` says where its authors publish them"
            )

    if names == config.focus_recognizers:
        return config
    own_form = names[0] if isinstance(config.focus_recognizer, str) else names  # one name or several, as it was written
    return config.model_copy(update={"focus_recognizer": own_form})


def open_text_focus(config: LossConfig, notify: Callable[[str], None], *, offline: bool = False) -> list[TextFocus]:
    """The recognizers and the table that a configuration names.

    Args:
        config: The losses.
        notify: Called with a message when another recognizer stands in for Telescope.
        offline: Never fetch anything.

    Raises:
        WeightsError: If the recognizer's weights are not available.
        ConfigError: If it cannot show where it looks.
        DataError: If the table is not one.
    """
    distances = load_distances(Path(config.confusion_table) if config.confusion_table else None)
    recognizers = [_open(name, notify, offline=offline) for name in config.focus_recognizers]
    return [
        TextFocus(recognizer, distances, attends=config.attention > 0, strokes=_strokes_for(recognizer, config))
        for recognizer in recognizers
    ]


def _strokes_for(recognizer: RecognizerNetwork, config: LossConfig) -> dict[str, str] | None:
    if not reads_strokes(recognizer.config):
        return None
    if config.stroke_table is None:
        raise ConfigError(
            "loss.stroke_table: expected a text file of characters and their strokes, such as Text Gestalt's "
            "english_decomposition.txt, since the focus recognizer reads strokes"
        )
    return load_strokes(Path(config.stroke_table))


def _open(name: str, notify: Callable[[str], None], *, offline: bool) -> RecognizerNetwork:
    try:
        path = resolve(name, offline=offline)
    except WeightsError as error:
        raise WeightsError(f"loss.focus_recognizer: {error}") from error

    recognizer = load_recognizer(path)
    if not isinstance(recognizer, AttentionRecognizer):
        raise ConfigError(f"loss.focus_recognizer: {recognizer.config.kind} cannot show where it looks")
    # The paper's loss is Telescope's; anything else is said.
    if recognizer.config.kind != "telescope":
        how = "CTC alignment" if isinstance(recognizer, CTCRecognizer) else "teacher-forced attention"
        notify(f"text focus: {recognizer.config.kind} from {path.name} stands in for Telescope, by its {how}")
    return recognizer
