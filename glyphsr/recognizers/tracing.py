"""Sizes in networks that are traced for export."""

from typing import Any, cast

import torch


def traced_steps(steps: Any, least: int) -> int:
    """A rounded size, at least ``least``, as the tensor that tracing has in place of a number.

    Args:
        steps: Quotient of traced sizes, a tensor without dimensions.
        least: Smallest size.
    """
    return cast("int", torch.clamp_min(torch.round(steps).long(), least))
