"""Where the characters of known texts lie along the steps of a CTC recognizer."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.recognizers.protocols import TeacherForcedOutput
from glyphsr.text.ctc import BLANK, CTCCodec
from glyphsr.text.endings import IGNORED

IMPOSSIBLE = -1e9
"""Log-probability of a state that cannot be reached; finite, so that sums stay numbers and have derivatives."""


def align(log_probabilities: Tensor, texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Probability that each step shows each character, given the text (the forward-backward algorithm of CTC).

    Can be differentiated.

    Source: Graves et al. 2006, section 4.1.

    Args:
        log_probabilities: ``(T, B, K)`` float natural logarithms; class 0 is blank.
        texts: Classes of each text.

    Returns:
        ``(B, L, T)`` in [0, 1], L that of the longest text, zero after a text's end, no numbers where the input has
        some that are none; and ``(B,)`` bool, false for texts that do not fit into T steps, whose rows mean nothing.

    Example:
        >>> sure = torch.tensor([[0.01, 0.98, 0.01], [0.98, 0.01, 0.01], [0.01, 0.01, 0.98]]).log()
        >>> align(sure[:, None], [[1, 2]])[0][0].round(decimals=1).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    device = log_probabilities.device
    lengths = torch.tensor([len(text) for text in texts], device=device)
    longest = max((len(text) for text in texts), default=0)
    # States: a blank before, between and after the characters, shorter texts padded.
    states = torch.full((len(texts), 2 * longest + 1), BLANK, device=device)
    for i, text in enumerate(texts):
        states[i, 1 : 2 * len(text) : 2] = torch.tensor(text, dtype=torch.int64, device=device)

    number = torch.arange(states.shape[1], device=device)
    exists = number <= 2 * lengths[:, None]  # (B, S)
    # Log-probability of each state's class at each step; states after a text's end do not exist.
    emitted = log_probabilities.transpose(0, 1).gather(2, states[:, None].expand(-1, len(log_probabilities), -1))
    emitted = emitted.clamp_min(IMPOSSIBLE).masked_fill(~exists[:, None], IMPOSSIBLE)  # (B, T, S)
    # A blank may be skipped between two different characters. A way begins with blank or character.
    skip = torch.zeros_like(exists)
    skip[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    forward = _sweep(emitted, number < 2, skip)
    # Backwards it is the same walk over the states in reverse; a skip belongs to the state that it leads to.
    last = (number >= 2 * lengths[:, None] - 1) & exists
    backward_skip = F.pad(skip[:, 2:], (0, min(2, skip.shape[1])))[:, : skip.shape[1]]
    backward = _sweep(emitted.flip(1, 2), last.flip(1), backward_skip.flip(1)).flip(1, 2)
    total = forward[:, -1].masked_fill(~last, IMPOSSIBLE).logsumexp(dim=1)  # (B,)
    fits = total > IMPOSSIBLE / 2
    # Both sweeps have counted the step itself; what does not fit must not become infinite, nor its derivative.
    exponent = forward + backward - emitted - total[:, None, None]
    posterior = exponent.masked_fill(~(fits[:, None] & exists)[:, None], IMPOSSIBLE).exp()
    # NaN must stay visible, so that a training step can be found bad.
    broken = log_probabilities.isnan().any(dim=2).any(dim=0)
    if broken.any():
        posterior = posterior.masked_fill(broken[:, None, None], torch.nan)

    return posterior[:, :, 1::2].transpose(1, 2), fits | broken


def _sweep(emitted: Tensor, starts: Tensor, may_skip: Tensor) -> Tensor:
    """Log-probability of all ways to each state, ``(B, T, S)``, from the states in which a way may start."""
    reached = [emitted[:, 0].masked_fill(~starts, IMPOSSIBLE)]
    for now in emitted.unbind(1)[1:]:
        before = reached[-1]
        # Stay, go on by one state, or skip a blank.
        one = F.pad(before, (1, 0), value=IMPOSSIBLE)[:, :-1]
        two = F.pad(before, (2, 0), value=IMPOSSIBLE)[:, :-2].masked_fill(~may_skip, IMPOSSIBLE)
        ways = torch.stack([before, one, two]).logsumexp(dim=0)
        reached.append((ways + now).clamp_min(IMPOSSIBLE))
    return torch.stack(reached, dim=1)


def forward_teacher_forced(
    logits: Tensor, texts: Sequence[str], codec: CTCCodec, *, steps: int | None = None
) -> TeacherForcedOutput:
    """Alignment of the known texts in place of attention: where along the T steps CTC places each character.

    There is no step for the end of a text. A text that does not fit into the picture's steps has no targets.

    Args:
        logits: ``(T, B, K)`` of CTC.
        texts: One per image; characters that the codec does not know are left out.
        codec: Of the logits.
        steps: Least number of characters L that the result has room for.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    encoded = [codec.encode(text) for text in texts]
    precise = logits if logits.device.type == "mps" else logits.double()  # mps has no doubles
    placed, fits = align(precise.log_softmax(dim=2), encoded)
    length = max(placed.shape[1], steps or 0, 1)
    # Attention: each character's steps as weights, though a character may have several.
    attention = F.pad(placed.to(logits.dtype), (0, 0, 0, length - placed.shape[1]))  # (B, L, T)
    attention = attention / attention.sum(dim=2, keepdim=True).clamp_min(1.0)  # a character has one step at least
    # Texts that do not fit have no targets, so that they teach nothing.
    rows = [row if fit else [] for row, fit in zip(encoded, fits.tolist(), strict=True)]
    targets = torch.tensor([row + [IGNORED] * (length - len(row)) for row in rows], device=logits.device)
    return TeacherForcedOutput(attention @ logits.transpose(0, 1), attention[:, None, :, None, :], targets)
