"""TIFF of more than 8 bits a channel, and of kinds that PIL does not know, as values in [0, 1]."""

import io
import logging
import math
import zlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

UNPACKED = {1: 0, 8: 1, 32946: 1, 32773: 0}
"""TIFF's numbers of compressions that we unpack: none, Deflate by its two numbers, PackBits; 1 for Deflate."""

LZW = 5
"""Which cv2 unpacks, no further than the size that the file declares."""

SCALES = (1, 255, 1023, 4095, 16383, 65535)
"""Levels that white has in files of 32 bits: floats of one, and sensors of 8 to 16 bits."""

COLOURS = {"MINISBLACK": 1, "MINISWHITE": 1, "RGB": 3, "SEPARATED": 4}
"""Channels of the kinds that are read."""


def by_range(values: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers of any type as values in [0, 1].

    8 and 16 bits stand for their full range. Others go by what is there: the least of :data:`SCALES` that holds the
    greatest number is white, or that number itself; the least number is black where it is below 0.

    Example:
        >>> [round(float(by_range(np.array([0, top], np.int32))[1]), 3) for top in (1, 200, 255, 3000, 70000)]
        [1.0, 0.784, 1.0, 0.733, 1.0]
    """
    if values.dtype in (np.uint8, np.uint16):
        return np.asarray(values, np.float32) / np.float32(np.iinfo(values.dtype).max)
    # Anything else: white is the least level of a known kind that holds all values.
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low = min(0.0, float(numbers.min(initial=0.0)))
    top = float(numbers.max(initial=0.0))
    white = top if low < 0 else next((scale for scale in SCALES if top <= scale), top)
    return np.asarray(((numbers - low) / max(white - low, 1e-12)).clip(0, 1), np.float32)


def open_tiff(encoded: bytes) -> Any:
    """The file for tifffile, which says what is wrong in errors alone."""
    import tifffile  # comes with scikit-image; needed for this one format only

    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)
    return tifffile.TiffFile(io.BytesIO(encoded))


def read_tiff(encoded: bytes, page: int, *, pixel_limit: int) -> NDArray[np.float32]:
    """One page as ``(H, W, C)`` in [0, 1], C 1..4: grey or RGB, with alpha where there is one.

    Args:
        encoded: The whole file.
        page: Counted from 0.
        pixel_limit: Of a picture.

    Raises:
        ValueError: If it is of a kind that is not read, or its parts unpack to more than they should hold.
    """
    import tifffile

    with open_tiff(encoded) as file:
        found = file.pages[page]

        compression = int(found.compression)
        kind = tifffile.PHOTOMETRIC(found.photometric).name
        # tifffile would need another package for it.
        if compression == LZW:
            values = _by_cv2(encoded, page)
            kind = "RGB" if values.shape[2] > 2 else kind
        else:
            _check_parts(found, encoded, pixel_limit)
            values = np.asarray(found.asarray())
            if values.ndim == 3 and found.axes.startswith("S"):  # planes
                values = values.transpose(1, 2, 0)
    values = values[..., None] if values.ndim == 2 else values
    if kind == "MINISBLACK" and values.ndim == 3 and values.shape[2] > 2:
        kind = "RGB"  # as writers of arrays call it that know no kinds

    colours = COLOURS.get(kind)
    if colours is None or values.ndim != 3 or values.shape[2] < colours:
        raise ValueError(f"{values.dtype} TIFF of kind {kind}, which is not supported")
    # Colour and alpha are scaled apart: floats may have one of them beyond 1.
    colour, rest = by_range(values[..., :colours]), by_range(values[..., colours : colours + 1])
    if kind == "MINISWHITE":
        colour = 1 - colour
    elif kind == "SEPARATED":
        colour = (1 - colour[..., :3]) * (1 - colour[..., 3:])
    return np.concatenate([colour, rest], axis=2)


def _by_cv2(encoded: bytes, page: int) -> NDArray[Any]:
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    read, pages = cv2.imdecodemulti(np.frombuffer(encoded, np.uint8), flags, range=(page, page + 1))

    if not read or not pages:
        raise ValueError("LZW TIFF of a kind that is not supported")

    array = np.asarray(pages[0])
    array = array[..., None] if array.ndim == 2 else array
    return array[..., [2, 1, 0, 3][: array.shape[2]]] if array.shape[2] >= 3 else array


def _check_parts(page: Any, encoded: bytes, pixel_limit: int) -> None:
    """Refuse a TIFF whose parts unpack to more than they should hold, which tifffile would let grow without bound."""
    compression = int(page.compression)
    if compression not in UNPACKED:
        raise ValueError(f"{page.bitspersample}-bit TIFF of compression {compression}, which is not supported")

    # Header and parts may disagree, so both are held against the limit.
    part_bytes = page.dtype.itemsize * math.prod(page.chunks)
    for numbers in (page.size, len(page.dataoffsets) * math.prod(page.chunks)):  # tiles stand over the edges
        if numbers > 8 * pixel_limit:
            raise ValueError(f"its parts hold {numbers:,} numbers")

    if UNPACKED[compression]:
        for start, size in zip(page.dataoffsets, page.databytecounts, strict=True):
            unpacker = zlib.decompressobj()
            unpacker.decompress(encoded[start : start + size], part_bytes + 1)
            if unpacker.unconsumed_tail:
                raise ValueError("a part unpacks to more than it should hold")
