"""Upscales whole pictures given as paths, PIL images or arrays: lines together, pages line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from glyphsr.errors import ConfigError
from glyphsr.images.memory import MemoryImage, to_picture
from glyphsr.images.reader import Picture, read_picture
from glyphsr.images.text_boxes import TextBox, box_of, read_boxes
from glyphsr.images.transparency import as_seen
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.line_search import Mode, check_mode, find_lines
from glyphsr.upscaling.pages import LineUpscaler, PageUpscaler
from glyphsr.upscaling.result import UpscaleResult, result_of
from glyphsr.upscaling.result_size import check_result
from glyphsr.upscaling.target_size import TargetSize

ImageInput: TypeAlias = str | Path | MemoryImage | Picture
"""A file's path, a PIL image, an array, or what our reader makes of a file."""

Boxes: TypeAlias = str | Path | Sequence[Any]
"""A JSON file of boxes, or boxes in any of the forms that it may have; see ``--boxes``."""


class StrongUpscaler(LineUpscaler, Protocol):
    """What is needed of an upscaler: its lines, and how much of its change it applies."""

    @property
    def strength(self) -> float:
        """In 0..1."""
        ...


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """How pictures are taken, and how large they become."""

    target: TargetSize
    mode: Mode = "auto"
    boxes: Boxes | None = None
    min_text_height: float = 6.0
    max_text_height: float = 96.0

    def __post_init__(self) -> None:
        if self.mode not in ("auto", "line", "page"):
            raise ConfigError(f"mode: expected auto, line or page, got {self.mode!r}")
        if self.min_text_height > self.max_text_height:
            raise ConfigError(f"min_text_height: expected at most max_text_height, {self.max_text_height:g}")
        check_mode(self.mode, has_boxes=self.boxes is not None)

    def read_boxes(self) -> list[TextBox]:
        """The boxes that were given.

        Raises:
            DataError: If their file cannot be read.
            ValueError: If one is no box.
        """
        if isinstance(self.boxes, str | Path):
            return read_boxes(Path(self.boxes))
        return [box if isinstance(box, TextBox) else box_of(box) for box in self.boxes or ()]


def open_picture(image: ImageInput) -> tuple[MemoryImage | None, Picture]:
    """What was given, unless that was a file, and the picture.

    Raises:
        PictureError: If a file cannot be read.
        ValueError: If an array has another shape, dtype or range.
    """
    if isinstance(image, str | Path):
        return None, read_picture(Path(image))
    if isinstance(image, Picture):
        return None, image
    return image, to_picture(image)


def upscale_pictures(
    upscaler: StrongUpscaler, images: Sequence[ImageInput], texts: Sequence[str | None], options: PictureOptions
) -> list[UpscaleResult]:
    """One result per picture, in order; pictures that are lines share batches.

    Args:
        upscaler: Of lines.
        images: Paths, PIL images, arrays.
        texts: What each says, where that is known.
        options: Of all of them.

    Raises:
        PictureError: If a file cannot be read, or a picture would become too large.
        DataError: If boxes cannot be read, or the detector fails in mode ``page``.
        ValueError: If an array has another shape, dtype or range.
    """
    pages = PageUpscaler(upscaler, min_text_height=options.min_text_height, max_text_height=options.max_text_height)
    # Pages are done one by one, since each fills batches with its lines; lines wait for each other.
    results: dict[int, UpscaleResult] = {}
    lines: dict[int, tuple[MemoryImage | None, Picture, Line]] = {}
    for i, (image, text) in enumerate(zip(images, texts, strict=True)):
        given, picture = open_picture(image)
        height, width = options.target.of(*picture.rgb.shape[:2])
        check_result(picture, (height, width), str(image) if isinstance(image, str | Path) else "picture")

        named = options.read_boxes if options.boxes is not None else None
        seen = as_seen(picture)
        boxes = find_lines(seen, pages, mode=options.mode, text=text, given=named)
        if boxes is None:
            lines[i] = (given, picture, Line(seen, (height, width), text))
        else:
            page = pages.upscale(seen, (height, width), boxes, keeps_lines=False)
            results[i] = result_of(given, picture, page, strength=upscaler.strength)

    upscaled = upscaler.upscale_lines([line for _, _, line in lines.values()])
    for (i, (given, picture, _)), line in zip(lines.items(), upscaled, strict=True):
        results[i] = result_of(given, picture, line, strength=upscaler.strength)
    return [results[i] for i in range(len(images))]
