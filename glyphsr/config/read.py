"""Settings of ``glyphsr read``."""

from typing import Annotated, Literal

from pydantic import Field

from glyphsr.config.base import COMPUTE, MODEL, OUTPUT, Config, Flag, RuntimeName
from glyphsr.config.ranges import Fraction, NonNegative

PAGE = "Page"


class ReadConfig(Config):
    """How pictures are read; field names are the command's flags."""

    reader: Annotated[str | None, Flag(MODEL, short="-R", default="rapidocr")] = None
    """Who reads: rapidocr, easyocr, tesseract, a recognizer by name, or ``NAME=FILE``; default rapidocr where it is
    installed, else ``ppocr-v6-small``."""
    weights: Annotated[str, Flag(MODEL, short="-w")] = "compact"
    """Of the network that makes text readable: name of bundled weights, or a checkpoint file."""
    prior_weights: Annotated[str | None, Flag(MODEL)] = None
    """With a published GlyphSR checkpoint: the published CRNN or PARSeq that gives its text prior."""
    scale: Annotated[Annotated[float, Field(gt=0, le=16)] | None, Flag(MODEL, default="2")] = None
    """Factor by which lines are enlarged before they are read."""
    strength: Annotated[Fraction | None, Flag(MODEL, default="from the model's card")] = None
    """Fraction of the network's change over bicubic that is applied."""
    lexicon: Annotated[str, Flag(MODEL)] = "english"
    """Word list by which the network's own readings are corrected: ``english``, ``none``, or a text file."""
    draw: Annotated[Literal["sure", "all"], Flag(MODEL)] = "sure"
    """``sure`` sharpens words that the text prior can hardly read as they are seen; ``all`` draws every reading."""
    mode: Annotated[Literal["auto", "line", "page"], Flag()] = "auto"
    """``line`` takes each picture as one line of text. ``page`` finds the lines in it. ``auto`` decides by the
    picture."""
    boxes: Annotated[str | None, Flag(PAGE, default="found by rapidocr", is_path=True)] = None
    """JSON file of the lines in the picture; else they are looked for."""
    min_text_height: Annotated[NonNegative, Flag(PAGE)] = 6.0
    """Smaller lines of a page, in pixels, are read as they are."""
    max_text_height: Annotated[NonNegative, Flag(PAGE)] = 96.0
    """Larger lines likewise."""
    recursive: Annotated[bool, Flag(short="-r")] = False
    """Look into the folders below, too."""
    overwrite: Annotated[bool, Flag(OUTPUT)] = False
    """Replace results that exist."""
    device: Annotated[str, Flag(COMPUTE)] = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], Flag(COMPUTE)] = "auto"
    """Of the network; a batch that comes out non-finite is computed again in fp32."""
    runtime: Annotated[RuntimeName, Flag(COMPUTE)] = "auto"
    """What runs the model: ``torch``, or of an exported one ``onnx`` (onnxruntime) or ``openvino``. ``auto`` takes
    onnxruntime on CPUs where the weights were exported, as the bundled ones are."""
    batch_size: Annotated[Annotated[int, Field(ge=1)] | Literal["auto"], Flag(COMPUTE)] = "auto"
    """Lines of 16 x 64 pixels per batch; halved when memory runs out."""
    workers: Annotated[int, Field(ge=1), Flag(COMPUTE)] = 2
    """Threads that read pictures."""
    offline: Annotated[bool, Flag(COMPUTE)] = False
    """Never fetch weights."""
