"""What every loss that compares two tensors asks of them."""

from torch import Tensor


def require_one_shape(first: Tensor, second: Tensor) -> None:
    """Refuse tensors that would silently be broadcast.

    Raises:
        ValueError: If the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"expected one shape, got {tuple(first.shape)} and {tuple(second.shape)}")
