"""The glyph losses: line map, character maps, character classes (paper, eqs. 1 to 4)."""

import torch.nn.functional as F
from torch import Tensor

from glyphsr.losses.shapes import require_one_shape
from glyphsr.text.endings import IGNORED


def mask_loss(maps: Tensor, masks: Tensor) -> Tensor:
    """L_line and L_char: mean squared error of raw maps (paper, eqs. 1 and 2).

    Args:
        maps: ``(n, L, h, w)`` raw maps of the words that have masks; L is 1 for the line.
        masks: Same shape, in [0, 1]; slots without a character are all zero and count.

    Returns:
        Scalar mean; 0 for no words.

    Raises:
        ValueError: If the shapes differ.
    """
    require_one_shape(maps, masks)

    if not len(maps):
        return maps.sum() * 0  # a graph to go back through, though nothing is learned
    return F.mse_loss(maps, masks)


def class_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """L_cls: cross-entropy over the slots up to the end of each text (paper, eq. 3).

    Args:
        logits: ``(B, L, D)``.
        classes: ``(B, L)`` int64 of :class:`glyphsr.text.slots.SlotCodec`; ignored slots are -1.

    Returns:
        Scalar mean over the slots that count.

    Raises:
        ValueError: If batch or slots differ.
    """
    if logits.shape[:2] != classes.shape:
        raise ValueError(f"expected logits for {tuple(classes.shape)} slots, got {tuple(logits.shape[:2])}")
    # (B, L, K) -> (B * L, K); slots after a text's end are ignored.
    return F.cross_entropy(logits.flatten(0, 1), classes.flatten(), ignore_index=IGNORED)
