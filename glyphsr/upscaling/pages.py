"""Whole photographs: lines of text found, made straight, upscaled together, and put back."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import DataError
from glyphsr.images.perspective import Quad, cut_out, put_back, size_of, widen
from glyphsr.images.resize import FloatImage, resize
from glyphsr.images.text_boxes import TextBox
from glyphsr.ocr.line_detector import LineDetector
from glyphsr.safe_reading.limits import PICTURE_PIXELS
from glyphsr.upscaling.line import Line, UpscaledLine

LEAST_ASPECT = 0.6
"""Width over height below which a box holds upright text, which the network does not know."""

LINE_HEIGHT = 64
"""Pictures with a side of no more than that are lines, without looking for any."""

BAND = 256
"""Rows that are worked on at a time."""

GROUP_PIXELS = 4_000_000
"""Pixels of the results of lines that are in memory at a time, beyond the first line's."""

VAST = 12_500_000
"""Pixels of a picture from which the detector sees a smaller one, since what both take stands beside each other."""

DETECTOR_PIXELS = 2_600_000
"""Most pixels of that: a photograph of 3:2, which the detector reduces to 2,000 a side anyway, stays as it is."""

DETECTOR_BYTES = 200
"""That the detector takes for each pixel."""

FINDING_BYTES = 1_100_000_000
"""Of a vast picture and the detector together."""

FAR = 2.0
"""Longest line in sides of the picture."""

LINE_FRACTION = 0.5
"""Fraction of a picture's height from which its only line is taken for the whole picture."""


class LineUpscaler(Protocol):
    """What upscales the lines of a page: an :class:`~glyphsr.upscaling.upscaler.Upscaler`."""

    def upscale_lines(self, lines: Sequence[Line]) -> list[UpscaledLine]:
        """One result per line, in order."""
        ...


@dataclass(frozen=True, eq=False)
class Region:
    """What became of one line."""

    quad: Quad
    """In the pixels of the picture given, from its corner."""
    text_height: float
    """In those pixels."""
    action: str
    """``enlarged``, or why it was left to the plain enlargement."""
    result: UpscaledLine | None = None
    """Of the straight line, without pixels where nobody asked for them; ``None`` where it was left."""


@dataclass(frozen=True, eq=False)
class UpscaledPage:
    """A whole picture."""

    rgb: FloatImage
    """``(*size, 3)`` float32 in [0, 1]."""
    regions: tuple[Region, ...]
    change: float
    """Absolute change over Lanczos, of values in [0, 1]."""


