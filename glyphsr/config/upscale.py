"""Settings of ``glyphsr upscale``."""

from typing import Annotated, Literal

from pydantic import Field

from glyphsr.config.base import Config
from glyphsr.config.ranges import NonNegative

Device = str
Precision = Literal["auto", "fp32", "bf16", "fp16"]


class UpscaleConfig(Config):
    """How pictures are upscaled and where the results go; field names are the command's flags."""

    weights: str = "compact"
    """Name of bundled weights, or a checkpoint file."""
    prior_weights: str | None = None
    """With a published GlyphSR checkpoint: the published CRNN or PARSeq that gives its text prior."""
    scale: Annotated[float, Field(gt=0, le=16)] | None = None
    """Factor on both sides; 2 where no size is given."""
    width: Annotated[int, Field(ge=1)] | None = None
    """Width of the result in pixels; alone it keeps the aspect."""
    height: Annotated[int, Field(ge=1)] | None = None
    """Height of the result in pixels; alone it keeps the aspect."""
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the network's change over bicubic that is applied; default from the model's card."""
    lexicon: str = "english"
    """Word list by which readings are corrected before they are drawn: ``english``, ``none``, or a text file with one
    word a line. Numbers, codes and words with digits or marks in them are never corrected."""
    draw: Literal["sure", "all"] = "sure"
    """``sure`` leaves words that the text prior can hardly read as bicubic; ``all`` draws everything."""
    guard: Literal["off", "warn", "revert"] = "off"
    """A reader that is not the prior reads each line before and after, and the package's judges each word: ``warn``
    tells where that became worse or is not what was drawn; ``revert`` leaves such lines as bicubic has them, and those
    that could be read before and have little to gain. An OCR engine as reader also notices numbers that lose their
    point, and has words drawn anew as most readers read them before."""
    guard_reader: str | None = None
    """Judge by name, or ``NAME=FILE``; default rapidocr where it is installed, else ``crnn-light-synth``."""
    text: str | None = None
    """What the picture says: told to the prior, and checked."""
    mode: Literal["auto", "line", "page"] = "auto"
    """``line`` takes each picture as one line of text. ``page`` finds the lines in it and enlarges them where they are.
    ``auto`` takes pictures of more than 64 rows that hold more than one line as pages, where lines can be found."""
    boxes: str | None = None
    """JSON file of the lines in a picture, or a folder with ``<name>.json`` for each; else they are looked for."""
    min_text_height: NonNegative = 6.0
    """Lines of a page that are smaller, in pixels, are left to plain enlargement."""
    max_text_height: NonNegative = 96.0
    """Lines of a page that are larger likewise: they are readable as they are."""
    save_regions: str | None = None
    """Folder that receives each line of a page by itself, straight, as ``<name>-NN.png``."""
    recursive: bool = False
    """Look into the folders below, too."""
    suffix: str | None = None
    """Put behind each name; default ``_x2`` (the factor) beside the input, nothing in a folder of its own."""
    ext: str = "png"
    """File type of results whose name is not given."""
    quality: Annotated[int, Field(ge=1, le=100)] = 95
    """Of JPEG and WebP results."""
    compare: bool = False
    """Write ``<name>_compare.png`` too: bicubic above, result below."""
    overwrite: bool = False
    """Replace results that exist."""
    device: Device = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Precision = "auto"
    """auto, fp32, bf16 or fp16."""
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Lines of 16 x 64 pixels per batch; halved when memory runs out."""
    workers: Annotated[int, Field(ge=1)] = 2
    """Threads that read and write pictures."""
    offline: bool = False
    """Never fetch weights."""
