"""Settings of ``glyphsr eval``."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from glyphsr.config.base import Config, split_text

Baseline = Literal["bicubic", "hr", "lr"]
Protocol = Literal["paper", "standard"]


Texts = Annotated[tuple[str, ...], BeforeValidator(split_text)]


class EvalConfig(Config):
    """What is scored, by whom and how; field names are the command's flags."""

    split: Texts = ("easy", "medium", "hard")
    """Subsets: names under the data root, or LMDB folders."""
    data_root: str | None = None
    """Folder of TextZoom; else $GLYPHSR_DATA, ./data/TextZoom, ./TextZoom, or the sample set if there is none."""
    weights: Texts = ("compact",)
    """Networks: names or checkpoint files; ``none`` for the baselines alone."""
    prior_weights: Texts = ()
    """Published CRNN and PARSeq that guide the published networks among them; matched by their number of classes."""
    recognizer: Texts = ("crnn",)
    """Judges: names, ``name=file`` for weights of your own, or ``all`` that are at hand."""
    baseline: Annotated[tuple[Baseline, ...], BeforeValidator(split_text)] = ("bicubic", "hr")
    """Untouched pictures that are scored too."""
    protocol: Protocol = "paper"
    """``paper``: 16 x 64 to 32 x 128, PSNR and SSIM of batches of 48. ``standard``: natural width, per image."""
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of each network's change over bicubic; default from its card, 1 for published networks."""
    bootstrap: Annotated[int, Field(ge=0)] = 2000
    """Resamples behind the 95% intervals; 0 for none."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Score only the first so many samples of each subset."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Of the networks; judges always compute in fp32."""
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Pictures of 16 x 64 pixels per batch; halved when memory runs out. Has no influence on the scores."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes that read ahead; they pay from some ten thousand pairs on."""
    seed: int = 0
    """Of the bootstrap."""
    offline: bool = False
    """Never fetch weights."""
