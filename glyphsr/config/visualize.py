"""Settings of ``glyphsr visualize``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from glyphsr.config.base import Config, split_text
from glyphsr.config.extraction import ExtractConfig

What = Literal["compare", "glyphs", "gem", "prior", "attention", "failures", "training"]
Texts = Annotated[tuple[str, ...], BeforeValidator(split_text)]


MOST_NUMBERS = 100_000
"""That a range may stand for."""


def _numbers(value: Any) -> Any:
    """``3,7,10-12`` as numbers; what is none is left for the error message."""
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    found: list[int] = []
    for part in parts:
        first, dash, last = str(part).strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"expected numbers such as 3,7,10-12, got {value!r}")
        numbers = range(int(first), int(last if dash else first) + 1)
        if not numbers or len(numbers) > MOST_NUMBERS:
            raise ValueError(f"expected a growing range of at most {MOST_NUMBERS} numbers, got {part!r}")
        found += numbers
    return tuple(found)


class VisualizeConfig(Config):
    """What is shown; field names are the command's flags."""

    what: What = "compare"
    lmdb: Texts = ()
    """Data sets whose words are shown: names under the data root, or LMDB folders."""
    data_root: str | None = None
    """Folder of TextZoom; else $GLYPHSR_DATA, ./data/TextZoom, ./TextZoom, or the sample set if there is none."""
    index: Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_numbers)] = ()
    """Words of one data set by number, from 1, such as 3,7,10-12."""
    sample: Annotated[int, Field(ge=1)] | None = None
    """So many words drawn at random; without it eight, spread evenly."""
    worst: Annotated[int, Field(ge=1)] | None = None
    """So many words that are read worst by the first judge."""
    protocol: Literal["standard", "paper"] = "standard"
    """``paper``: 16 x 64 to 32 x 128, read as ``eval --protocol paper`` reads; ``standard``: natural width, 8 bit."""
    find: Literal["rescued"] | None = None
    """``rescued``: words that the first judge reads right in the first network's result, and neither it in bicubic nor
    the network's own prior in LR."""
    text: str | None = None
    """What the pictures given as files show."""
    per_image: str | None = None
    """Results of ``eval --per-image``, whose failures are shown."""
    run: str | None = None
    """Run folder whose training is shown."""
    glyphs: str | None = None
    """Glyph LMDB of the words; else masks are extracted as ``extract`` says."""
    weights: Texts = ("compact",)
    """Networks: names or checkpoint files."""
    prior_weights: Texts = ()
    """Published CRNN and PARSeq that guide the published networks among them."""
    recognizer: Texts = ("crnn",)
    """Judges that read what is shown, or whose attention is; ``none`` for none."""
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of each network's change over bicubic; default from its card."""
    extract: ExtractConfig = ExtractConfig()
    """How masks are extracted."""
    seed: int = 0
    """Of the random words."""
    overwrite: bool = False
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Of the networks."""
    offline: bool = False
    """Never fetch weights."""