class PageUpscaler:
    """Finds lines and upscales them where they are.

    Args:
        upscaler: For the lines.
        min_text_height: Of lines in pixels of the picture; smaller ones hold nothing that could be read.
        max_text_height: Of lines likewise; larger ones are readable as they are.
    """

    def __init__(self, upscaler: LineUpscaler, *, min_text_height: float, max_text_height: float) -> None:
        self.upscaler = upscaler
        self.least, self.most = min_text_height, max_text_height

    @cached_property
    def detector(self) -> LineDetector:
        """Loaded when first asked for."""
        return LineDetector()

    def find(self, picture: FloatImage) -> list[TextBox]:
        """Lines of a picture ``(H, W, 3)`` in [0, 1].

        Raises:
            ConfigError: If the detector is not installed.
        """
        height, width = picture.shape[:2]
        if height * width > VAST:
            small = _shown_size(height, width)
            picture = np.asarray(cv2.resize(picture, small[::-1], interpolation=cv2.INTER_AREA), np.float32)
        scale = np.array([width / picture.shape[1], height / picture.shape[0]])

        pixels = np.empty(picture.shape, np.uint8)
        for first in range(0, len(picture), BAND):  # photographs are large
            pixels[first : first + BAND] = (picture[first : first + BAND].clip(0, 1) * 255).round()
        return [TextBox(quad * scale) for quad in self.detector.find(pixels)]

    def upscale(
        self, picture: FloatImage, size: tuple[int, int], boxes: Sequence[TextBox], *, keeps_lines: bool = True
    ) -> UpscaledPage:
        """Lanczos everywhere, and the network's change where there is text.

        Args:
            picture: ``(H, W, 3)`` float32 in [0, 1].
            size: ``(height, width)`` of the result.
            boxes: Its lines, also beyond its borders.
            keeps_lines: Whether the results of lines keep their pixels; all of them can be as much as the page.

        Raises:
            DataError: If the lines together are larger than any picture.
        """
        # The page by itself, enlarged as plainly as a picture of anything.
        scale = np.array([size[1] / picture.shape[1], size[0] / picture.shape[0]])
        page = resize(picture, size, enlarging=cv2.INTER_LANCZOS4)
        page = page.copy() if page is picture else page
        # Which lines the network may help, and whether there is room for them.
        reasons = [self.left_alone(box.quad, (picture.shape[0], picture.shape[1])) for box in boxes]
        helped = [size_of(box.quad) for box, reason in zip(boxes, reasons, strict=True) if reason is None]
        covered = sum(round(height * width * scale.prod()) for height, width in helped)
        PICTURE_PIXELS.check(covered, "its lines together", DataError)
        # Boxes count from the corner of the picture, pixels from the centre of the first one.
        quads = [widen(box.quad) - 0.5 for box in boxes]
        lines = (
            self._line(picture, quad, scale, box.text)
            for quad, box, reason in zip(quads, boxes, reasons, strict=True)
            if reason is None
        )
        # Lines go through the network in groups, and back into the page; where they overlap, the first has the pixels.
        results = (pair for group in _groups(lines) for pair in self._upscaled(group))
        taken = np.zeros(size, np.float32)
        regions, added = [], 0.0
        for box, quad, reason in zip(boxes, quads, reasons, strict=True):
            height = round(size_of(box.quad)[0], 1)
            if reason is not None:
                regions.append(Region(box.quad, height, reason))
                continue
            line, result = next(results)
            # Only the change is put back, so that borders show no seams.
            change = result.rgb - resize(line.rgb, line.size).clip(0, 1)
            added += put_back(page, taken, change, (quad + 0.5) * scale - 0.5)
            kept = result if keeps_lines else replace(result, rgb=result.rgb[:0])
            regions.append(Region(box.quad, height, "enlarged", kept))
            del line, result, change

        return UpscaledPage(np.clip(page, 0, 1, out=page), tuple(regions), added / page.size)

    def _upscaled(self, lines: Sequence[Line]) -> list[tuple[Line, UpscaledLine]]:
        return list(zip(lines, self.upscaler.upscale_lines(lines), strict=True))

    def left_alone(self, quad: Quad, size: tuple[int, int]) -> str | None:
        """Why a line is left to the plain enlargement, ``None`` where it is not."""
        height, width = size_of(quad)
        if width > FAR * max(size):
            return "far larger than the picture"
        if (quad.max(axis=0) < 0).any() or (quad.min(axis=0) > (size[1], size[0])).any():
            return "outside the picture"
        if height < self.least:
            return f"smaller than {self.least:g} pixels"
        if height > self.most:
            return f"larger than {self.most:g} pixels"
        if width < LEAST_ASPECT * height:
            return "upright"
        return None

    @staticmethod
    def _line(picture: FloatImage, quad: Quad, scale: NDArray[np.float64], text: str | None) -> Line:
        line = cut_out(picture, quad).clip(0, 1)
        factor = float(np.sqrt(scale.prod()))  # both sides' alike, but for rounding or a distorting size
        size = (max(1, round(line.shape[0] * factor)), max(1, round(line.shape[1] * factor)))
        return Line(line, size, text, on_page=True)


def _shown_size(height: int, width: int) -> tuple[int, int]:
    """At which the detector sees a vast picture: what memory is left for, but never next to nothing."""
    left = (FINDING_BYTES - height * width * 3 * np.float32().nbytes) / DETECTOR_BYTES
    factor = math.sqrt(min(DETECTOR_PIXELS, max(left, DETECTOR_PIXELS / 4)) / (height * width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _groups(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines as they come, as many at a time as memory is meant to hold."""
    group, pixels = list[Line](), 0
    for line in lines:
        group.append(line)
        pixels += max(line.size[0] * line.size[1], line.rgb.shape[0] * line.rgb.shape[1])
        if pixels >= GROUP_PIXELS:
            yield group
            group, pixels = [], 0
    if group:
        yield group


def is_page(boxes: Sequence[TextBox], size: tuple[int, int]) -> bool:
    """Whether a picture of ``(height, width)`` with these boxes has more than one line of text, or one in a small part.

    Boxes beside each other are one line: detectors part it where gaps are wide.
    """
    # Boxes at one height are one line in several parts.
    extents = sorted((float(box.quad[:, 1].min()), float(box.quad[:, 1].max())) for box in boxes)
    rows: list[tuple[float, float]] = []
    for top, bottom in extents:
        if rows and min(bottom, rows[-1][1]) - top > 0.5 * min(bottom - top, rows[-1][1] - rows[-1][0]):
            rows[-1] = (rows[-1][0], max(rows[-1][1], bottom))
        else:
            rows.append((top, bottom))

    if len(rows) != 1:
        return len(rows) > 1
    return rows[0][1] - rows[0][0] < LINE_FRACTION * size[0]
