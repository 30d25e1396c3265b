"""Mish with a single exponential."""

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST = 20.0
"""From here on mish is the identity in float32."""


def mish(x: Tensor) -> Tensor:
    """``x * tanh(softplus(x))``, which is ``x * n / (n + 2)`` with ``n = e^x (e^x + 2)``.

    A CPU takes half the time for it, and runtimes that know no mish need not go by softplus. Where derivatives are
    wanted or the values are halves, it is torch's.
    """
    if torch.is_grad_enabled() or x.dtype != torch.float32 or x.device.type != "cpu":
        return F.mish(x)
    # One exponential; clamped, since n squared would overflow.
    n = x.clamp(max=LARGEST).exp()
    n = n * (n + 2)
    return x * (n / (n + 2))
