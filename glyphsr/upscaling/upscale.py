"""``upscale`` and ``upscale_page`` of single pictures, from Python."""

from pathlib import Path

from glyphsr.guard.guard import GuardMode
from glyphsr.system.devices import Precision
from glyphsr.upscaling.image_calls import Boxes, ImageInput
from glyphsr.upscaling.line_search import Mode
from glyphsr.upscaling.result import UpscaleResult
from glyphsr.upscaling.upscaler import Draw, Upscaler
from glyphsr.weights.facts import PriorWeights
from glyphsr.weights.registry import DEFAULT
from glyphsr.weights.runtimes import Runtime


def upscale(
    image: ImageInput,
    *,
    weights: str | Path = DEFAULT,
    prior_weights: PriorWeights = None,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    strength: float | None = None,
    lexicon: str = "english",
    draw: Draw = "sure",
    guard: GuardMode = "auto",
    guard_reader: str | None = None,
    text: str | None = None,
    mode: Mode = "auto",
    boxes: Boxes | None = None,
    min_text_height: float = 6.0,
    max_text_height: float = 96.0,
    device: str = "auto",
    precision: Precision = "auto",
    runtime: Runtime = "auto",
    batch_size: int | str = "auto",
    offline: bool = False,
) -> UpscaleResult:
    """Make a picture of text larger and more readable; what ``glyphsr upscale`` does to a file.

    Each call loads the model; keep an :class:`~glyphsr.upscaling.upscaler.Upscaler` for many pictures.

    Args:
        image: Path, PIL image, or array ``(H, W)`` or ``(H, W, 1..4)``: uint8, uint16, bool, or float in [0, 1].
        weights: A name of ``glyphsr models list``, or a checkpoint file.
        prior_weights: Text prior of a published network.
        scale: Factor on both sides, up to 16; 2 if no size is given.
        width: Pixels instead; alone it keeps the aspect.
        height: Likewise.
        strength: Fraction of the network's change over bicubic that is applied, 0..1; default from the model's card.
        lexicon: Word list by which readings are corrected: ``english``, ``none``, or a text file with one word a line.
        draw: ``sure`` leaves words that the prior is unsure of as bicubic, ``all`` draws everything.
        guard: Whether a second reader compares lines before and after: ``auto``, ``off``, ``warn`` or ``revert``.
        guard_reader: A reader by name, or ``NAME=FILE``.
        text: What the picture says: given to the text prior and checked in the result.
        mode: ``line``, ``page``, or ``auto``, which decides by the picture.
        boxes: Lines of a page, where they are known: a JSON file, or a list of boxes.
        min_text_height: Lines of a page that are smaller, in pixels, are left to plain enlargement.
        max_text_height: Lines that are larger likewise.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        runtime: ``torch``, or of an exported model ``onnx`` (onnxruntime) or ``openvino``; ``auto`` takes onnxruntime
            on CPUs where the weights were exported.
        batch_size: Lines of 16 x 64 pixels per batch, or ``auto``.
        offline: Never fetch weights.

    Returns:
        The picture (``result.image``, of the kind that was given), and what was done and read.

    Raises:
        PictureError: If a file cannot be read, or the result would be too large.
        ValueError: If an array has another shape, dtype or range.
        ConfigError: If an argument is out of range, or no detector is installed for mode ``page``.
        WeightsError: If the weights cannot be loaded.
        DataError: If the file of boxes cannot be read.
    """
    upscaler = Upscaler(
        weights,
        prior_weights=prior_weights,
        device=device,
        precision=precision,
        runtime=runtime,
        batch_size=batch_size,
        strength=strength,
        lexicon=lexicon,
        draw=draw,
        guard=guard,
        guard_reader=guard_reader,
        offline=offline,
    )

    return upscaler(
        image,
        scale=scale,
        width=width,
        height=height,
        text=text,
        mode=mode,
        boxes=boxes,
        min_text_height=min_text_height,
        max_text_height=max_text_height,
    )


def upscale_page(
    image: ImageInput,
    *,
    weights: str | Path = DEFAULT,
    prior_weights: PriorWeights = None,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    strength: float | None = None,
    lexicon: str = "english",
    draw: Draw = "sure",
    guard: GuardMode = "auto",
    guard_reader: str | None = None,
    boxes: Boxes | None = None,
    min_text_height: float = 6.0,
    max_text_height: float = 96.0,
    device: str = "auto",
    precision: Precision = "auto",
    runtime: Runtime = "auto",
    batch_size: int | str = "auto",
    offline: bool = False,
) -> UpscaleResult:
    """Find the lines of a photograph or page and enlarge them where they are: :func:`upscale` with ``mode="page"``."""
    return upscale(
        image,
        weights=weights,
        prior_weights=prior_weights,
        scale=scale,
        width=width,
        height=height,
        strength=strength,
        lexicon=lexicon,
        draw=draw,
        guard=guard,
        guard_reader=guard_reader,
        mode="page",
        boxes=boxes,
        min_text_height=min_text_height,
        max_text_height=max_text_height,
        device=device,
        precision=precision,
        runtime=runtime,
        batch_size=batch_size,
        offline=offline,
    )
