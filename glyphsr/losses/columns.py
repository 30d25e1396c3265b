"""Teaches a text prior whose ink every column of the picture shows."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.text.ctc import BLANK, CTCCodec
from glyphsr.text.endings import IGNORED
from glyphsr.types import GlyphTargets

INK = 0.3
"""Fraction of the fullest pixel of a column that a character has to cover to be what the column shows."""


def column_targets(glyphs: GlyphTargets, labels: Sequence[str], codec: CTCCodec, steps: int) -> Tensor:
    """Classes of a recognizer's steps from the masks of the characters.

    Args:
        glyphs: Masks of a batch, of :class:`glyphsr.text.slots.CharacterSlots`.
        labels: One text per image.
        codec: Gives the characters their classes; :data:`glyphsr.text.ctc.BLANK` is no ink.
        steps: T, which share the width of the masks evenly.

    Returns:
        ``(B, T)`` int64; :data:`glyphsr.text.endings.IGNORED` in words without masks and where a longer text has ink
        but no slot.
    """
    chars = glyphs.chars
    device, slots = chars.device, chars.shape[1]
    # A character without a class of its own has ink all the same: nothing is said about its columns.
    known = [[(codec.encode(char) or [IGNORED])[0] for char in "".join(label.split())[:slots]] for label in labels]
    padded = [row + [IGNORED] * (slots + 1 - len(row)) for row in known]
    classes = torch.tensor(padded, device=device)  # (B, L + 1)
    # What the line mask has beyond the characters' is ink of symbols without a slot: nothing is said about it.
    other = (glyphs.line - chars.amax(dim=1, keepdim=True)).clamp_min(0)
    cover = torch.cat([chars, other], dim=1).amax(dim=2)  # (B, L + 1, w)
    strongest, slot = F.adaptive_max_pool1d(cover, steps).max(dim=1)  # (B, T)
    targets = classes.gather(1, slot).masked_fill(strongest < INK, BLANK)
    return targets.masked_fill(~glyphs.masked.to(device)[:, None], IGNORED)


def column_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of the steps that have a target, over all steps of the words that have one; 0 without any.

    Words weigh alike whatever they leave open, so that the means of a batch's parts give that of the whole.

    Args:
        logits: ``(T, B, S)``, time first.
        targets: ``(B, T)`` int64, of :func:`column_targets`.
    """
    flat = targets.transpose(0, 1).flatten()  # (T * B,), as the logits (T, B, S) lie
    total = F.cross_entropy(logits.float().flatten(0, 1), flat, ignore_index=IGNORED, reduction="sum")
    # Divided by all steps of a taught word, so that wide and narrow words weigh alike.
    taught = (targets != IGNORED).any(dim=1).sum()
    return total / (len(logits) * taught).clamp_min(1)
