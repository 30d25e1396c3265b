"""Whether a network is being exported."""

import torch


def is_tracing() -> bool:
    """Whether shapes are recorded for every size: what the exporter sees must not depend on the example's."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]
