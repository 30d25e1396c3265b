"""Which of a character's candidate masks is its glyph (paper, section on the GEM)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_AREA, MAX_AREA = 0.02, 1.5
"""Guard: area of a mask over that of the character's stretch of the line."""

MAX_WIDTH = 2.0
"""Guard: width of a mask over that of the character's stretch."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The chosen mask and why."""

    index: int | None
    """Among the candidates, ``None`` for no mask."""
    iou: float | None
    """With the glyph attention, ``None`` where that was unusable."""
    fallback: str | None
    """``None`` where the paper's rule chose."""


def iou_with(masks: NDArray[np.bool_], region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Intersection over union of each mask ``(N, H, W)`` with a region ``(H, W)``; 0 where both are empty."""
    shared = (masks & region).sum(axis=(1, 2))
    union = masks.sum(axis=(1, 2)) + region.sum() - shared
    return np.asarray(shared / np.maximum(union, 1), np.float64)


def compactness(masks: NDArray[np.bool_], confidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """The paper's score without glyph attention, confidence over the root of the area; -inf for empty masks."""
    area = masks.sum(axis=(1, 2))
    return np.where(area > 0, confidence / np.sqrt(np.maximum(area, 1)), -np.inf)


def is_plausible(
    masks: NDArray[np.bool_], ink: NDArray[np.bool_], cell: tuple[int, int], centres: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """The guard: size of a character, on ink, no wider than two characters, over at most two key points.

    Args:
        masks: ``(N, H, W)``.
        ink: ``(H, W)``.
        cell: The character's first column and the one after its last.
        centres: ``(L,)`` x of all key points of the word.

    Returns:
        ``(N,)``.
    """
    height = ink.shape[0]
    width = max(1, cell[1] - cell[0])

    area = masks.sum(axis=(1, 2)) / (width * height)
    columns = np.asarray(masks.any(axis=1))  # (N, W)
    reach = columns.sum(axis=1)
    on_ink = (masks & ink).any(axis=(1, 2))
    # How many characters' key points lie in the mask's columns: itself and one neighbour may.
    places = np.clip(np.floor(centres + 0.5).astype(int), 0, ink.shape[1] - 1)
    covered = columns[:, places].sum(axis=1)

    fits = (area >= MIN_AREA) & (area <= MAX_AREA) & (reach <= MAX_WIDTH * width)
    return np.asarray(fits & on_ink & (covered <= 2))


def select(
    masks: NDArray[np.bool_],
    confidence: NDArray[np.float64],
    attention: NDArray[np.bool_],
    *,
    threshold: float,
    max_area: float,
    when_none_passes: str = "best",
) -> Choice:
    """The paper's rule: confidence above the threshold, then the highest IoU with the glyph attention.

    Where the glyph attention is empty or meets no candidate, confidence over the root of the area decides.

    Args:
        masks: ``(N, H, W)`` candidates of one character.
        confidence: ``(N,)``.
        attention: ``(H, W)``, empty where it is unusable.
        threshold: The paper's tau.
        max_area: Larger masks, in pixels, are not considered.
        when_none_passes: ``best`` chooses among all, ``empty`` chooses none.
    """
    area = masks.sum(axis=(1, 2))
    # No empty mask, and none of a whole line or picture.
    possible = np.flatnonzero((area > 0) & (area <= max_area) & np.isfinite(confidence))
    if not len(possible):
        return Choice(None, None, "no_mask")

    # The paper's threshold on confidence.
    passing = possible[confidence[possible] > threshold]
    reason = None
    if not len(passing):
        if when_none_passes == "empty":
            return Choice(None, None, "below_threshold")
        passing, reason = possible, "below_threshold"

    # With glyph attention the greatest overlap decides, without it confidence over size.
    overlaps = iou_with(masks[passing], attention)
    if attention.any() and overlaps.max() > 0:
        best = int(overlaps.argmax())
        return Choice(int(passing[best]), float(overlaps[best]), reason)

    best = int(compactness(masks[passing], confidence[passing]).argmax())
    return Choice(int(passing[best]), None, reason or "no_glyph_attention")
