"""What a picture says: its lines read before and after they are upscaled, and the better text of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glyphsr.guard.guard import Guard
from glyphsr.images.perspective import cut_out, widen
from glyphsr.images.reader import Picture
from glyphsr.images.transparency import as_seen
from glyphsr.system.devices import Precision
from glyphsr.types import Reading
from glyphsr.upscaling.image_calls import Boxes, ImageInput, open_picture
from glyphsr.upscaling.line_search import Mode
from glyphsr.upscaling.result import Corners, LineResult, UpscaleResult
from glyphsr.upscaling.upscaler import Draw, Upscaler
from glyphsr.weights.facts import PriorWeights
from glyphsr.weights.registry import DEFAULT
from glyphsr.weights.runtimes import Runtime


@dataclass(frozen=True)
class TextLine:
    """One line of a picture, and its text."""

    box: Corners
    """Corners ``(x, y)`` in the picture's pixels, clockwise as the text is read, its upper left first."""
    before: Reading
    """Read in the plain enlargement."""
    after: Reading
    """Read in the network's result; the same where the network changed nothing."""
    is_after_used: bool
    """Whether the text is that of the network's result; it is not where the guard took the change back."""

    @property
    def reading(self) -> Reading:
        """What counts."""
        return self.after if self.is_after_used else self.before

    @property
    def text(self) -> str:
        """What counts, as a text."""
        return self.reading.text


@dataclass(frozen=True, eq=False)
class ReadResult:
    """What a picture says."""

    lines: tuple[TextLine, ...]
    """In the order in which they were found, from top to bottom."""
    width: int
    height: int
    """Of the picture, upright."""
    reader: str
    """Who read."""
    note: str | None = None
    """Why the network changed nothing, or not all lines; ``None`` where it changed all."""

    @property
    def text(self) -> str:
        """All lines that have a text, one a line."""
        return "\n".join(line.text for line in self.lines if line.text)

    @property
    def text_before(self) -> str:
        """What is read without the network."""
        return "\n".join(line.before.text for line in self.lines if line.before.text)

    def __str__(self) -> str:
        return self.text

    def as_dict(self) -> dict[str, Any]:
        """The JSON document's part of one picture."""
        return {
            "width": self.width,
            "height": self.height,
            "text": self.text,
            "text_before": self.text_before,
            "reader": self.reader,
            "note": self.note,
            "lines": [
                {
                    "box": [list(corner) for corner in line.box],
                    "text": line.text,
                    "confidence": round(line.reading.confidence, 4),
                    "before": line.before.text,
                    "before_confidence": round(line.before.confidence, 4),
                    "after": line.after.text,
                    "after_confidence": round(line.after.confidence, 4),
                    "after_used": line.is_after_used,
                }
                for line in self.lines
            ],
        }


