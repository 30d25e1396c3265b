"""Everything a training run depends on."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from glyphsr.config.base import FORMERLY_SHARES, Config, formerly
from glyphsr.config.data import DataConfig
from glyphsr.config.losses import LossConfig
from glyphsr.config.model import PLACED, ModelConfig
from glyphsr.config.ranges import Fraction, NonNegative
from glyphsr.config.recognizers import CRNNConfig, RecognizerConfig
from glyphsr.config.trunk import CluedConfig

Decay = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]


CLASSES = 37
"""Classes that a character slot can be taught: 36 characters and the end."""


class OptimiserConfig(Config):
    """Adam and its schedule."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Peak step size."""
    betas: tuple[Decay, Decay] = (0.5, 0.999)
    """Adam's moment decays; the lineage uses 0.5 for the first."""
    epsilon: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the root of Adam's second moment."""
    weight_decay: NonNegative = 0.0
    decoupled_decay: bool = False
    """Take the decay off the weights themselves (AdamW) rather than add it to the gradient."""
    schedule: Literal["cosine", "constant", "halved"] = "cosine"
    """What follows the warm-up: cosine to zero at the last step, the peak to the end (TSRN, TBSRN, TPGSR), or the peak
    and from four fifths of the run on half of it (LEMMA)."""
    pretrained_lr_scale: Annotated[
        float, Field(gt=0, le=1), formerly("pretrained_share", now="pretrained_lr_scale")
    ] = 1.0
    """Factor on the step size of parts that begin from another task's weights, such as LEMMA's reader."""
    warmup_steps: Annotated[int, Field(ge=0)] = 1805
    """Linear warm-up; the paper's 5 epochs of TextZoom are 5 x 361 steps of 48."""
    clip_norm: Annotated[float, Field(gt=0)] = 0.25
    """Greatest global gradient norm of the network; a prior that learns with it is not clipped, as in the lineage."""
    accumulation: Positive = 1
    """Parts in which a step's batch passes through the network one after the other, to save memory; batch normalisation
    sees a part at a time."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the averaged weights that are validated and kept as best; 0 for none."""


class GlyphTasks(NamedTuple):
    """Which tasks of the glyph perception module are taught."""

    line: bool
    char: bool
    cls: bool


class ValidationConfig(Config):
    """Which weights are kept as ``best``."""

    protocol: Literal["standard", "paper"] = "standard"
    """``standard`` selects on words held out of train; ``paper`` on the test subsets, as the lineage did."""
    select_by: Literal["psnr", "accuracy"] = "psnr"
    """Mean PSNR of SR, or the fraction of SR words that the judge reads; ``paper`` always selects by accuracy."""
    judge: str = "crnn"
    """Recognizer or engine that reads SR where accuracy selects, by name or as NAME=FILE."""
    words: Positive = 200
    """Held-out words of each source to validate on."""
    every: Positive = 1000
    """Steps between validations."""
    samples: Annotated[int, Field(ge=0)] = 6
    """Words of which a panel LR, SR, HR, masks is drawn at each validation."""


