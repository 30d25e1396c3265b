"""A word picture prepared for extraction: its frame, its ink, and how the text splits it."""

import unicodedata
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.glyphs.char_segmentation import Split, split_slanted, split_word
from glyphsr.glyphs.ink import Ink, find_ink
from glyphsr.glyphs.widths import relative_widths
from glyphsr.images.resize import resize_by_area

HEIGHT = 32
"""Line height of the frame in which extraction works; the paper's HR height."""

PAPER_WIDTH = 128

MIN_COLUMNS = 2
"""Least width of a character in the frame."""

MAX_ASPECT = 40
"""Width over height beyond which a picture is no word; the work grows with the square of the width."""

NO_GLYPH = {"Mn", "Me", "Cf", "Cc"}
"""Unicode categories of what has no ink of its own: combining marks, invisible and control characters."""

LOCAL_MARGIN = 0.1
"""How much cheaper, per character, a split of locally compared ink must be to be preferred."""

INVERTED_MARGIN, INVERTED_BY_CERTAINTY = 0.2, 0.6
"""The same for ink and ground exchanged: fixed, and times how certain the border is of which is which."""

EASY = 0.1
"""Cost of a split per character (with its ink's margin) below which no other ink is tried."""

SLANT_FROM = 0.2
"""Cost above which slants are tried; below, they gain less than their time is worth."""

LONG = 20 * HEIGHT
"""Width of a frame from which neither is tried: the work grows with the square of the width."""

HOPELESS = 50.0
"""Cost of a split that could not be found."""


class Rejection(Exception):  # noqa: N818 - no error: the run continues, and the word's meta says why
    """Why a word has no glyphs; its text is one of the reasons in ``docs/glyphs.md``."""


@dataclass(frozen=True, eq=False)
class Word:
    """One picture in the frame of extraction, and what is written in it."""

    image: NDArray[np.uint8]
    """``(32, W, 3)`` uint8 RGB."""
    text: str
    """Its characters, without spaces."""
    ink: Ink
    split: Split
    size: tuple[int, int]
    """``(height, width)`` of the picture as it came; masks are brought back to it."""

    @property
    def scale(self) -> tuple[float, float]:
        """Factors on x and y from the frame to the picture."""
        return self.size[1] / self.image.shape[1], self.size[0] / self.image.shape[0]


def characters(label: str) -> str:
    """The characters of a label that can have a glyph: composed (NFC), without spaces and what is invisible.

    Example:
        >>> characters("Main St."), characters("cafe\u0301\u200b")
        ('MainSt.', 'café')
    """
    composed = "".join(unicodedata.normalize("NFC", label).split())
    return "".join(char for char in composed if unicodedata.category(char) not in NO_GLYPH)


def to_frame(image: NDArray[np.uint8], *, squeeze: bool = False) -> NDArray[np.uint8]:
    """Bring a picture to height 32, in its own aspect or squeezed to width 128.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        squeeze: As the paper's loader does.
    """
    height, width = image.shape[:2]
    target = PAPER_WIDTH if squeeze else max(MIN_COLUMNS, round(width * HEIGHT / height))
    if (height, width) == (HEIGHT, target):
        return image
    return np.asarray(resize_by_area(image, (HEIGHT, target), cv2.INTER_CUBIC), np.uint8)


