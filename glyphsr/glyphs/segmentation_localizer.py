"""Key points without a recognizer: from the ink and the text alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glyphsr.glyphs.protocols import KeyPoints
from glyphsr.glyphs.word import Word

CUTS = "cuts"
"""What options and reports call key points of this kind."""


def stretch_ink(word: Word) -> NDArray[np.bool_]:
    """``(L, H, W)``: the ink in each character's stretch of columns."""
    owners = word.split.owners(word.ink.mask.shape)
    return np.asarray(word.ink.mask & (owners == np.arange(len(word.text))[:, None, None]))


def key_points_of(region: NDArray[np.bool_], cell: NDArray[np.int64]) -> NDArray[np.float64]:
    """Two key points of a character: its ink's centre of mass, and the centre of the bounding box.

    Without ink both are the middle of the character's stretch.

    Args:
        region: ``(H, W)`` ink of the character.
        cell: First column of the stretch and the one after its last.

    Returns:
        ``(2, 2)`` float64: ``(x, y)`` of each point, in pixels.
    """
    # Without ink both are the middle of the stretch.
    rows, columns = np.nonzero(region)
    if not len(rows):
        centre = np.array([(cell[0] + cell[1] - 1) / 2, (len(region) - 1) / 2])
        return np.stack([centre, centre])

    mass = (columns.mean(), rows.mean())
    box = ((columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2)
    return np.array([mass, box], np.float64)


class CutsLocalizer:
    """Finds key points by splitting a word by its text; see :func:`glyphsr.glyphs.char_segmentation.split_word`."""

    def locate(self, words: Sequence[Word]) -> list[KeyPoints]:
        """Key points of each word's characters; the ink of a stretch stands for its glyph attention."""
        return [self._locate(word) for word in words]

    @staticmethod
    def _locate(word: Word) -> KeyPoints:
        regions = stretch_ink(word)
        points = [key_points_of(region, cell) for region, cell in zip(regions, word.split.cells, strict=True)]
        count = len(word.text)
        return KeyPoints(np.stack(points), (CUTS,) * count, regions, (None,) * count)
