"""Settings of ``glyphsr upscale``."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from glyphsr.config.base import COMPUTE, MODEL, OUTPUT, Config, Flag, RuntimeName, switch
from glyphsr.config.ranges import Fraction, NonNegative

GUARD, PAGE, SIZE = "Guard against invented letters", "Page", "Size"

PixelCount = Annotated[int, Field(ge=1)]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Mode = Literal["auto", "line", "page"]


class UpscalerConfig(Config):
    """The model and what it may do to pictures, wherever they come from; field names are flags."""

    weights: Annotated[str, Flag(MODEL, short="-w")] = "compact"
    """Name of bundled weights, or a checkpoint file."""
    prior_weights: Annotated[str | None, Flag(MODEL)] = None
    """Published CRNN or PARSeq that gives the text prior of a published GlyphSR checkpoint."""
    strength: Annotated[Fraction | None, Flag(MODEL, default="from the model's card")] = None
    """Fraction of the network's change over bicubic that is applied."""
    lexicon: Annotated[str, Flag(MODEL)] = "english"
    """Word list by which readings are corrected before they are drawn: ``english``, ``none``, or a text file with one
    word a line. Numbers, codes and words with digits or marks in them are never corrected."""
    draw: Annotated[Literal["sure", "all"], Flag(MODEL)] = "sure"
    """``sure`` sharpens words that the text prior can hardly read as they are seen; ``all`` draws every reading."""
    guard: Annotated[Literal["auto", "off", "warn", "revert"], BeforeValidator(switch), Flag(GUARD)] = "auto"
    """A second reader reads lines before and after. A line in which it no longer finds what it read surely before is
    left as bicubic has it. ``auto``: in lines of pages and lines with digits. ``revert``: in all lines. ``warn``:
    report only. ``off``: do not read."""
    guard_reader: Annotated[str | None, Flag(GUARD, default="rapidocr")] = None
    """Reader by name, or ``NAME=FILE``; default rapidocr where it is installed, else ``ppocr-v6-small``."""
    min_text_height: Annotated[NonNegative, Flag(PAGE)] = 6.0
    """Lines of a page that are smaller, in pixels, are left to plain enlargement."""
    max_text_height: Annotated[NonNegative, Flag(PAGE)] = 96.0
    """Lines of a page that are larger, in pixels, are readable and left to plain enlargement."""
    device: Annotated[str, Flag(COMPUTE)] = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Annotated[Precision, Flag(COMPUTE)] = "auto"
    """Of the network; a batch that comes out non-finite is computed again in fp32."""
    runtime: Annotated[RuntimeName, Flag(COMPUTE)] = "auto"
    """What runs the model: ``torch``, or of an exported one ``onnx`` (onnxruntime) or ``openvino``. ``auto`` takes
    onnxruntime on CPUs where the weights were exported, as the bundled ones are."""
    batch_size: Annotated[Annotated[int, Field(ge=1)] | Literal["auto"], Flag(COMPUTE)] = "auto"
    """Lines of 16 x 64 pixels per batch; halved when memory runs out."""
    offline: Annotated[bool, Flag(COMPUTE)] = False
    """Never fetch weights."""


class UpscaleConfig(UpscalerConfig):
    """How pictures are upscaled and where the results go; field names are the command's flags."""

    scale: Annotated[Annotated[float, Field(gt=0, le=16)] | None, Flag(SIZE, default="2")] = None
    """Factor on both sides; 2 where no size is given."""
    width: Annotated[PixelCount | None, Flag(SIZE)] = None
    """Width of the result in pixels; alone it keeps the aspect."""
    height: Annotated[PixelCount | None, Flag(SIZE)] = None
    """Height of the result in pixels; alone it keeps the aspect."""
    text: Annotated[str | None, Flag(GUARD)] = None
    """What the picture says: given to the text prior and checked in the result."""
    mode: Annotated[Mode, Flag()] = "auto"
    """``line`` takes each picture as one line of text. ``page`` finds the lines in it and enlarges them where they are.
    ``auto`` takes pictures of more than 64 rows that hold more than one line as pages, where lines can be found."""
    boxes: Annotated[str | None, Flag(PAGE, default="found by rapidocr", is_path=True)] = None
    """JSON file of the lines in a picture, or a folder with ``<name>.json`` for each; else they are looked for."""
    save_regions: Annotated[str | None, Flag(PAGE, is_path=True)] = None
    """Folder that receives each line of a page by itself, straight, as ``<name>-NN.png``."""
    pages: Annotated[str | None, Flag(PAGE, default="all")] = None
    """Pages of PDF and TIFF files, such as ``1,3-5,8-``."""
    recursive: Annotated[bool, Flag(short="-r")] = False
    """Search subfolders, too."""
    suffix: Annotated[str | None, Flag(OUTPUT)] = None
    """Appended to each file name. Default: ``_x2`` (the factor) beside the input, nothing in another folder."""
    ext: Annotated[str, Flag(OUTPUT)] = "png"
    """File type of results whose name is not given: png, jpg, webp, tiff or bmp."""
    quality: Annotated[int, Field(ge=1, le=100), Flag(OUTPUT)] = 95
    """Quality of JPEG and WebP results."""
    compare: Annotated[bool, Flag(OUTPUT)] = False
    """Write ``<name>_compare.png`` too: bicubic above, result below."""
    overwrite: Annotated[bool, Flag(OUTPUT)] = False
    """Replace results that exist."""
    workers: Annotated[int, Field(ge=1), Flag(COMPUTE)] = 2
    """Threads that read and write pictures."""
    engine: Annotated[Literal["local", "ray"], Flag(COMPUTE)] = "local"
    """``local``: this process. ``ray``: the workers of a Ray cluster."""
    address: Annotated[str | None, Flag(COMPUTE, default="one on this machine")] = None
    """Of the Ray cluster; ``auto`` for the one that this machine belongs to."""
