"""Where a training run computes: one process, or all those that ``torchrun`` or ``accelerate launch`` started."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from accelerate.utils import gather_object
from torch import Tensor, nn

from glyphsr.errors import ConfigError, GlyphSRError
from glyphsr.system.devices import Precision, resolve_device, resolve_precision
from glyphsr.training.sync_batchnorm import synchronise_norms

NAMES = {torch.float32: "no", torch.bfloat16: "bf16", torch.float16: "fp16"}
"""What accelerate calls the precisions."""


def world_size() -> int:
    """Processes that a launcher started, 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


class DistributedContext:
    """Accelerate's view of this process: device, precision, rank, and what goes between the ranks.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; with several processes each takes its own GPU.
        precision: Of forward passes.

    Raises:
        ConfigError: If device and precision do not go together, or are not available.
    """

    def __init__(self, device: str, precision: Precision) -> None:
        # A launcher's wish for the CPU counts where the command names no device.
        on_cpu = device == "auto" and os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
        wanted = resolve_device("cpu" if on_cpu else device)
        dtype = resolve_precision(precision, wanted)
        if dtype == torch.float16 and wanted.type != "cuda":
            raise ConfigError(f"--precision fp16: training needs a CUDA device for it, not {wanted.type}; try bf16")

        # Without a launcher the process chooses its own CUDA device.
        if world_size() == 1:
            AcceleratorState._reset_state(reset_partial_state=True)  # an earlier run of this process left its own
            if wanted.type == "cuda" and wanted.index is not None:
                torch.cuda.set_device(wanted)

        self._accelerator = Accelerator(
            cpu=wanted.type == "cpu",
            mixed_precision=NAMES[dtype],
            kwargs_handlers=[DistributedDataParallelKwargs(gradient_as_bucket_view=True)],
        )
        self._accelerator.gradient_accumulation_steps = 1  # the launcher's would divide every loss

        self.dtype = dtype
        self.device: torch.device = self._accelerator.device
        self.rank: int = self._accelerator.process_index
        self.count: int = self._accelerator.num_processes
        self.is_main: bool = self._accelerator.is_main_process

    def prepare(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[nn.Module, Any]:
        """The module as its forward pass is to be called, and the optimiser as it is to be stepped."""
        prepared: tuple[nn.Module, Any] = self._accelerator.prepare(module, optimiser)
        return prepared

    def synchronise_norms(self, module: nn.Module) -> None:
        """Let batch normalisation see the batches of all processes, as if they were one."""
        if self.count > 1:
            synchronise_norms(module, self.device)

    def all_reduce_sum(self, values: Tensor) -> Tensor:
        """Elementwise over all processes."""
        if self.count > 1:
            # all_reduce works in place.
            values = values.clone()
            dist.all_reduce(values)
        return values

    def all_reduce_max(self, values: list[int]) -> list[int]:
        """The greatest of all processes' values, one by one."""
        if self.count == 1:
            return values
        greatest = torch.tensor(values, device=self.device)
        dist.all_reduce(greatest, op=dist.ReduceOp.MAX)
        return [int(value) for value in greatest.tolist()]

    def gather(self, item: Any) -> list[Any]:
        """Each process's object, in the order of their ranks."""
        return [item] if self.count == 1 else list(gather_object([item]))

    def run_on_main(self, work: Callable[[], object]) -> None:
        """Let the main process do something that may go wrong; if it does, every process raises its error."""
        # The error itself travels, so that no process waits for one that has left.
        error: GlyphSRError | None = None
        if self.is_main:
            try:
                work()
            except GlyphSRError as caught:
                error = caught
        error = self.gather(error)[0]
        if error is not None:
            # Only the main process shows it.
            error.is_repeated = not self.is_main
            raise error

    def backward(self, loss: Tensor) -> None:
        """Add to the gradients; scaled in half precision."""
        self._accelerator.backward(loss)

    def clip(self, parameters: list[nn.Parameter], norm: float) -> Tensor:
        """Clip their gradients together; returns the norm before."""
        value: Tensor = self._accelerator.clip_grad_norm_(parameters, norm)
        return value

    @contextmanager
    def no_sync_until_last(self, module: nn.Module, *, last: bool) -> Iterator[None]:
        """Around one of several parts of a batch: gradients travel between processes after the last only."""
        with nullcontext() if last else self._accelerator.no_sync(module):
            yield

    @property
    def scaler(self) -> Any:
        """The gradient scaler of half precision, or ``None``."""
        return self._accelerator.scaler

    def memory_mb(self) -> float:
        """Greatest memory of the run so far: of the CUDA device, else of this process."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**20
        try:
            import resource
        except ImportError:  # Windows
            return 0.0
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def rng_state(self) -> dict[str, Any]:
        """Of every generator that a step of this process draws from."""
        state: dict[str, Any] = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(self.device)
        if self.device.type == "mps":
            state["mps"] = torch.mps.get_rng_state()
        return state

    def set_rng_state(self, state: dict[str, Any]) -> None:
        """Go on drawing from there."""
        torch.set_rng_state(state["cpu"].cpu())
        if self.device.type == "cuda" and "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"].cpu(), self.device)
        if self.device.type == "mps" and "mps" in state:
            torch.mps.set_rng_state(state["mps"].cpu())

    def close(self) -> None:
        """Leave the group of processes."""
        if dist.is_initialized():
            dist.destroy_process_group()