def from_frame(masks: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Bring masks back to the size of the picture.

    Args:
        masks: ``(L, 32, W)``.
        size: ``(height, width)``.

    Returns:
        ``(L, height, width)``: where at least half of a pixel is covered. Masks that do not overlap stay so, and what
        they cover together stays covered: a shared pixel goes to whoever has more of it.
    """
    if masks.shape[1:] == size or not len(masks):
        return masks if len(masks) else np.zeros((0, *size), np.bool_)

    # Masks that do not overlap still should not afterwards: each pixel goes to whom most of it belongs.
    apart = masks.sum(axis=0).max() <= 1

    result = np.zeros((len(masks), *size), bool)

    total, most = np.zeros(size, np.float32), np.zeros(size, np.float32)
    owner = np.full(size, -1)
    for i, mask in enumerate(masks):  # one by one: a stack of large pictures would fill the memory
        cover = np.asarray(resize_by_area(mask.astype(np.float32), size, cv2.INTER_LINEAR), np.float32)
        if not apart:  # overlapping masks, as SAM's may be, are each on their own
            result[i] = cover >= 0.5
            continue
        total += cover
        owner[cover > most] = i
        np.maximum(most, cover, out=most)

    if apart:
        owner[total < 0.5] = -1
        for i in range(len(masks)):
            result[i] = owner == i

    return result


def prepare_word(image: NDArray[np.uint8], label: str, *, squeeze: bool = False) -> Word:
    """Look at one picture.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        label: Its text.
        squeeze: Work at 32 x 128 as the paper's loader does.

    Raises:
        Rejection: ``empty_label``, ``blank``, ``too_wide`` for no word, or ``too_long`` for more characters than the
            picture has room for.
        ValueError: If the picture has another shape or type.
    """
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape or image.dtype != np.uint8:
        raise ValueError(f"expected (H, W, 3) uint8, got {image.shape} {image.dtype}")

    # What cannot be extracted is rejected before any work is done.
    text = characters(label)
    if not text:
        raise Rejection("empty_label")

    height, width = image.shape[:2]
    if width > MAX_ASPECT * height:
        raise Rejection("too_wide")

    frame = to_frame(image, squeeze=squeeze)

    # Squeezing a line does not make room in it.
    if len(text) * MIN_COLUMNS > min(frame.shape[1], max(MIN_COLUMNS, round(width * HEIGHT / height))):
        raise Rejection("too_long")

    ink, split = _best_ink(frame, text)
    return Word(frame, text, ink, split, (image.shape[0], image.shape[1]))


def _best_ink(frame: NDArray[np.uint8], text: str) -> tuple[Ink, Split]:
    """Of several ways to tell ink from ground, the one by which the text splits most easily."""
    best: tuple[float, Ink, Split] | None = None
    seen: Ink | None = None
    for local, inverted in ((False, False), (True, False), (False, True), (True, True)):
        ink = find_ink(frame, local=local, inverted=inverted)
        if ink.is_blank:
            continue

        seen = seen or ink

        split = split_word(ink.mask, text)
        if split is None:
            continue

        # Unusual ink has to make the text split more easily by a margin.
        margin = LOCAL_MARGIN * local + inverted * (INVERTED_MARGIN + INVERTED_BY_CERTAINTY * ink.certainty)
        if best is None or split.cost + margin < best[0]:
            best = (split.cost + margin, ink, split)

        easy = best[0] < (INVERTED_MARGIN if local else EASY)  # what comes next has a greater margin
        if easy or frame.shape[1] > LONG:
            break

    if seen is None:
        raise Rejection("blank")
    if best is None:
        return seen, _even_split(seen.mask, text)

    _, ink, split = best

    if split.cost > SLANT_FROM and frame.shape[1] <= LONG:
        split = split_slanted(ink.mask, text, split)

    return ink, split


def _even_split(mask: NDArray[np.bool_], text: str) -> Split:
    """The extent of the ink divided by expected widths; the whole width where that is too narrow."""
    columns = np.flatnonzero(mask.any(axis=0))
    start, end = int(columns[0]), int(columns[-1]) + 1

    if end - start < len(text):
        start, end = 0, mask.shape[1]

    widths = relative_widths(text)
    # Every character has one column at least; what is left goes by expected widths.
    progress = np.concatenate([[0.0], np.cumsum(widths) / widths.sum()])
    spare = end - start - len(text)  # beyond one column each
    borders = start + np.arange(len(text) + 1) + np.floor(progress * spare + 0.5).astype(np.int64)
    cells = np.stack([borders[:-1], borders[1:]], axis=1)
    return Split(cells, np.full(len(text), HOPELESS), HOPELESS)
