"""Line mode on arrays: many lines of any size through the network in few batches."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glyphsr.errors import ConfigError
from glyphsr.guard.guard import Guard, GuardMode
from glyphsr.images.resize import FloatImage, resize
from glyphsr.images.tiling import add_residual, blend_tiles, cut_tiles, plan_tiles
from glyphsr.system.devices import Precision, is_out_of_memory, resolve_device, resolve_precision
from glyphsr.types import Reading
from glyphsr.upscaling.arrays import ImageLike, enlarge_image
from glyphsr.upscaling.guarded import guard_lines
from glyphsr.upscaling.line import Line, UpscaledLine
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.weights.loading import LoadedModel, PriorWeights, load_model
from glyphsr.weights.registry import DEFAULT

AUTO_BATCH_PIXELS = 48 * 16 * 64
"""LR pixels per batch with ``batch_size="auto"``: 48 lines of 16 x 64. Larger batches gained nothing on two cores."""

REFERENCE_PIXELS = 16 * 64


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """What the network made of one window."""

    sr: FloatImage
    reading: Reading | None
    """Of the text prior, where there is one."""
    gate: FloatImage | None = None
    """``(1, W, 3)``: share of the network's change that ``sr`` has; ``None`` for all of it."""


class Upscaler:
    """Loads a model once and upscales any number of pictures.

    Args:
        weights: A name or a checkpoint file.
        prior_weights: Text prior of a published network, or several to choose from.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``; a batch that comes out non-finite is redone in fp32.
        batch_size: Lines of 16 x 64 pixels per batch (other sizes in proportion), or ``auto``; halved when memory
            runs out.
        strength: Share of the network's change over bicubic that is applied, 0..1; default from the model's card.
        guard: ``warn`` or ``revert`` has a second reader read each line before and after; see :class:`Guard`.
        guard_reader: A judge by name, or ``NAME=FILE``; default rapidocr where it is installed, else
            ``crnn-light-synth``.
        offline: Never fetch weights.

    Raises:
        WeightsError: If the weights cannot be loaded.
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self,
        weights: str | Path = DEFAULT,
        *,
        prior_weights: PriorWeights = None,
        device: str = "auto",
        precision: Precision = "auto",
        batch_size: int | str = "auto",
        strength: float | None = None,
        guard: GuardMode = "off",
        guard_reader: str | None = None,
        offline: bool = False,
    ) -> None:
        if strength is not None and not 0 <= strength <= 1:
            raise ConfigError(f"--strength: expected 0..1, got {strength:g}")
        if batch_size != "auto" and (isinstance(batch_size, str) or batch_size < 1):
            raise ConfigError(f"--batch-size: expected 'auto' or a number of at least 1, got {batch_size!r}")
        self.device = resolve_device(device)
        self.dtype = resolve_precision(precision, self.device)
        self.batch_pixels = AUTO_BATCH_PIXELS if isinstance(batch_size, str) else batch_size * REFERENCE_PIXELS
        self._weights, self._prior_weights, self._strength = weights, prior_weights, strength
        self._offline = offline
        self._guard, self._guard_reader = guard, guard_reader

    @cached_property
    def loaded(self) -> LoadedModel:
        """The model and what is known of it; loaded when first asked for."""
        loaded = load_model(self._weights, self._prior_weights, offline=self._offline)
        loaded.model.to(self.device)
        return loaded

    def load(self) -> None:
        """Load the weights now rather than with the first picture."""
        _ = self.loaded, self.guard

    @cached_property
    def guard(self) -> Guard | None:
        """The second reader; loaded when first asked for."""
        if self._guard == "off":
            return None
        return Guard(self._guard, reader=self._guard_reader, device=self.device, offline=self._offline)

    @property
    def weights_path(self) -> Path:
        """The file in use."""
        return self.loaded.path

    @property
    def strength(self) -> float:
        """The share in use."""
        return self.loaded.default_strength if self._strength is None else self._strength

    def upscale_lines(self, lines: Sequence[Line]) -> list[UpscaledLine]:
        """Upscale lines; which lines travel together has no influence on the result.

        Args:
            lines: Pictures and asked sizes.

        Returns:
            One result per line, in order.
        """
        upscaled = self._upscale(lines)
        if self.guard is None:
            return upscaled
        return guard_lines(self.guard, lines, upscaled, self._upscale if self.loaded.model.accepts_text else None)

    def _upscale(self, lines: Sequence[Line]) -> list[UpscaledLine]:
        """The same without the guard."""
        config = self.loaded.model.config.network
        plans = [plan_tiles(line.rgb.shape[0], line.rgb.shape[1], config) for line in lines]
        prepared = [
            resize(line.rgb, (plan.height, plan.width)) if plan else None
            for line, plan in zip(lines, plans, strict=True)
        ]
        windows = [
            window
            for line, plan in zip(prepared, plans, strict=True)
            if plan is not None and line is not None
            for window in cut_tiles(line, plan)
        ]
        texts = [line.text for line, plan in zip(lines, plans, strict=True) if plan is not None for _ in plan.starts]
        alone = [len(plan.starts) == 1 for plan in plans if plan is not None for _ in plan.starts]
        known = [text if whole else None for text, whole in zip(texts, alone, strict=True)]
        results = iter(self.super_resolve(windows, known))
        upscaled = []
        for line, plan, seen in zip(lines, plans, prepared, strict=True):
            if plan is None or seen is None:
                upscaled.append(UpscaledLine(resize(line.rgb, line.size).clip(0, 1), None))
                continue
            parts = [next(results) for _ in plan.starts]
            sr = blend_tiles([part.sr for part in parts], plan)
            shares = [part.gate for part in parts if part.gate is not None]
            gate = blend_tiles(shares, plan) if shares else None
            rgb = add_residual(line.rgb, seen, sr, size=line.size, strength=self.strength, gate=gate)
            upscaled.append(UpscaledLine(rgb, plan, tuple(part.reading for part in parts if part.reading)))
        return upscaled

    def super_resolve(
        self, windows: list[FloatImage], texts: Sequence[str | None] | None = None
    ) -> list[NetworkResult]:
        """Run the network on pictures ``(h, w, 3)`` in [0, 1] of sizes that it takes; nothing is blended or clipped.

        Args:
            windows: The pictures.
            texts: What they say, where that is known; the prior is then told it.
        """
        by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, window in enumerate(windows):
            by_shape[window.shape[0], window.shape[1]].append(i)
        results: dict[int, NetworkResult] = {}
        for (height, width), members in by_shape.items():
            first = 0
            while first < len(members):
                count = max(1, self.batch_pixels // (height * width))
                chosen = members[first : first + count]
                batch = np.stack([windows[i] for i in chosen])
                told = [texts[i] for i in chosen] if texts else []
                try:
                    done = self._run_batch(torch.from_numpy(batch).permute(0, 3, 1, 2), told)
                except RuntimeError as error:
                    if not is_out_of_memory(error) or count == 1:
                        raise
                    self.batch_pixels = max(height * width, self.batch_pixels // 2)
                    continue
                results.update(zip(chosen, done, strict=True))
                first += count
        return [results[i] for i in range(len(windows))]

    @torch.inference_mode()
    def _run_batch(self, lr: Tensor, texts: Sequence[str | None]) -> list[NetworkResult]:
        """Network and prior on equal-sized windows ``(B, 3, h, w)``, of some of which the text is known."""
        model = self.loaded.model
        lr = lr.to(self.device)
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            prior = None if model.prior is None else model.text_prior(lr, texts)
            out = model(lr, prior)
        if not bool(torch.isfinite(out.sr).all()) and self.dtype != torch.float32:
            prior = None if model.prior is None else model.text_prior(lr, texts)
            out = model(lr, prior)
        pixels = out.sr[:, :3].float().permute(0, 2, 3, 1).cpu().numpy()
        if model.prior is None or prior is None:
            return [NetworkResult(image, None) for image in pixels]
        readings = model.prior.recognizer.decode(prior.squeeze(2).float())
        if out.gate is None:
            return [NetworkResult(image, reading) for image, reading in zip(pixels, readings, strict=True)]
        shares = out.gate.float().expand(-1, 3, -1, -1).permute(0, 2, 3, 1).cpu().numpy()
        return [NetworkResult(*parts) for parts in zip(pixels, readings, shares, strict=True)]

    def upscale(
        self,
        image: ImageLike,
        *,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
    ) -> ImageLike:
        """Upscale one picture.

        Args:
            image: PIL image, or array ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)``: uint8, uint16, or float in [0, 1].
            scale: Factor on both sides; 2 if no size is given.
            width: Pixels instead; alone it keeps the aspect.
            height: Likewise.

        Returns:
            The same kind of picture, dtype and channels, at the asked size.

        Raises:
            ValueError: If the array has another shape or dtype.
            ConfigError: If the size is out of range.
        """
        target = TargetSize(scale, width, height)
        return enlarge_image(image, target, lambda rgb, size: self.upscale_lines([Line(rgb, size)])[0].rgb)


def upscale(
    image: ImageLike,
    *,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    **options: Any,
) -> ImageLike:
    """Upscale one picture with a fresh :class:`Upscaler`; keep one of those for many.

    Args:
        image: As in :meth:`Upscaler.upscale`.
        scale: Factor on both sides.
        width: Pixels instead.
        height: Likewise.
        options: Those of :class:`Upscaler`.
    """
    return Upscaler(**options).upscale(image, scale=scale, width=width, height=height)
