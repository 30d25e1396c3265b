"""Settings of ``glyphsr visualize``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from glyphsr.config.base import COMPUTE, MODEL, OUTPUT, Config, Flag, split_text
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.ranges import Fraction
from glyphsr.safe_reading.numbers import whole_number
from glyphsr.safe_reading.text_files import shorten

WORDS = "Words"

What = Literal["compare", "glyphs", "gem", "prior", "attention", "failures", "training"]
Texts = Annotated[tuple[str, ...], BeforeValidator(split_text)]


MOST_NUMBERS = 100_000
"""That all ranges together may stand for."""


def _numbers(value: Any) -> Any:
    """``3,7,10-12`` as numbers; what is none is left for the error message."""
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    found: list[int] = []
    for part in parts:
        first, dash, last = str(part).strip().partition("-")
        start, end = whole_number(first), whole_number(last if dash else first)
        if start is None or end is None:
            raise ValueError(f"expected numbers such as 3,7,10-12, got {shorten(value)}")
        numbers = range(start, end + 1)
        if not numbers or len(found) + len(numbers) > MOST_NUMBERS:
            raise ValueError(f"expected a growing range of at most {MOST_NUMBERS} numbers, got {part!r}")
        found += numbers
    return tuple(found)


class VisualizeConfig(Config):
    """What is shown; field names are the command's flags."""

    what: Annotated[What, Flag()] = "compare"
    """``compare``: LR, bicubic, SR, HR, the change, and readings. ``glyphs``: what the network perceives, and the
    extracted masks. ``gem``: key points, anchors, candidates, masks. ``prior``: the text prior as a heat map.
    ``attention``: where a recognizer looks. ``failures``: words that an evaluation got wrong. ``training``: the curves
    of a run."""
    lmdb: Annotated[Texts, Flag(WORDS)] = ()
    """Data sets whose words are shown: names under the data root, or LMDB folders."""
    data_root: Annotated[str | None, Flag(WORDS)] = None
    """Folder of TextZoom; else $GLYPHSR_DATA, ./data/TextZoom, ./TextZoom, or the sample set if there is none."""
    index: Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_numbers), Flag(WORDS)] = ()
    """Words of one data set by number, from 1, such as 3,7,10-12."""
    sample: Annotated[Annotated[int, Field(ge=1)] | None, Flag(WORDS, default="8, spread evenly")] = None
    """So many words drawn at random; without it eight, spread evenly."""
    worst: Annotated[Annotated[int, Field(ge=1)] | None, Flag(WORDS)] = None
    """So many words that are read worst by the first judge."""
    protocol: Annotated[Literal["standard", "paper"], Flag(MODEL)] = "standard"
    """``paper``: 16 x 64 to 32 x 128, read as ``eval --protocol paper`` reads; ``standard``: natural width, 8 bit."""
    find: Annotated[Literal["rescued"] | None, Flag(WORDS)] = None
    """``rescued``: words that the first judge reads right in the first network's result, and neither it in bicubic nor
    the network's own prior in LR."""
    text: Annotated[str | None, Flag(WORDS)] = None
    """What the pictures given as files show."""
    per_image: Annotated[str | None, Flag(WORDS, is_path=True)] = None
    """Results of ``eval --per-image``, whose failures are shown."""
    run: Annotated[str | None, Flag(WORDS, is_path=True)] = None
    """Run folder whose training is shown."""
    glyphs: Annotated[str | None, Flag(WORDS, default="extracted now")] = None
    """Glyph LMDB of the words; else masks are extracted as ``extract`` says."""
    weights: Annotated[Texts, Flag(MODEL, short="-w")] = ("compact",)
    """Networks: names or checkpoint files."""
    prior_weights: Annotated[Texts, Flag(MODEL)] = ()
    """Published CRNN and PARSeq that guide the published networks among them."""
    recognizer: Annotated[Texts, Flag(MODEL, short="-R")] = ("crnn",)
    """Judges that read what is shown, or whose attention is; ``none`` for none."""
    strength: Annotated[Fraction | None, Flag(MODEL, default="from its card")] = None
    """Fraction of each network's change over bicubic."""
    extract: ExtractConfig = ExtractConfig()
    """How masks are extracted."""
    seed: Annotated[int, Flag(COMPUTE)] = 0
    """Of the random words."""
    overwrite: Annotated[bool, Flag(OUTPUT)] = False
    """Replace the result if it exists."""
    device: Annotated[str, Flag(COMPUTE)] = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], Flag(COMPUTE)] = "auto"
    """Of the networks."""
    offline: Annotated[bool, Flag(COMPUTE)] = False
    """Never fetch weights."""
