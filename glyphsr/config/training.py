"""Everything a training run depends on."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from glyphsr.config.base import Config
from glyphsr.config.model import ModelConfig
from glyphsr.config.networks import Positive

Share = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]
Range = tuple[float, float]


class FolderSource(Config):
    """HR word pictures in a folder with ``annotations.json`` (``[{"file": ..., "label": ...}, ...]``)."""

    kind: Literal["folder"] = "folder"
    path: str
    """Folder; a relative one is looked up from the working directory."""
    weight: NonNegative = 1.0
    """Share of the samples that come from here, relative to the other sources."""


class LmdbSource(Config):
    """LR/HR pairs in TextZoom's LMDB layout."""

    kind: Literal["lmdb"] = "lmdb"
    path: str
    """The environment's folder, or ``train`` / ``train1`` ... under the data root."""
    weight: NonNegative = 1.0
    """Share of the samples that come from here, relative to the other sources."""
    paired: bool = True
    """Use the stored LR side; else degrade the HR side on the fly."""


class RenderedSource(Config):
    """Words rendered on the fly with the system's fonts."""

    kind: Literal["rendered"] = "rendered"
    weight: NonNegative = 1.0
    """Share of the samples that come from here, relative to the other sources."""


Source = Annotated[FolderSource | LmdbSource | RenderedSource, Field(discriminator="kind")]


class DegradationConfig(Config):
    """How LR is made from HR; lengths are HR pixels at line height 32."""

    blur_sigma: Range = (1.6, 3.7)
    """Gaussian blur of ordinary samples."""
    mild_share: Share = 0.15
    """Share of samples that are nearly sharp, so that readable pictures are left alone."""
    mild_blur_sigma: Range = (0.2, 1.6)
    """Gaussian blur of mild samples."""
    anisotropy: Annotated[float, Field(ge=1)] = 1.35
    """Greatest ratio of horizontal to vertical blur, or the inverse."""
    motion_share: Share = 0.15
    """Share of samples with motion blur on top."""
    motion_length: Range = (2.0, 7.0)
    """Length of the motion."""
    shift: NonNegative = 0.75
    """Greatest sub-pixel shift in each direction."""
    contrast: Range = (0.55, 1.0)
    """Factor on the distance from the picture's mean."""
    brightness: NonNegative = 0.08
    """Greatest change of the mean, on a scale of 1."""
    noise_sigma: Range = (0.0, 0.03)
    """Gaussian noise of the LR picture, on a scale of 1."""
    jpeg_share: Share = 0.6
    """Share of samples that went through JPEG at LR."""
    jpeg_quality: tuple[int, int] = (35, 95)
    """JPEG quality."""


class DataConfig(Config):
    """Where words come from and how they become batches."""

    sources: tuple[Source, ...] = ()
    """One or more sources, mixed by weight."""
    heights: tuple[Positive, ...] = (16,)
    """LR line heights; each batch has one of them, evenly often (repeat a height to see it more)."""
    line_width: Positive | None = 64
    """LR width all words are squashed to (TextZoom's protocol), null to keep their aspect."""
    max_aspect: Annotated[float, Field(gt=1)] = 8.0
    """Longest word in line heights when the aspect is kept; longer ones are squashed to it."""
    aspect_jitter: Annotated[float, Field(ge=1)] = 1.0
    """Greatest factor by which a word's aspect is changed at random."""
    ramp_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the share of mild degradations falls from 1 to ``degradation.mild_share``; CTC needs it."""
    held_out: Share = 0.1
    """Share of each folder or LMDB kept for validation and never trained on."""
    degradation: DegradationConfig = DegradationConfig()


class LossConfig(Config):
    """Weights of the loss terms; 0 leaves a term out of the computation."""

    scale: NonNegative = 100.0
    """Factor on the SR terms as a whole; the lineage multiplies by 100."""
    pixel: NonNegative = 1.0
    """Mean squared error (paper, eq. 6)."""
    text_prior: NonNegative = 0.0
    """L1 + KL between the prior on LR and a frozen teacher's on HR (TPGSR)."""
    ctc: NonNegative = 0.0
    """CTC of the prior on LR against the label; for CRNN priors."""


class OptimiserConfig(Config):
    """Adam and its schedule."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Peak step size."""
    betas: tuple[float, float] = (0.5, 0.999)
    """Adam's moment decays; the lineage uses 0.5 for the first."""
    weight_decay: NonNegative = 0.0
    warmup_steps: Annotated[int, Field(ge=0)] = 1805
    """Linear warm-up; the paper's 5 epochs of TextZoom are 5 x 361 steps of 48."""
    clip_norm: Annotated[float, Field(gt=0)] = 0.25
    """Greatest global gradient norm of the network."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the averaged weights that are validated and kept as best; 0 for none."""


class TrainConfig(Config):
    """One training run."""

    task: Literal["sr", "prior"] = "sr"
    """``sr`` trains the network (and the prior where its losses have weight), ``prior`` the prior alone by CTC."""
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    prior_weights: str | None = None
    """Checkpoint whose text prior the run starts from."""
    steps: Positive = 72_200
    """Optimiser steps; the schedule ends here (the paper: 200 epochs of 361 steps)."""
    batch_size: Positive = 48
    """Pictures per step, at line height 16 and aspect 4; other shapes get as many as have the same pixels."""
    validate_every: Positive = 1000
    """Steps between validations; each also writes ``last.safetensors``."""
    validation_words: Positive = 200
    """Words of each source to validate on."""
    seed: int = 1234

    @model_validator(mode="after")
    def _check(self) -> "TrainConfig":
        if (self.loss.ctc or self.loss.text_prior) and not self.model.network.needs_prior:
            raise ValueError(
                f"loss: expected ctc and text_prior of 0, since {self.model.network.kind} has no text prior"
            )
        if self.loss.ctc and self.model.prior.kind != "crnn":
            raise ValueError("loss.ctc: expected 0 unless model.prior.kind is 'crnn'")
        if self.task == "prior" and not self.loss.ctc:
            raise ValueError("loss.ctc: expected a weight above 0 when task is 'prior'")
        return self
