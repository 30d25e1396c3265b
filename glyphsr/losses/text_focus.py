"""The two terms of the text-focus loss (paper, eq. 6): where a recognizer looks, and what it confuses."""

import string
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.text.charset import LOWER_ALPHANUMERIC

NUM_CLASSES = 37
"""End of text, digits, a-z: the Telescope recognizer's classes."""

_DIGITS, _LETTERS = 10, 26

TABLE_ORDER = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""Order of rows and columns of a table of distances."""


def confusion_weights(distances: Tensor) -> Tensor:
    """Weights of the weighted cross-entropy from how far the glyphs of any two characters are apart.

    Follows the published construction, its quirk included: rows are put into the order digits, a-z, A-Z, columns stay
    in the table's own, and the maximum with the second block of letters mostly hides it.

    Source: ``FudanVI/FudanOCR: scene-text-telescope/loss/weight_ce_loss.py``.

    Args:
        distances: ``(62, 62)`` float, order digits, A-Z, a-z; 0 on the diagonal.

    Returns:
        ``(37, 37)`` float32: row is the true class, column the other one; large where the two look alike.

    Raises:
        ValueError: If the table has another shape.
    """
    size = _DIGITS + 2 * _LETTERS
    if distances.shape != (size, size):
        raise ValueError(f"expected ({size}, {size}), got {tuple(distances.shape)}")

    # Small letters come before capitals among the rows only.
    upper, lower = slice(_DIGITS, _DIGITS + _LETTERS), slice(_DIGITS + _LETTERS, size)
    rows = torch.cat([distances[:_DIGITS], distances[lower], distances[upper]]).float()
    padded = F.pad(rows, (1, 0, 1, 0), value=1.0)  # the end of text is like nothing else
    weights = torch.where(padded == 0, torch.ones_like(padded), 1.0 / padded)

    # A letter counts as alike if either of its cases is, except with itself.
    first, second = slice(1 + _DIGITS, NUM_CLASSES), slice(NUM_CLASSES, NUM_CLASSES + _LETTERS)
    either_case = torch.maximum(weights[:, first], weights[:, second])
    own = torch.eye(len(weights), dtype=torch.bool)[:, first]
    weights[:, first] = torch.where(own, weights[:, first], either_case)

    return weights[:NUM_CLASSES, :NUM_CLASSES].clone()


def weights_of_classes(distances: Tensor, characters: Sequence[str]) -> Tensor:
    """The weights for any recognizer's classes.

    Args:
        distances: ``(62, 62)`` float, order digits, A-Z, a-z; 0 on the diagonal.
        characters: What each of its K classes stands for; an empty text for the end of text and the like.

    Returns:
        ``(K, K)``: the published construction where all are digits or a-z; where case counts, the plain reciprocals,
        with 1 on the diagonal and for whatever is no letter or digit.
    """
    if all(char in LOWER_ALPHANUMERIC for char in characters):
        # Classes of the published recognizer, in whatever order: the published table, end of text first.
        known = "-" + LOWER_ALPHANUMERIC
        rows = torch.tensor([known.index(char or "-") for char in characters])
        return confusion_weights(distances)[rows][:, rows]

    # Classes that the table lacks take row 0 for now and the weight 1 below.
    order = [char if char and char in TABLE_ORDER else None for char in characters]
    rows = torch.tensor([0 if char is None else TABLE_ORDER.index(char) for char in order])
    table = distances.float()[rows][:, rows]
    known_rows = torch.tensor([char is not None for char in order])
    # The nearer two glyphs are, the more their confusion costs; a class with itself has weight 1.
    usable = (table > 0) & known_rows[:, None] & known_rows
    return torch.where(usable, 1.0 / table.clamp_min(1e-6), torch.ones_like(table))


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy whose softmax counts classes that look like the true one more.

    ``-log(w[y, y] e^x_y / sum_j w[y, j] e^x_j)``, in a form that does not overflow.

    Args:
        logits: ``(n, K)`` float.
        targets: ``(n,)`` int64 classes.
        weights: ``(K, K)`` positive; all ones give the plain cross-entropy.

    Returns:
        Scalar mean over the ``n`` characters.
    """
    rows = weights.to(logits)[targets].log()  # (n, K)
    return F.cross_entropy(logits + rows, targets)


def attention_difference(sr_attention: Tensor, hr_attention: Tensor) -> Tensor:
    """Mean absolute difference of a recognizer's attention on SR and on HR; steps after the text's end count too.

    Args:
        sr_attention: Any shape, e.g. ``(B, A, T, h, w)``.
        hr_attention: The same shape.
    """
    return F.l1_loss(sr_attention, hr_attention)
