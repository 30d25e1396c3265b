"""Batch normalisation over the batches of all processes: half the batch in each of two is the batch."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _Sum(torch.autograd.Function):
    """Sum over all processes; so is its derivative."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        del ctx
        summed = values.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        del ctx
        summed = gradient.contiguous().clone()
        dist.all_reduce(summed)
        return summed


class SyncedBatchNorm(_BatchNorm):
    """Batch normalisation whose mean and variance are those of all processes; torch's own needs CUDA."""

    def _check_input_dim(self, x: Tensor) -> None:
        if x.dim() < 2:
            raise ValueError(f"expected (B, C, ...), got {tuple(x.shape)}")

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, ...)`` -> the same shape."""
        if not self.training:
            return super().forward(x)

        # Every axis but the channels', in float32 also under autocast.
        y = x.float()
        dims = [d for d in range(y.dim()) if d != 1]
        shape = [1, -1, *([1] * (y.dim() - 2))]
        # Mean and variance of all processes; two passes, since E[x^2] - E[x]^2 loses digits.
        count = _sum(torch.tensor(float(y.numel() // y.shape[1]), device=y.device))
        mean = _sum(y.sum(dims)) / count
        centred = y - mean.view(shape)

        variance = _sum(centred.square().sum(dims)) / count
        # Running statistics, with the unbiased variance as torch keeps it.
        if self.running_mean is not None and self.running_var is not None:
            with torch.no_grad():
                assert self.num_batches_tracked is not None
                self.num_batches_tracked += 1
                momentum = self.momentum or 1.0 / float(self.num_batches_tracked)  # without momentum: a plain mean
                self.running_mean.lerp_(mean.detach(), momentum)
                self.running_var.lerp_(variance.detach() * count / (count - 1).clamp_min(1), momentum)

        out = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)

        return out.to(x.dtype)


def _sum(values: Tensor) -> Tensor:
    summed: Tensor = _Sum.apply(values)
    return summed


def synchronise_norms(module: nn.Module, device: torch.device) -> None:
    """Replace every batch normalisation that learns by one over all processes; names and values stay."""
    for name, child in module.named_children():
        learns = any(parameter.requires_grad for parameter in child.parameters())
        if isinstance(child, _BatchNorm) and learns:
            setattr(module, name, _synced(child, device))
        else:
            synchronise_norms(child, device)


def _synced(norm: _BatchNorm, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(norm)  # type: ignore[no-untyped-call]
        return converted
    # Torch's own works on CUDA alone; elsewhere ours takes its place.
    synced = SyncedBatchNorm(norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=norm.affine)
    synced.load_state_dict(norm.state_dict())
    synced.train(norm.training)
    return synced.to(device)
