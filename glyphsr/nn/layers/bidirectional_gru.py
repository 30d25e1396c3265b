"""A bidirectional GRU without derivatives, both directions in one walk over the steps."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def run_both_directions(gru: nn.GRU, x: Tensor, projection: nn.Conv2d | None = None) -> Tensor:
    """What a one-layer bidirectional ``gru`` gives for many sequences.

    On CPUs torch walks over the steps once for each direction, and every step is a dozen small operations; here a step
    of both directions is six, and the projection before the GRU is merged with its input weights.

    Args:
        gru: One layer, both directions.
        x: ``(T, ..., C)`` float, time first.
        projection: 1x1 convolution through which ``x`` passes before.

    Returns:
        ``(T, ..., 2 H)``.
    """
    steps, *places, channels = x.shape
    hidden = gru.hidden_size
    sides = [_Direction(gru, suffix, projection) for suffix in ("", "_reverse")]
    # Both directions as one batch, the second reversed.
    flat = x.reshape(steps, -1, channels)
    seen = torch.stack([flat, flat.flip(0)]).flatten(1, 2)  # (2, T N, C)
    weight, bias = (torch.stack([getattr(side, name) for side in sides]) for name in ("weight", "bias"))
    recurrent, state_bias = (
        torch.stack([getattr(side, name) for side in sides]) for name in ("recurrent", "state_bias")
    )

    def gates(chosen: slice) -> Tensor:
        found = torch.baddbmm(bias[:, None, chosen], seen, weight[:, :, chosen])
        return found.view(2, steps, -1, found.shape[2])

    # All inputs at once, in front of the loop: r and z together, the candidate apart.
    first, last = slice(2 * hidden), slice(2 * hidden, None)
    reset_update, candidate = gates(first), gates(last)  # (2, T, N, 2 H) and (2, T, N, H)
    by_gates, by_state = recurrent[:, :, first].contiguous(), recurrent[:, :, last].contiguous()

    out = torch.empty_like(candidate)
    state = seen.new_zeros(2, flat.shape[1], hidden)
    for step in range(steps):
        # r, z = sigmoid(W x + U h); n = tanh(W x + r (U h + b)); h = n + z (h - n)
        both = torch.baddbmm(reset_update[:, step], state, by_gates).sigmoid_()
        reset, update = both.chunk(2, dim=2)
        new = torch.addcmul(candidate[:, step], reset, torch.baddbmm(state_bias, state, by_state)).tanh_()
        state = torch.lerp(new, state, update)
        out[:, step] = state

    y = torch.cat([out[0], out[1].flip(0)], dim=2)
    return y.view(steps, *places, 2 * hidden)


class _Direction:
    """Weights of one direction, merged as far as they can be."""

    def __init__(self, gru: nn.GRU, suffix: str, projection: nn.Conv2d | None) -> None:
        weight, recurrent, bias, recurrent_bias = (
            getattr(gru, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        hidden = gru.hidden_size

        # Of the recurrent biases only the candidate's has to stay inside: the reset gate scales it.
        self.bias = bias + F.pad(recurrent_bias[: 2 * hidden], (0, hidden))
        self.weight = weight.t()  # (C, 3 H)

        # The projection before the GRU is one more linear map, so both become one.
        if projection is not None:
            assert projection.bias is not None
            self.bias = self.bias + weight @ projection.bias
            self.weight = (weight @ projection.weight[:, :, 0, 0]).t()

        self.recurrent = recurrent.t()  # (H, 3 H)
        self.state_bias = recurrent_bias[None, 2 * hidden :]
