"""Glyph masks as targets at LR size."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from glyphsr.text.slots import CharacterSlots, SlotCodec
from glyphsr.types import GlyphTargets, Sample


def shrink(masks: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.float32]:
    """``(n, H, W)`` bool -> ``(n, h, w)`` float32: the fraction of each pixel that a mask covers.

    Soft edges suit the squared error; a mask of exactly twice the size is averaged over 2 x 2.
    """
    resized = np.zeros((len(masks), *size), np.float32)
    for mask, target in zip(masks, resized, strict=True):
        target[:] = cv2.resize(mask.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return resized


def glyph_targets(samples: Sequence[Sample], codec: SlotCodec | CharacterSlots, size: tuple[int, int]) -> GlyphTargets:
    """Targets of one batch.

    Args:
        samples: Those with a ``line`` mask have masks to learn from; without ``chars`` their character maps are zero.
        codec: Says which character has which slot.
        size: LR ``(height, width)``.
    """
    line = np.zeros((len(samples), 1, *size), np.float32)
    chars = np.zeros((len(samples), codec.num_slots, *size), np.float32)
    masked = np.zeros(len(samples), np.bool_)
    for i, sample in enumerate(samples):
        if sample.line is None:
            continue

        line[i, 0], masked[i] = shrink(sample.line[None], size)[0], True
        if sample.chars is not None:
            # Slots of a network may hold fewer characters than the word has.
            own = shrink(sample.chars[codec.places(sample.label)], size)
            chars[i, : len(own)] = own

    return GlyphTargets(torch.from_numpy(line), torch.from_numpy(chars), torch.from_numpy(masked))
