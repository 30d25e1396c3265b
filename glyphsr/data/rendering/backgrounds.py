"""What stands behind the text: plain, graded, cloudy, grained or striped colour, or a patch of a photograph."""

import functools
import hashlib
import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glyphsr.config.rendering import RenderConfig
from glyphsr.data.noise import FIELD_SIZE, noise_at
from glyphsr.data.rendering.colours import Colour
from glyphsr.data.rendering.random_choices import RandomChoices
from glyphsr.errors import DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.safe_reading.content import open_regular, read_content
from glyphsr.safe_reading.libtiff import libtiff_complaints
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.safe_reading.picture_header import FORMATS, check_picture

LONGEST_SIDE = 1024
"""Pixels to which photographs are brought; patches of lines need no more."""

END = 4096
"""Bytes at both ends of a photograph that stand for its content."""

Picture = NDArray[np.float32]
"""``(3, H, W)`` RGB on a scale of 1, not clipped; planes, on which NumPy works many times faster."""


def find_photographs(folder: str | None) -> tuple[str, ...]:
    """Picture files below a folder, in a stable order.

    Raises:
        DataError: If there are none.
    """
    if folder is None:
        return ()
    if not folder or not Path(folder).is_dir():
        raise DataError(f"{folder}: no such folder of photographs")
    found = sorted(str(path) for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise DataError(f"{folder}: no pictures ({' '.join(SUFFIXES)}) in it")
    return tuple(found)


def grounds_fingerprint(photographs: Sequence[str]) -> str:
    """Equal for photographs of the same names, sizes, beginnings and ends in the same order.

    Raises:
        DataError: If one cannot be read.
    """
    digest = hashlib.sha256()

    for path in photographs:
        try:
            with open_regular(Path(path)) as file:
                size = file.seek(0, os.SEEK_END)
                digest.update(f"{Path(path).name} {size}\n".encode(errors="surrogatepass"))

                # Sizes and ends tell files apart without reading photographs of many megabytes.
                for place in (0, max(0, size - END)):
                    file.seek(place)
                    digest.update(file.read(END))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror or error}") from error

    return digest.hexdigest()


@functools.lru_cache(maxsize=4)
def _photograph(path: str) -> NDArray[np.uint8]:
    encoded = read_content(Path(path), PICTURE_BYTES)

    try:
        check_picture(encoded, path, DataError)
        with warnings.catch_warnings(), libtiff_complaints():
            warnings.simplefilter("ignore")  # of sizes that are judged already, and of tags
            with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
                # A JPEG's decoder makes it smaller for nothing.
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                if image.mode in ("P", "PA", "1"):  # which cannot be made smaller as they are
                    return _small(image.convert("RGB"))
                return _small(_in_bytes(image) if image.mode.startswith(("I", "F")) else image)
    except DataError:
        raise
    except Exception as error:  # decoders of damaged files raise almost anything
        raise DataError(f"{path}: not a readable picture for a ground: {error}") from error


def _small(image: Image.Image) -> NDArray[np.uint8]:
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return np.asarray(image.convert("RGB"))


def _in_bytes(image: Image.Image) -> Image.Image:
    """A picture of more than 8 bits with 8."""
    values = np.asarray(image, np.float32)
    top = 65535.0 if image.mode.startswith("I") else max(1.0, float(values.max(initial=0)))
    return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))


def _patch(path: str, size: tuple[int, int], draws: RandomChoices) -> Picture:
    """A part of a photograph of about the asked aspect."""
    photograph = _photograph(path)
    # A small part, so that one photograph gives many grounds.
    height = max(4, round(photograph.shape[0] * draws.between((0.08, 0.6))))
    width = max(4, min(photograph.shape[1], round(height * size[1] / size[0])))
    height = min(height, photograph.shape[0])

    top = draws.number(0, photograph.shape[0] - height)
    left = draws.number(0, photograph.shape[1] - width)
    part = photograph[top : top + height, left : left + width]
    small = np.asarray(cv2.resize(part, size[::-1], interpolation=cv2.INTER_AREA), np.float32) / 255
    return np.ascontiguousarray(small.transpose(2, 0, 1))


def clouds(size: tuple[int, int], cells: tuple[int, int], draws: RandomChoices) -> NDArray[np.float32]:
    """``(H, W)`` smooth field of deviation about 1 that changes over so many cells."""
    start = draws.number(0, FIELD_SIZE - 1)
    return np.asarray(cv2.resize(noise_at(start, cells), size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _textured(colour: Colour, size: tuple[int, int], draws: RandomChoices, strength: float) -> Picture:
    """One colour with clouds, stripes or a second tone."""
    background = np.empty((3, *size), np.float32)
    background[:] = colour[:, None, None]
    kind = draws.unit()
    if kind < 0.35:  # plain
        return background

    if kind < 0.6:  # clouds
        cells = (draws.number(2, 6), draws.number(3, 16))
    elif kind < 0.75:  # grain of paper, cloth or stone
        cells = (max(2, size[0] // 2), max(2, size[1] // 2))
    elif kind < 0.9:  # boards, bricks, blinds
        cells = (draws.number(4, 12), 2) if draws.happens(0.5) else (2, draws.number(6, 40))
    else:
        edge = draws.between((0.1, 0.9))  # a second tone, with a straight edge
        step = strength * 4 * draws.around(0, 1)
        if draws.happens(0.5):
            background[:, : round(edge * size[0])] += step
        else:
            background[:, :, : round(edge * size[1])] += step
        return background

    background += strength * clouds(size, cells, draws)
    return background


def make_background(
    colour: Colour, size: tuple[int, int], draws: RandomChoices, *, config: RenderConfig, photograph: str | None
) -> Picture:
    """A ground of about the colour's brightness.

    Args:
        colour: Of the ground.
        size: ``(H, W)``.
        draws: Source of every draw.
        config: Strengths and probabilities.
        photograph: To take a patch of; ``None`` for none.

    Raises:
        DataError: If a photograph cannot be read.
    """
    strength = config.texture * draws.unit()
    if photograph is not None and draws.happens(config.background_prob):
        patch = _patch(photograph, size, draws)
        # Towards the ground's colour: text on the bare photograph would often be nowhere to be seen.
        calm = draws.between((0.35, 0.85))
        middle = patch.mean(axis=(1, 2))
        return np.asarray(patch * (1 - calm) + (colour - (1 - calm) * middle)[:, None, None], np.float32)
    return _textured(colour, size, draws, strength)


@functools.lru_cache(maxsize=1024)
def _slope(count: int) -> NDArray[np.float32]:
    """Numbers evenly from -1 to 1."""
    return np.linspace(-1, 1, count, dtype=np.float32)


def shade(picture: Picture, draws: RandomChoices, strength: float) -> None:
    """Light that falls off to one side, in place."""
    _, height, width = picture.shape
    down, across = (strength * draws.around(0, 1) for _ in range(2))
    picture *= (1 + np.float32(down) * _slope(height))[:, None] * (1 + np.float32(across) * _slope(width))
