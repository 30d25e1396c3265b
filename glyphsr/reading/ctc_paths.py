"""Connectionist temporal classification over all paths: how likely texts are, and where their characters lie."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glyphsr.text.ctc import BLANK

IMPOSSIBLE = -1e9
"""Logarithm of a way that there is not; finite, so that sums stay numbers."""

MIN_PROBABILITY = 1e-6
"""Least probability of a class at a step where a text is placed, so that one that is not seen can be placed, too."""

Log = NDArray[np.float64]
"""Natural logarithms of probabilities."""


def log_likelihoods(log_probabilities: Log, texts: Sequence[Sequence[int]]) -> Log:
    """How likely the steps of one line spell each text, over all paths.

    Source: Graves et al. 2006, section 4.1.

    Args:
        log_probabilities: ``(S, T)`` float64 natural logarithms; class 0 is blank.
        texts: Classes of N texts.

    Returns:
        ``(N,)`` natural logarithms; ``-1e9`` or less for a text that does not fit into the steps.

    Example:
        >>> sure = np.log(np.array([[0.2, 0.2], [0.8, 0.8]]))
        >>> np.exp(log_likelihoods(sure, [[1], [1, 1]])).round(2).tolist()
        [0.96, 0.0]
    """
    states, exists, ends = _states(texts)
    emitted = np.where(exists, log_probabilities.T[:, states], IMPOSSIBLE)  # (T, N, 2 L + 1)
    return _ends(_sweep(emitted, _may_skip(states))[-1], ends)


def place_text(probabilities: NDArray[np.float32], text: Sequence[int]) -> NDArray[np.float32] | None:
    """The probabilities along one line, given which characters come in which order.

    Args:
        probabilities: ``(S, T)``; class 0 is blank.
        text: Classes of the characters.

    Returns:
        ``(S, T)`` float32 whose columns sum to 1; ``None`` for a text without characters, or one that does not fit.
    """
    if not text:
        return None
    # The text's states: a blank before, between and after its characters.
    scores = np.log(probabilities.astype(np.float64).clip(MIN_PROBABILITY))
    states, exists, ends = _states([text])
    emitted = np.where(exists, scores.T[:, states], IMPOSSIBLE)
    skip = _may_skip(states)
    # Forwards: all ways from the start to each state at each step.
    ahead = _sweep(emitted, skip)
    total = _ends(ahead[-1], ends)[0]
    if total <= IMPOSSIBLE / 2:
        return None

    # Backwards it is the same walk over the states in reverse; a skip belongs to the state that it leads to.
    behind_skip = np.zeros_like(skip)
    behind_skip[:, :-2] = skip[:, 2:]
    back = _sweep(emitted[::-1, :, ::-1], behind_skip[:, ::-1])[::-1, :, ::-1]
    placed = np.exp((ahead + back - emitted - total)[:, 0, 1::2])  # (T, L); both walks have counted the step itself
    # A character that comes twice has both its places; what is left of each step is blank.
    found = np.zeros(probabilities.shape)
    np.add.at(found, np.asarray(text), placed.T)
    found[BLANK] = (1.0 - found[BLANK + 1 :].sum(axis=0)).clip(0.0)
    return found.astype(np.float32)


def _states(texts: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Classes of the states, blanks between characters, ``(N, 2 L + 1)``; which there are; and each text's last one."""
    longest = max((len(text) for text in texts), default=0)
    states = np.full((len(texts), 2 * longest + 1), BLANK, np.int64)
    for row, text in zip(states, texts, strict=True):
        row[1 : 2 * len(text) : 2] = text
    ends = np.array([2 * len(text) for text in texts])
    return states, np.arange(states.shape[1]) <= ends[:, None], ends


def _may_skip(states: NDArray[np.int64]) -> NDArray[np.bool_]:
    """States that can be reached past the blank before them."""
    skip = np.zeros(states.shape, np.bool_)
    skip[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    return skip


def _sweep(emitted: Log, may_skip: NDArray[np.bool_]) -> Log:
    """``(T, N, S)``: logarithms of all ways to each state, from the first two."""
    # A path begins with the first blank or the first character.
    reached = np.full_like(emitted, IMPOSSIBLE)
    reached[0, :, :2] = emitted[0, :, :2]
    for step in range(1, len(emitted)):
        # Stay, go on, or skip the blank between two different characters.
        ways = np.full((3, *emitted.shape[1:]), IMPOSSIBLE)
        ways[0] = reached[step - 1]
        ways[1, :, 1:] = ways[0, :, :-1]
        ways[2, :, 2:] = np.where(may_skip[:, 2:], ways[0, :, :-2], IMPOSSIBLE)
        most = ways.max(axis=0)  # the greatest is taken out, so that no exponential overflows
        together = most + np.log(np.exp(ways - most).sum(axis=0))
        reached[step] = (together + emitted[step]).clip(IMPOSSIBLE)
    return reached


def _ends(last: Log, ends: NDArray[np.int64]) -> Log:
    """``(N,)``: ways that end in a text's last character or in the blank after it."""
    rows = np.arange(len(ends))
    before = np.where(ends > 0, last[rows, ends - 1], IMPOSSIBLE)
    return np.logaddexp(last[rows, ends], before)
