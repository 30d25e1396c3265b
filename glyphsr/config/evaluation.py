"""Settings of ``glyphsr eval``."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from glyphsr.config.base import COMPUTE, DATA, Config, Flag, RuntimeName, split_text
from glyphsr.config.ranges import Fraction

Baseline = Literal["bicubic", "hr", "lr"]
Protocol = Literal["paper", "standard"]


Texts = Annotated[tuple[str, ...], BeforeValidator(split_text)]


class EvalConfig(Config):
    """What is scored, by whom and how; field names are the command's flags."""

    split: Annotated[Texts, Flag(DATA, commas=True)] = ("easy", "medium", "hard")
    """Subsets: names under the data root, or LMDB folders."""
    data_root: Annotated[str | None, Flag(DATA)] = None
    """Folder of TextZoom; else $GLYPHSR_DATA, ./data/TextZoom, ./TextZoom, or the sample set if there is none."""
    weights: Annotated[Texts, Flag(short="-w")] = ("compact",)
    """Networks: names or checkpoint files; ``none`` for the baselines alone."""
    prior_weights: Annotated[Texts, Flag()] = ()
    """Published CRNN and PARSeq that guide the published networks among them; matched by their number of classes."""
    recognizer: Annotated[Texts, Flag(short="-R")] = ("crnn",)
    """Judges: names, ``name=file`` for weights of your own, or ``all`` that are available."""
    baseline: Annotated[tuple[Baseline, ...], BeforeValidator(split_text), Flag(commas=True)] = ("bicubic", "hr")
    """Untouched pictures that are scored too."""
    protocol: Annotated[Protocol, Flag()] = "paper"
    """``paper``: 16 x 64 to 32 x 128, PSNR and SSIM of batches of 48. ``standard``: natural width, per image."""
    strength: Annotated[Fraction | None, Flag(default="from its card, else 1")] = None
    """Fraction of each network's change over bicubic; default from its card, 1 for published networks."""
    bootstrap: Annotated[int, Field(ge=0), Flag()] = 2000
    """Resamples behind the 95% intervals; 0 for none."""
    limit: Annotated[Annotated[int, Field(ge=1)] | None, Flag(DATA)] = None
    """Score only the first so many samples of each subset."""
    device: Annotated[str, Flag(COMPUTE)] = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], Flag(COMPUTE)] = "auto"
    """Of the networks; judges always compute in fp32."""
    runtime: Annotated[RuntimeName, Flag(COMPUTE)] = "auto"
    """What runs the networks: ``torch``, or of exported ones ``onnx`` (onnxruntime) or ``openvino``; ``auto`` takes
    onnxruntime on CPUs where the weights were exported."""
    batch_size: Annotated[Annotated[int, Field(ge=1)] | Literal["auto"], Flag(COMPUTE)] = "auto"
    """Pictures of 16 x 64 pixels per batch; halved when memory runs out. Does not affect the scores."""
    workers: Annotated[int, Field(ge=0), Flag(COMPUTE)] = 0
    """Processes that read ahead; they pay from some ten thousand pairs on."""
    engine: Annotated[Literal["local", "ray"], Flag(COMPUTE)] = "local"
    """``local``: this process. ``ray``: the workers of a Ray cluster."""
    address: Annotated[str | None, Flag(COMPUTE, default="one on this machine")] = None
    """Of the Ray cluster; ``auto`` for the one that this machine belongs to."""
    seed: Annotated[int, Flag(COMPUTE)] = 0
    """Of the bootstrap."""
    offline: Annotated[bool, Flag(COMPUTE)] = False
    """Never fetch weights."""
