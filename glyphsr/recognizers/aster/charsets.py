"""Gives an ASTER's weights to one that reads another charset."""

from collections.abc import Mapping

import torch
from torch import Tensor

from glyphsr.text.charset import filter_to

CLASS_ROWS = ("decoder.classifier.weight", "decoder.classifier.bias", "decoder.embedding.weight")
"""Tensors that have a row for each class."""


def fold_classes(state: Mapping[str, Tensor], *, charset: str, into: str) -> dict[str, Tensor]:
    """The state of an ASTER that reads ``into``, from that of one that reads ``charset``.

    A character starts from the mean of the characters that it now stands for, ``a`` from ``a`` and ``A``; the end of
    text and the other specials stay as they are, and what is not in ``into`` goes.

    Args:
        state: Our keys -> tensors.
        charset: What the state's network reads.
        into: What the new one is to read; only characters that ``charset`` has, in whatever case.

    Raises:
        ValueError: If ``into`` has a character that ``charset`` knows in no case.

    Example:
        >>> rows = torch.arange(7.0)  # a A ! and the end, padding, unknown, and the start
        >>> state = {"decoder.embedding.weight": rows[:, None]}
        >>> fold_classes(state, charset="aA!", into="a")["decoder.embedding.weight"].flatten()
        tensor([0.5000, 3.0000, 4.0000, 5.0000, 6.0000])
    """
    sources = [[i for i, old in enumerate(charset) if filter_to(old, into) == new] for new in into]
    missing = [new for new, rows in zip(into, sources, strict=True) if not rows]
    if missing:
        raise ValueError(f"expected characters of {charset!r}, got {missing[0]!r}")

    folded = dict(state)
    for key in CLASS_ROWS:
        if key in state:
            # A class of the smaller charset is the mean of those that fold into it; specials stay.
            rows = state[key]
            characters = torch.stack([rows[chosen].float().mean(dim=0) for chosen in sources]).to(rows)
            folded[key] = torch.cat([characters, rows[len(charset) :]])
    return folded
