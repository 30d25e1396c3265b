"""Where the characters of a known text lie along the steps of a CTC recognizer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glyphsr.text.ctc import BLANK

IMPOSSIBLE = -1e9
"""Log-probability of a state that cannot be reached; finite, so that sums stay numbers."""


def _shifted(values: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    return (
        np.concatenate([np.full(by, IMPOSSIBLE), values[:-by]])
        if by < len(values)
        else np.full_like(values, IMPOSSIBLE)
    )


def align(log_probabilities: NDArray[np.float64], classes: Sequence[int]) -> NDArray[np.float64] | None:
    """Probability that each step shows each character, given the text (the forward-backward algorithm of CTC).

    Source: Graves et al. 2006, section 4.1.

    Args:
        log_probabilities: ``(T, K)`` natural logarithms; class 0 is blank.
        classes: The text's L classes.

    Returns:
        ``(L, T)`` in [0, 1], no numbers where the input has one that is none; ``None`` if the text does not fit into T
        steps.

    Example:
        >>> sure = np.log(np.array([[0.01, 0.98, 0.01], [0.98, 0.01, 0.01], [0.01, 0.01, 0.98]]))
        >>> align(sure, [1, 2]).round(1).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if np.isnan(log_probabilities).any():
        return np.full((len(classes), len(log_probabilities)), np.nan)
    states = [BLANK]
    for index in classes:
        states += [index, BLANK]
    labels = np.array(states)
    emitted = np.maximum(log_probabilities[:, labels], IMPOSSIBLE)
    may_skip = np.zeros(len(labels), bool)
    may_skip[2:] = (labels[2:] != BLANK) & (labels[2:] != labels[:-2])
    forward = _sweep(emitted, may_skip)
    # Backwards it is the same walk over the states in reverse; a skip belongs to the state that it leads to.
    backward_skip = np.concatenate([may_skip[2:], [False] * min(2, len(labels))])[: len(labels)][::-1]
    backward = _sweep(emitted[::-1, ::-1], backward_skip)[::-1, ::-1]
    total = np.logaddexp(forward[-1, -1], forward[-1, -2] if len(labels) > 1 else IMPOSSIBLE)
    if not np.isfinite(total) or total < IMPOSSIBLE / 2:
        return None
    posterior = np.exp(forward + backward - emitted - total)  # both sweeps have counted the step itself
    return np.asarray(posterior[:, 1::2].T)


def _sweep(emitted: NDArray[np.float64], may_skip: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Log-probability of all ways to each state, ``(T, S)``, from the first two states on."""
    reached = np.full(emitted.shape, IMPOSSIBLE)
    reached[0, :2] = emitted[0, :2]
    for t in range(1, len(emitted)):
        before = reached[t - 1]
        ways = np.logaddexp(before, _shifted(before, 1))
        skipped = np.where(may_skip, _shifted(before, 2), IMPOSSIBLE)
        reached[t] = np.maximum(np.logaddexp(ways, skipped) + emitted[t], IMPOSSIBLE)
    return reached
