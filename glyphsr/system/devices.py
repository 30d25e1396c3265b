"""Where and how precisely to compute."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from glyphsr.errors import ConfigError
from glyphsr.system.memory import is_out_of_memory as is_out_of_memory

if TYPE_CHECKING:  # torch stays out of the way of the runtimes that do without
    import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]


def resolve_device(name: str) -> "torch.device":
    """The device that ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps`` stands for on this machine.

    Of several GPUs a process that ``torchrun`` or ``accelerate launch`` started gets that of its local rank.

    Raises:
        ConfigError: If the name is none of these or the device is not there.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return _of_rank(torch.device("cuda"))
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"--device {name}: expected auto, cpu, cuda, cuda:N or mps") from error

    # torch names devices that this machine does not have, and fails when the first tensor goes there.
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("--device mps: not available on this machine")
    if device.type not in ("cpu", "cuda", "mps"):
        raise ConfigError(f"--device {name}: expected auto, cpu, cuda, cuda:N or mps")

    return _of_rank(device)


def _of_rank(device: "torch.device") -> "torch.device":
    import torch

    rank = os.environ.get("LOCAL_RANK", "")
    if device.type != "cuda" or device.index is not None or not rank.isdigit():
        return device
    return torch.device("cuda", int(rank) % torch.cuda.device_count())


def resolve_precision(name: Precision, device: "torch.device") -> "torch.dtype":
    """Compute type of a precision's name; ``auto`` is float32 on CPU and MPS, bfloat16 on CUDA where it is native."""
    import torch

    if name == "auto":
        native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[name]


def may_have_gpu() -> bool:
    """Whether it is worth to import torch and ask it for a GPU."""
    if sys.platform == "linux":
        return any(Path("/dev", name).exists() for name in ("nvidiactl", "nvidia0", "dxg", "kfd"))
    return True
