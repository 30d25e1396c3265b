"""What Python gets of an upscaled picture: the picture, and what was done to each line and read in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glyphsr.guard.guard import Action
from glyphsr.images.memory import MemoryImage, like, to_array, to_pil
from glyphsr.images.reader import Picture
from glyphsr.images.transparency import enlarged
from glyphsr.images.writer import encode_picture, picture_format
from glyphsr.system.atomic_files import write_bytes
from glyphsr.types import Reading
from glyphsr.upscaling.line import UpscaledLine
from glyphsr.upscaling.pages import UpscaledPage
from glyphsr.upscaling.report import UNSURE, Method, notes_of, report_fields, why_unchanged

Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class LineResult:
    """What became of one line of text."""

    box: Corners
    """Corners ``(x, y)`` in the input's pixels, clockwise as the text is read, its upper left first."""
    method: Method
    """``network`` where it changed the line, ``bicubic`` where it did not, ``lanczos`` where the line was left."""
    change: float
    """Mean absolute difference to bicubic, on a scale of 255."""
    prior: Reading | None = None
    """What the network's text prior read."""
    before: Reading | None = None
    """What the guard's reader read in the plain enlargement; ``None`` where the guard did not look."""
    after: Reading | None = None
    """What it read in the network's result, also where that was taken back."""
    guard: Action | None = None
    """``kept``, ``warned`` or ``reverted``."""
    guard_reason: str | None = None
    note: str | None = None
    """Why the line was only enlarged, or sharpened without a text; ``None`` where its text was drawn."""

    @property
    def reading(self) -> Reading | None:
        """What the line of the result says, as far as is known: by the guard's reader, else by the text prior."""
        if self.guard == "reverted":
            return self.before
        return self.after if self.guard is not None else self.prior


@dataclass(frozen=True, eq=False)
class UpscaleResult:
    """One upscaled picture. ``numpy.asarray(result)`` gives its pixels."""

    image: MemoryImage
    """The picture: an array like the one given, or a PIL image where a PIL image or a file was given."""
    method: Method
    """``network`` where it changed anything, else ``bicubic`` for a line and ``lanczos`` for a page."""
    change: float
    """Mean absolute difference to the plain enlargement, on a scale of 255."""
    regions: tuple[LineResult, ...]
    """Lines of text; exactly one, the whole picture, where the picture was taken as one line."""
    is_page: bool
    """Whether lines were looked for, or given, in the picture."""
    note: str | None
    """Why the picture, or lines of it, came out as plain enlargement; ``None`` where all was changed."""
    picture: Picture
    """The same picture in floats, with what a file holds besides pixels."""

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What the lines say in the result, as far as anything was read; see :attr:`LineResult.reading`."""
        found = (region.reading for region in self.regions)
        return tuple(reading for reading in found if reading is not None and reading.text)

    @property
    def text(self) -> str:
        """The readings, one a line."""
        return "\n".join(reading.text for reading in self.readings)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        pixels = self.image if isinstance(self.image, np.ndarray) else to_array(self.picture)
        return np.array(pixels, dtype, copy=copy) if copy else np.asarray(pixels, dtype)

    def to_pil(self) -> Image.Image:
        """The picture as a PIL image."""
        return self.image if isinstance(self.image, Image.Image) else to_pil(self.picture)

    def save(self, path: str | Path, *, quality: int = 95, overwrite: bool = True) -> Path:
        """Write the picture; 16 bits, transparency, ICC profile and resolution are kept where the format can.

        Args:
            path: Name with the ending of the format. It only ever exists complete.
            quality: Of JPEG and WebP, 1..100.
            overwrite: Replace a file that exists.

        Raises:
            ConfigError: If no format has that ending.
            FileExistsError: If it exists and may not be replaced.
            OSError: If it cannot be written.
        """
        target = Path(path)
        content = encode_picture(self.picture, picture_format(target.suffix), quality=quality)
        if not overwrite and target.exists():
            raise FileExistsError(f"{target}: exists already")
        write_bytes(target, content)
        return target


def result_of(
    given: MemoryImage | None, picture: Picture, upscaled: UpscaledLine | UpscaledPage, *, strength: float
) -> UpscaleResult:
    """The result of one picture.

    Args:
        given: What the picture came as; ``None`` for a file.
        picture: Before.
        upscaled: After.
        strength: Fraction of the network's change that was applied.
    """
    made = enlarged(picture, upscaled.rgb)

    page = isinstance(upscaled, UpscaledPage)
    return UpscaleResult(
        image=to_pil(made) if given is None else like(given, made),
        method=report_fields(upscaled, strength)["method"],
        change=255 * upscaled.change,
        regions=_page_lines(upscaled) if isinstance(upscaled, UpscaledPage) else (_whole(picture, upscaled),),
        is_page=page,
        note="; ".join(notes_of(upscaled, None)) or None,
        picture=made,
    )


def _page_lines(page: UpscaledPage) -> tuple[LineResult, ...]:
    lines = []
    for region in page.regions:
        box = _corners(region.quad.tolist())
        if region.result is None:
            lines.append(LineResult(box, "lanczos", 0.0, note=region.action))
        else:
            lines.append(_line(box, region.result))
    return tuple(lines)


def _whole(picture: Picture, line: UpscaledLine) -> LineResult:
    height, width = picture.rgb.shape[:2]
    return _line(_corners([(0, 0), (width, 0), (width, height), (0, height)]), line)


def _line(box: Corners, line: UpscaledLine) -> LineResult:
    verdict = line.verdict
    return LineResult(
        box,
        "network" if line.is_changed else "bicubic",
        255 * line.change,
        prior=line.reading,
        before=verdict.before if verdict else None,
        after=verdict.after if verdict else None,
        guard=verdict.action if verdict else None,
        guard_reason=verdict.reason if verdict else None,
        note=why_unchanged(line) or (None if line.is_sure else UNSURE),
    )


def _corners(points: Any) -> Corners:
    first, second, third, fourth = ((float(x), float(y)) for x, y in points)
    return first, second, third, fourth
