"""Makes more of few real words: parts of them, their characters in another order, other angles, other colours."""

import itertools
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.text.charset import filter_lower
from glyphsr.types import Sample

LONGEST = 10
"""Characters of a word that is put together from others'."""

MAX_OVERLAP = 0.3
"""Of two neighbours' columns, as a fraction of the narrower one, up to which they are cut between."""

EXCERPT_PROB = 0.6
"""Probability that a recombined word is a run of the characters as they stand; else they are in no order."""

SLANT, JITTER, CROP, BULGE = 0.15, 0.06, 0.12, 0.08
"""Of a distorted word, in heights: deviation of the shear, of where its corners come to lie, greatest crop or room at a
side, deviation of the arc."""

STRETCH = 1.3
"""Greatest factor by which a distorted word becomes wider or narrower."""

Cell = tuple[int, int]
"""Columns of one character, the end excluded."""


def character_columns(chars: NDArray[np.bool_]) -> list[Cell] | None:
    """The columns of each character, cut midway between neighbours; ``None`` where they overlap by too much.

    Args:
        chars: ``(L, H, W)``, one mask per character in reading order, none empty.
    """
    # First and last inked column of each character.
    spans = [np.flatnonzero(mask.any(axis=0))[[0, -1]] for mask in chars]
    borders = [0]
    for (left, right), (next_left, next_right) in itertools.pairwise(spans):
        narrower = min(right - left, next_right - next_left) + 1
        if next_left <= left or right - next_left + 1 > MAX_OVERLAP * narrower:
            return None
        borders.append(int(right + next_left + 1) // 2)
    borders.append(chars.shape[2])
    return list(itertools.pairwise(borders))


def recombine(sample: Sample, rng: np.random.Generator) -> Sample:
    """A part of a word, or its characters in another order, with their masks.

    Args:
        sample: With masks of all its characters; others come back as they are, and so do those that would become
            narrower than high.
        rng: Decides.
    """
    chars = sample.chars
    if chars is None or sample.line is None or len(chars) < 2 or len(filter_lower(sample.label)) != len(sample.label):
        return sample
    if len(chars) != len(sample.label):
        return sample

    cells = character_columns(chars)
    if cells is None:
        return sample

    count = len(cells)
    if rng.random() < EXCERPT_PROB:
        # A run of characters as they stand, shorter than the word.
        size = int(rng.integers(1 if count == 2 else 2, count))
        first = int(rng.integers(0, count - size + 1))
        order = list(range(first, first + size))
    else:
        # Characters in any order, some perhaps twice: no language model can guess them.
        size = int(rng.integers(2, min(count, LONGEST) + 1))
        order = rng.choice(count, size, replace=count > 2).tolist()

    parts = [slice(*cells[i]) for i in order]
    if sum(part.stop - part.start for part in parts) < sample.hr.shape[0]:
        return sample  # batches have nothing narrower than high, so it would be drawn out sideways

    # Each mask keeps its ink in its own place of the new word and has none elsewhere.
    moved = []
    for place, i in enumerate(order):
        own = [chars[i][:, part] if k == place else np.zeros_like(chars[i][:, part]) for k, part in enumerate(parts)]
        moved.append(np.concatenate(own, axis=1))

    return replace(
        sample,
        hr=np.concatenate([sample.hr[:, part] for part in parts], axis=1),
        label="".join(sample.label[i] for i in order),
        lr=None,
        line=np.concatenate([sample.line[:, part] for part in parts], axis=1),
        chars=np.stack(moved),
    )


def color_jitter(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Other colours, the same strokes: channels exchanged, negatives, another gamma and balance.

    Args:
        image: ``(H, W, 3)`` RGB.
        rng: Decides.
    """
    order = rng.permutation(3)
    gamma, gains = np.exp(0.25 * rng.standard_normal()), rng.uniform(0.85, 1.15, 3)
    negative = rng.random() < 0.4
    # One table for all 256 levels: gamma, gains, and the negative.
    levels = np.linspace(0.0, 1.0, 256)[:, None] ** gamma * gains  # (256, 3)
    if negative:
        levels = 1.0 - levels
    table = (np.clip(levels, 0, 1) * 255 + 0.5).astype(np.uint8)

    return np.stack([table[image[..., source], place] for place, source in enumerate(order)], axis=2)


def warp(sample: Sample, rng: np.random.Generator) -> Sample:
    """A word seen from elsewhere: slanted, turned, in perspective, bent, cropped otherwise, wider or narrower.

    Beyond its borders it continues as at them.

    Args:
        sample: Its LR side is dropped, since it shows the word as it was. Where a character that has a mask would be
            cut off wholly, the word comes back as it is.
        rng: Decides.
    """
    height, width = sample.hr.shape[:2]
    # Where each pixel of the result is seen in the word: cropped and stretched first.
    columns = max(height // 2, round(width * STRETCH ** rng.uniform(-1, 1)))

    down, across = np.mgrid[0:height, 0:columns].astype(np.float32)
    v, u = down / max(1, height - 1), across / max(1, columns - 1)
    top, bottom, left, right = rng.uniform(-CROP, CROP, 4)
    x = left * height + u * (width - 1 - (left + right) * height)
    y = (top + v * (1 - top - bottom)) * (height - 1)
    # Each corner goes its own way; between them that is the rotation and perspective of words on signs.
    corners = JITTER * height * rng.standard_normal((2, 2, 2))
    weights = np.stack([np.stack([(1 - u) * (1 - v), (1 - u) * v]), np.stack([u * (1 - v), u * v])])
    x += np.tensordot(corners[0], weights, 2) + SLANT * height * rng.standard_normal() * (v - 0.5)
    y += np.tensordot(corners[1], weights, 2) + BULGE * height * rng.standard_normal() * (4 * u * (1 - u) - 0.5)
    x, y = x.astype(np.float32), y.astype(np.float32)

    def seen(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return cv2.remap(mask.astype(np.uint8), x, y, cv2.INTER_NEAREST) > 0

    chars = None if sample.chars is None else np.stack([seen(mask) for mask in sample.chars])
    if chars is not None and sample.chars is not None and (sample.chars.any((1, 2)) & ~chars.any((1, 2))).any():
        return sample  # it must not be taught to be nowhere
    return replace(
        sample,
        hr=np.asarray(cv2.remap(sample.hr, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8),
        lr=None,
        line=None if sample.line is None else seen(sample.line),
        chars=chars,
    )
