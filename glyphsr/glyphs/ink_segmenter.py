"""The segmenter without weights: each piece of ink belongs to the character that it mostly lies under."""

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.glyphs.protocols import Candidates, KeyPoints, Prompts
from glyphsr.glyphs.word import Word

WHOLE = 0.85
"""Fraction of a piece that must lie in one stretch for all of it to go there; else it is cut."""

STRAY = 0.4
"""A piece at the border with less than this fraction of a character's ink is a neighbour's, not an accent or a dot."""

MOST = 0.5
"""Fraction of a character's ink that no other may take along with a piece."""

NOBODY = -1


def columns_between(mask: NDArray[np.bool_], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Owner of each column, cut between neighbouring centres where the least ink is crossed.

    Args:
        mask: ``(H, W)`` ink.
        centres: ``(L,)`` x of each character, increasing.

    Returns:
        ``(W,)``: index of the character.
    """
    width = mask.shape[1]
    # Ink that a cut before each column goes through; of equal places the middle one is taken.
    crossing = np.concatenate([[0], (mask[:, :-1] & mask[:, 1:]).sum(axis=0)])
    pixels = np.clip(np.floor(centres + 0.5).astype(int), 0, width - 1)
    owner = np.zeros(width, np.int64)

    for i, (left, right) in enumerate(itertools.pairwise(pixels), start=1):
        first = min(left + 1, width - 1)  # the pixel of a centre is its own character's
        last = max(first, right)
        lowest = first + np.flatnonzero(crossing[first : last + 1] == crossing[first : last + 1].min())
        owner[int(lowest[np.argmin(np.abs(lowest - (left + right) / 2))]) :] = i
    return owner


def pixel_owners(word: Word, centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Owner of each pixel: by the centres where one lies outside its stretch of the split, else by the split.

    Centres out of reading order are no basis for cuts, so there, too, the split decides.

    Args:
        word: Ink and split.
        centres: ``(L, 2)``: ``(x, y)`` of each character.

    Returns:
        ``(H, W)``: index of the character, -1 for pixels that the split leaves out.
    """
    shape, cells = word.ink.mask.shape, word.split.cells
    x = word.split.middle_x(centres, shape[0])
    inside = ((x >= cells[:, 0] - 0.5) & (x <= cells[:, 1] - 0.5)).all()
    if not inside and (np.diff(centres[:, 0]) > 0).all():
        return np.broadcast_to(columns_between(word.ink.mask, centres[:, 0]), shape)
    return word.split.owners(shape)


def own_pieces(mask: NDArray[np.bool_], owner: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Share out connected pieces of ink.

    Args:
        mask: ``(H, W)`` ink.
        owner: ``(H, W)``: in whose stretch each pixel lies, -1 for nobody's.
        count: Characters L.

    Returns:
        ``(L, H, W)``: disjoint.
    """
    pieces, found = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int32)
    # Pixels of each piece by owner, counted in one pass: (pieces, L + 1).
    mass = np.bincount((labels * (count + 1) + owner + 1).ravel(), minlength=pieces * (count + 1))
    mass = mass.reshape(pieces, count + 1)  # column 0 is nobody
    # A piece goes to its owner whole, unless it is shared or would rob a neighbour.
    winner = mass.argmax(axis=1) - 1
    whole = (mass.max(axis=1) >= WHOLE * mass.sum(axis=1)) & ~_takes_most(mass)

    final = np.where(whole[labels], winner[labels], owner)
    final[~mask | _stray(labels, mass, winner)[labels]] = NOBODY
    return np.asarray(final == np.arange(count)[:, None, None])


def _takes_most(mass: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pieces that hold most of another character's ink, such as a thin letter joined to a fat one.

    Args:
        mass: ``(pieces, L + 1)``: pixels by piece and owner, nobody first.
    """
    total = mass[1:, 1:].sum(axis=0)
    most = mass[:, 1:] > MOST * total
    most[np.arange(len(mass)), np.maximum(mass.argmax(axis=1) - 1, 0)] = False
    return np.asarray(most.any(axis=1))


def _stray(labels: NDArray[np.int32], mass: NDArray[np.int64], winner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pieces that touch the picture's border and are small beside the character that they would go to.

    Args:
        labels: ``(H, W)``: piece of each pixel, 0 for ground.
        mass: ``(pieces, L + 1)``: pixels by piece and owner, nobody first.
        winner: ``(pieces,)``: the owner with most of each.
    """
    # Piece 0 is the ground.
    total = mass[:, 1:].copy()
    total[0] = 0

    own = mass[np.arange(len(mass)), winner + 1]
    of_owner = np.where(winner >= 0, total.sum(axis=0)[winner], 0)

    at_border = np.zeros(len(mass), bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_border[edge] = True
    return at_border & (own < STRAY * of_owner)


def stability(strength: NDArray[np.float32], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How little each mask changes with the threshold on ink, as SAM's stability score does for its logits.

    Args:
        strength: ``(H, W)`` in [0, 1].
        masks: ``(L, H, W)``.

    Returns:
        ``(L,)`` in [0, 1]: 1 for edges from one pixel to the next, 0 for an empty mask.
    """
    scores = np.zeros(len(masks))
    # Ink at a stricter threshold over ink at a laxer one, in and about the mask.
    kernel = np.ones((3, 3), np.uint8)
    for i, mask in enumerate(masks):
        around = cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)
        low = np.count_nonzero(around & (strength > 0.45))
        scores[i] = np.count_nonzero(mask & (strength > 0.55)) / low if low else 0.0
    return scores


class InkSegmenter:
    """One mask per character, from the whole word at once; anchors beyond the first key point change nothing."""

    def segment(
        self, words: Sequence[Word], key_points: Sequence[KeyPoints], prompts: Sequence[Prompts]
    ) -> list[Candidates]:
        """As :meth:`Segmenter.segment`; each mask answers its character's first prompt."""
        return [self._segment(*row) for row in zip(words, key_points, prompts, strict=True)]

    @staticmethod
    def _segment(word: Word, key_points: KeyPoints, prompts: Prompts) -> Candidates:
        owner = pixel_owners(word, key_points.points[:, 0])
        masks = own_pieces(word.ink.mask, owner, len(word.text))
        first = np.searchsorted(prompts.owners, np.arange(len(word.text)))
        return Candidates(masks, stability(word.ink.strength, masks), first.astype(np.int64))
