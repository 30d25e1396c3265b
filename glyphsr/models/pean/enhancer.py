"""PEAN's text prior enhancement module (TPEM): diffusion that turns the prior of LR into one as of HR."""

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

NUM_TIMES = 1000
"""Times of the diffusion process."""

BETAS = (1e-6, 1e-2)
"""Fractions of noise that the first and the last time add; linear between."""


def signal_levels() -> Tensor:
    """What is left of the signal after each time, the root of the cumulated fractions.

    Returns:
        ``(NUM_TIMES + 1,)`` float64, 1 first.
    """
    kept = np.cumprod(1.0 - np.linspace(*BETAS, NUM_TIMES, dtype=np.float64))
    return torch.from_numpy(np.sqrt(np.append(1.0, kept)))


def level_code(level: Tensor, steps: int) -> Tensor:
    """Sines, then cosines of a signal level at falling rates.

    Args:
        level: ``(B, 1)``.
        steps: Values in the code, an even number.

    Returns:
        ``(B, steps)``.
    """
    half = steps // 2
    rates = torch.exp(-math.log(10_000.0) * torch.arange(half, device=level.device, dtype=level.dtype) / half)
    return torch.cat([(level * rates).sin(), (level * rates).cos()], dim=1)


class DenoisingBlock(nn.Module):
    """Norm over steps, linear layer over classes, swish, and the signal level added to each step."""

    def __init__(self, steps: int, in_features: int, out_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(steps)
        self.linear = nn.Linear(in_features, out_features)
        self.level = nn.Linear(steps, steps)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """``(B, T, in_features)`` and ``(B, T)`` -> ``(B, T, out_features)``."""
        return F.silu(self.linear(self.norm(x))) + self.level(code)[:, :, None]  # type: ignore[no-any-return]


class PriorEnhancer(nn.Module):
    """Draws a better text prior from a normal start, given the prior that was read.

    Source: ``jdfxzzy/PEAN: model/tpem/model/modules/diffusion.py, denoiser.py``. Published results start from a new
    draw for every picture; here all pictures start from one draw, so that a result can be had again.

    Args:
        num_classes: Classes K of the text prior.
        steps: Its steps T, an even number.
        num_denoisings: Denoising steps; 1 as published.
        seed: Of the start.
    """

    start: Tensor
    levels: Tensor

    def __init__(self, num_classes: int, *, steps: int = 26, num_denoisings: int = 1, seed: int = 0) -> None:
        super().__init__()
        self.num_denoisings = num_denoisings
        self.mix = nn.Conv1d(2 * steps, steps, 1)
        self.level_mlp = nn.Sequential(nn.Linear(steps, 4 * steps), nn.SiLU(), nn.Linear(4 * steps, steps))
        widths = [num_classes, 4 * num_classes, 8 * num_classes, 4 * num_classes, num_classes]
        self.blocks = nn.ModuleList(DenoisingBlock(steps, i, o) for i, o in itertools.pairwise(widths))
        generator = torch.Generator().manual_seed(seed)
        self.register_buffer("start", torch.randn(1, steps, num_classes, generator=generator), persistent=False)
        self.register_buffer("levels", signal_levels().float(), persistent=False)

    def denoise(self, condition: Tensor, noisy: Tensor, level: Tensor) -> Tensor:
        """The prior behind a noisy one.

        Args:
            condition: The prior that was read, ``(B, T, K)``.
            noisy: ``(B, T, K)``.
            level: What is left of the signal in ``noisy``, ``(B, 1)``.

        Returns:
            ``(B, T, K)``; neither positive nor of sum 1.
        """
        code = self.level_mlp(level_code(level, noisy.shape[1]))  # (B, T)
        x: Tensor = self.mix(torch.cat([condition, noisy], dim=1))
        for block in self.blocks:
            x = block(x, code)
        return x

    def recover(self, condition: Tensor, clean: Tensor) -> Tensor:
        """What is made of a prior to which noise of a random amount was added; for training.

        Args:
            condition: The prior that was read, ``(B, T, K)``.
            clean: The prior that should have been, of the same shape.

        Returns:
            ``(B, T, K)``; ``clean``, where nothing is left to learn.
        """
        # A level between two neighbouring times, each word its own: the continuous levels of WaveGrad.
        time = int(torch.randint(1, NUM_TIMES + 1, ()))

        before, after = self.levels[time - 1], self.levels[time]
        signal = before + (after - before) * torch.rand(len(clean), 1, device=clean.device)  # (B, 1)
        left = signal[:, :, None]
        # Forward process: what is left of the signal, and noise for the rest.
        noisy = left * clean + (1 - left.square()).sqrt() * torch.randn_like(clean)
        return self.denoise(condition, noisy, signal)

    def forward(self, condition: Tensor, start: Tensor | None = None) -> Tensor:
        """Enhance a prior.

        Args:
            condition: The prior that was read, ``(B, T, K)``.
            start: Normal noise to start from, ``(B, T, K)``; the module's own by default.

        Returns:
            ``(B, T, K)``; neither positive nor of sum 1.

        Raises:
            ValueError: If the prior has other steps or classes than the module was built for.
        """
        if condition.shape[1:] != self.start.shape[1:]:
            raise ValueError(
                f"expected a prior of (T, K) {tuple(self.start.shape[1:])}, got {tuple(condition.shape[1:])}"
            )
        # One fixed start for all pictures, so that equal pictures have equal results.
        x = self.start.expand_as(condition) if start is None else start

        places = np.linspace(0, NUM_TIMES, self.num_denoisings + 1).astype(int)[::-1].tolist()
        for now, following in itertools.pairwise(places):
            signal, left = self.levels[now], self.levels[following]
            # Deterministic (DDIM) step: guess the clean prior, then keep the noise for the next level.
            clean = self.denoise(condition, x, signal.expand(len(condition), 1))
            noise = (x - signal * clean) / (1 - signal.square()).sqrt()
            x = left * clean + (1 - left.square()).sqrt() * noise
        return x