class TrainConfig(Config):
    """One training run."""

    model_config = FORMERLY_SHARES

    task: Literal["sr", "prior", "recognizer"] = "sr"
    """``sr`` trains the network (and the prior where its losses have weight), ``prior`` the prior alone on LR,
    ``recognizer`` a judge on HR."""
    model: ModelConfig = ModelConfig()
    recognizer: RecognizerConfig = CRNNConfig()
    """What ``recognizer`` trains, to which ``model`` is of no matter; nor is this to the other tasks."""
    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    prior_weights: str | None = None
    """Checkpoint whose text prior the run starts from."""
    recognizer_weights: str | None = None
    """Checkpoint whose recognizer the run starts from."""
    network_weights: str | None = None
    """Checkpoint of ours whose network the run starts from; of the same shape, and best trained without the words that
    this run holds out."""
    enlarge_network: bool = False
    """Let ``network_weights`` be of a smaller GlyphSR network; the larger one first computes the same (Net2Net)."""
    steps: Positive = 72_200
    """Optimiser steps; the schedule ends here (the paper: 200 epochs of 361 steps)."""
    batch_size: Positive = 48
    """Words per step, of all processes together; at line heights other than 16 as many as have the same pixels."""
    channels_last: bool = False
    """Lay convolutions out channels last, in which torch is faster on many processors and cards; the same mathematics,
    other roundings. In networks of very few channels torch has crashed with it on CPUs."""
    prior_drop: Fraction = 0.0
    """Fraction of each batch whose text prior is zeroed; a quarter in TPGSR and its successors."""
    prior_from: Literal["lr", "hr"] = "lr"
    """Which picture the text prior reads while the network learns; ``hr`` in the first part of PEAN's training."""
    given_text_fraction: Fraction = 0.0
    """Fraction of each batch whose true text is given to the prior, so that the network learns to trust a text."""
    save_every: Positive = 500
    """Steps between saves of ``last``, from which a killed run continues; each validation saves too."""
    keep_every: Positive | None = None
    """Steps between checkpoints that are kept under their step's number; null for none."""
    validation: ValidationConfig = ValidationConfig()
    max_bad_steps: Positive = 20
    """Batches with a non-finite loss or gradient in a row after which the run gives up; each one is skipped."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1234
    paper_row: str | None = None
    """Row of the paper that the run stands beside, e.g. ``table2/baseline1``; does not affect training."""

    @model_validator(mode="after")
    def _check(self) -> "TrainConfig":
        if self.task == "recognizer":
            self._check_recognizer()
        elif self.recognizer_weights:
            raise ValueError("recognizer_weights: expected null unless task is 'recognizer'")
        elif self.data.blurred_fraction or self.loss.auxiliary_ctc:
            name = "data.blurred_fraction" if self.data.blurred_fraction else "loss.auxiliary_ctc"
            raise ValueError(f"{name}: expected 0 unless task is 'recognizer'")

        if (self.loss.ctc or self.loss.text_prior) and not self.model.network.needs_prior:
            raise ValueError(
                f"loss: expected ctc and text_prior of 0, since {self.model.network.kind} has no text prior"
            )
        if self.loss.ctc and self.model.prior.kind == "parseq":
            raise ValueError(f"loss.ctc: expected 0 unless model.prior.kind is one of crnn, {', '.join(PLACED)}")
        if self.loss.network_reading and (self.task != "sr" or not self.model.network.reads_text):
            raise ValueError(
                f"loss.network_reading: expected 0, since {self.model.network.kind} as configured reads no text itself"
            )

        corrects = self.loss.network_reading and isinstance(self.model.network, CluedConfig)
        if corrects and self.model.prior.kind != "crnn":
            raise ValueError(
                "loss.network_reading: expected 0 unless model.prior.kind is crnn, whose text is corrected"
            )

        enhances = getattr(self.model.network, "enhancer_steps", 0) > 0
        if self.loss.prior_enhancement and (self.task != "sr" or not enhances or self.model.prior.kind != "parseq"):
            raise ValueError(
                "loss.prior_enhancement: expected 0 unless pean with an enhancer and a parseq prior learns"
            )
        if self.prior_from == "hr" and (self.trains_prior or not self.model.network.needs_prior):
            raise ValueError("prior_from: expected lr unless a text prior guides the network and does not learn")
        if self.loss.columns and (self.task != "prior" or self.model.prior.kind not in PLACED):
            raise ValueError(
                f"loss.columns: expected 0 unless task is 'prior' and model.prior.kind {' or '.join(PLACED)}"
            )
        if self.task == "sr" and not self.has_terms:
            raise ValueError("loss: expected a term with a weight above 0")
        if self.task != "sr" and self.network_weights:
            raise ValueError(f"network_weights: expected null when task is {self.task!r}, which trains no network")
        if self.enlarge_network and not (self.network_weights and self.model.network.kind == "glyphsr"):
            raise ValueError("enlarge_network: expected network_weights, and a network of kind glyphsr")
        if self.task == "prior" and not self.loss.ctc:
            raise ValueError("loss.ctc: expected a weight above 0 when task is 'prior'")
        if self.validation.protocol == "paper" and self.task != "sr":
            raise ValueError(f"validation.protocol: expected standard when task is {self.task!r}")

        gpm = getattr(self.model.network, "gpm", None)
        if gpm is not None and self.glyph_tasks.cls and gpm.num_classes < CLASSES:
            raise ValueError(
                f"model.network.gpm.num_classes: expected at least {CLASSES} (36 characters and the end), "
                f"got {gpm.num_classes}"
            )
        if gpm is not None and any(self.glyph_tasks) and gpm.num_slots < 2:
            raise ValueError(f"model.network.gpm.num_slots: expected at least 2, got {gpm.num_slots}")
        if self.data.glyph_source == "kmeans" and (self.glyph_tasks.char or self.loss.columns):
            raise ValueError(
                "data.glyph_source: k-means gives no character masks; expected extracted, or loss.char and columns 0"
            )

        return self

    def _check_recognizer(self) -> None:
        if self.recognizer.kind == "parseq":
            raise ValueError("recognizer.kind: expected another one than parseq, whose permuted training is not here")
        if not self.loss.reading:
            raise ValueError("loss.reading: expected a weight above 0 when task is 'recognizer'")
        if self.loss.auxiliary_ctc and self.recognizer.kind not in ("aster", "moran"):
            raise ValueError(
                "loss.auxiliary_ctc: helps aster and moran, whose decoders attend to columns; "
                f"got {self.recognizer.kind}"
            )
        if self.loss.ctc or self.loss.text_prior or self.prior_weights:
            raise ValueError("loss.ctc, loss.text_prior, prior_weights: expected none when task is 'recognizer'")

    @property
    def glyph_tasks(self) -> GlyphTasks:
        """What the glyph terms teach: the network has the head, and the term a weight."""
        gpm = getattr(self.model.network, "gpm", None)
        if gpm is None or not self.loss.glyph or self.task != "sr":
            return GlyphTasks(line=False, char=False, cls=False)
        loss = self.loss
        return GlyphTasks(
            line=gpm.line and loss.line > 0, char=gpm.char and loss.char > 0, cls=gpm.cls and loss.cls > 0
        )

    @property
    def teaches_masks(self) -> bool:
        """Whether a term needs masks."""
        return self.glyph_tasks.line or self.glyph_tasks.char or self.loss.columns > 0

    @property
    def has_terms(self) -> bool:
        """Whether anything is minimised."""
        loss = self.loss
        sr = loss.scale > 0 and (loss.pixel > 0 or loss.gradient > 0 or loss.hog > 0 or self.focuses)
        return sr or loss.ocr > 0 or self._teaches_parts or any(self.glyph_tasks) or self.trains_prior

    @property
    def _teaches_parts(self) -> bool:
        """Whether a part of the network has a loss of its own."""
        return self.loss.network_reading > 0 or self.loss.prior_enhancement > 0

    @property
    def trains_prior(self) -> bool:
        """Whether the text prior learns."""
        return self.loss.ctc > 0 or self.loss.text_prior > 0

    @property
    def selects_by_accuracy(self) -> bool:
        """Whether the judge decides which weights are best."""
        return self.validation.select_by == "accuracy" or self.validation.protocol == "paper"

    @property
    def focuses(self) -> bool:
        """Whether a text-focus term has weight."""
        return self.task == "sr" and self.loss.text_focus > 0 and (self.loss.attention > 0 or self.loss.confusion > 0)