class TextReader:
    """Reads any number of pictures with one model and one reader.

    Args:
        upscaler: With a guard that looks at all lines, ``revert`` or ``warn``.
    """

    def __init__(self, upscaler: Upscaler) -> None:
        self.upscaler = upscaler
        guard = upscaler.guard
        assert guard is not None, "who reads is the guard's reader"
        self.guard: Guard = guard

    def read(
        self,
        image: ImageInput,
        *,
        scale: float | None = None,
        mode: Mode = "auto",
        boxes: Boxes | None = None,
        min_text_height: float = 6.0,
        max_text_height: float = 96.0,
    ) -> ReadResult:
        """As :func:`read`, which explains the arguments."""
        given, picture = open_picture(image)
        result = self.upscaler(
            picture if given is None else given,
            scale=scale,
            mode=mode,
            boxes=boxes,
            min_text_height=min_text_height,
            max_text_height=max_text_height,
        )
        return self._found(picture, result)

    def read_all(
        self,
        pictures: Sequence[Picture],
        *,
        scale: float | None = None,
        mode: Mode = "auto",
        min_text_height: float = 6.0,
        max_text_height: float = 96.0,
    ) -> list[ReadResult]:
        """The same of many pictures, whose lines share batches."""
        results = self.upscaler(
            list(pictures),
            scale=scale,
            mode=mode,
            min_text_height=min_text_height,
            max_text_height=max_text_height,
        )
        return [self._found(picture, result) for picture, result in zip(pictures, results, strict=True)]

    def _found(self, picture: Picture, result: UpscaleResult) -> ReadResult:
        lines = self._lines(picture, result.regions)
        height, width = picture.rgb.shape[:2]
        return ReadResult(lines, width, height, self.guard.reader.name, result.note)

    def _lines(self, picture: Picture, regions: Sequence[LineResult]) -> tuple[TextLine, ...]:
        """Lines that the network saw with the guard's readings; the others are read as they are."""
        # Lines that the guard did not look at, such as those too large for the network, are cut out and read.
        unseen = [i for i, region in enumerate(regions) if region.before is None]
        pieces = [cut_out(as_seen(picture), widen(np.asarray(regions[i].box, float)) - 0.5).clip(0, 1) for i in unseen]
        plain = dict(zip(unseen, self.guard.read(pieces), strict=True))

        lines = []
        for i, region in enumerate(regions):
            before = region.before or plain[i]
            used = region.guard != "reverted"
            lines.append(TextLine(region.box, before, region.after or before, used))
        return tuple(lines)


def read(
    image: ImageInput,
    *,
    reader: str | None = None,
    weights: str | Path = DEFAULT,
    prior_weights: PriorWeights = None,
    scale: float | None = None,
    strength: float | None = None,
    lexicon: str = "english",
    draw: Draw = "sure",
    mode: Mode = "auto",
    boxes: Boxes | None = None,
    min_text_height: float = 6.0,
    max_text_height: float = 96.0,
    device: str = "auto",
    precision: Precision = "auto",
    runtime: Runtime = "auto",
    batch_size: int | str = "auto",
    offline: bool = False,
) -> ReadResult:
    """Read a picture of text before and after it is upscaled; what ``glyphsr read`` does to a file.

    The text of a line is that of the network's result, unless a surely read text became another one.

    Args:
        image: Path, PIL image, or array ``(H, W)`` or ``(H, W, 1..4)``: uint8, uint16, bool, or float in [0, 1].
        reader: A reader by name, or ``NAME=FILE``; default rapidocr where it is installed, else its recognizer in
            the package.
        weights: A name of ``glyphsr models list``, or a checkpoint file.
        prior_weights: Text prior of a published network.
        scale: Factor by which lines are enlarged before they are read; 2 by default.
        strength: Fraction of the network's change over bicubic that is applied, 0..1; default from the model's card.
        lexicon: Word list by which the network's prior is corrected: ``english``, ``none``, or a text file.
        draw: ``sure`` leaves words that the prior is unsure of as bicubic, ``all`` draws everything.
        mode: ``line``, ``page``, or ``auto``, which decides by the picture.
        boxes: Lines, where they are known: a JSON file, or a list of boxes.
        min_text_height: Smaller lines of a page, in pixels, are read as they are.
        max_text_height: Larger lines likewise.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        runtime: ``torch``, or of an exported model ``onnx`` (onnxruntime) or ``openvino``; ``auto`` takes onnxruntime
            on CPUs where the weights were exported.
        batch_size: Lines of 16 x 64 pixels per batch, or ``auto``.
        offline: Never fetch weights.

    Returns:
        The text, and each line with its box and its text before and after.

    Raises:
        PictureError: If a file cannot be read, or is too large.
        ValueError: If an array has another shape, dtype or range.
        ConfigError: If an argument is out of range, or the reader is unknown or not installed.
        WeightsError: If weights cannot be loaded.
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
        guard="revert",
        guard_reader=reader,
        offline=offline,
    )

    return TextReader(upscaler).read(
        image,
        scale=scale,
        mode=mode,
        boxes=boxes,
        min_text_height=min_text_height,
        max_text_height=max_text_height,
    )
