"""SAM on many images: each image is encoded once, and its prompts are decoded in batches."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from segment_anything.modeling import Sam
from segment_anything.modeling.common import LayerNorm2d
from torch import Tensor, nn

from glyphsr.sam.decoder import PromptDecoder, upsampling
from glyphsr.sam.encoder import CanvasEncoder
from glyphsr.sam.layouts import Layout, Placement, draw, place
from glyphsr.sam.shape import LOGITS_PER_PATCH, SamShape
from glyphsr.system.devices import is_out_of_memory

CPU_BATCH, GPU_BATCH = 8, 128
"""Prompts decoded at once; on a CPU larger batches no longer fit its caches (docs/performance.md)."""


@dataclass(frozen=True, eq=False)
class PromptMasks:
    """Masks for the prompts of one image."""

    masks: NDArray[np.bool_]
    """``(M C, h, w)`` at the picture's size, C masks per prompt."""
    confidence: NDArray[np.float64]
    """``(M C,)``: predicted IoU, which may exceed 1."""
    prompts: NDArray[np.int64]
    """``(M C,)``: which prompt each mask answers."""


def _in_full_precision(norm: nn.Module) -> None:
    """Let a norm compute in float32: its squares overflow in half precision where its result does not."""
    norm.float()
    norm.register_forward_pre_hook(lambda _, given: (given[0].float(),))
    norm.register_forward_hook(lambda _, __, result: result.half())


class SamPredictor:
    """Answers single positive points by SAM's masks.

    Args:
        network: With published weights; it is moved and, below fp32, converted.
        shape: Sizes of the network.
        layout: See :func:`glyphsr.sam.layouts.place`. Only ``padded`` gives SAM's own masks.
        device: Where to compute; default is the CPU.
        dtype: float32, bfloat16 or float16; non-finite results in float16 are computed again in float32.
        prompt_batch: Prompts decoded at once; halved when memory runs out.
        multimask: Give three masks per prompt rather than one.
    """

    def __init__(
        self,
        network: Sam,
        shape: SamShape,
        *,
        layout: Layout = "padded",
        device: torch.device | None = None,
        dtype: torch.dtype = torch.float32,
        prompt_batch: int | None = None,
        multimask: bool = True,
    ) -> None:
        self.shape, self.layout, self.multimask = shape, layout, multimask
        self.device = device or torch.device("cpu")
        self.dtype = dtype
        self.prompt_batch = prompt_batch or (CPU_BATCH if self.device.type == "cpu" else GPU_BATCH)

        # A copy in full precision, for pictures at which half precision overflows.
        self._precise = copy.deepcopy(network) if dtype == torch.float16 else None

        self.network = network.to(self.device).eval()
        self.network.image_encoder.to(dtype)
        self.network.mask_decoder.to(dtype)

        # The squares in layer norms overflow in half precision.
        if dtype == torch.float16:
            for module in self.network.modules():
                if isinstance(module, LayerNorm2d):
                    _in_full_precision(module)

        self.encoder = CanvasEncoder(self.network.image_encoder, shape)
        self.decoder = PromptDecoder(self.network)

    @torch.inference_mode()
    def segment(self, images: Sequence[NDArray[np.uint8]], points: Sequence[NDArray[np.float64]]) -> list[PromptMasks]:
        """Predict masks for all prompts.

        Args:
            images: ``(h, w, 3)`` uint8 RGB each.
            points: ``(M, 2)`` each: ``(x, y)`` in pixels, pixel centres at whole numbers.

        Returns:
            One result per picture.
        """
        placements = place([image.shape[:2] for image in images], self.layout, self.shape)
        results = []

        last, features = -1, torch.empty(0)
        for index, placement in enumerate(placements):
            if not len(points[index]):
                results.append(PromptMasks(np.zeros((0, *placement.size), bool), np.zeros(0), np.zeros(0, np.int64)))
                continue

            # Pictures that share a canvas are encoded once, together.
            if placement.canvas != last:
                members = [i for i, p in enumerate(placements) if p.canvas == placement.canvas]
                features = self._encode([images[i] for i in members], [placements[i] for i in members])
                last = placement.canvas

            results.append(self._answer(features, placement, points[index]))

        return results

    def _encode(self, images: Sequence[NDArray[np.uint8]], placements: Sequence[Placement]) -> Tensor:
        """Features ``(1, D, rows, columns)`` of one canvas, or of its used part where the layout crops."""
        # Each call draws one canvas, so that all placements are on number 0.
        moved = [Placement(0, p.top, p.height, p.width, p.size) for p in placements]
        pixels = draw(images, moved, self.shape)
        patch = self.shape.patch
        used_rows = max(p.rows(patch).stop for p in moved)
        # The crop leaves out padding, which the network was trained with: hence the check of its masks.
        if self.layout == "crop":
            used_columns = max(p.columns(patch).stop for p in moved)
            pixels = pixels[:, :, : used_rows * patch, : used_columns * patch]

        features = self.encoder.encode(pixels.to(self.device, self.dtype), content_rows=used_rows)

        # Where float16 overflowed, the canvas is encoded again in float32.
        if self._precise is not None and not bool(torch.isfinite(features).all()):
            encoder = CanvasEncoder(self._precise.image_encoder.to(self.device), self.shape)
            features = encoder.encode(pixels.to(self.device), content_rows=used_rows)
        return features

    def _answer(self, features: Tensor, placement: Placement, points: NDArray[np.float64]) -> PromptMasks:
        patch = self.shape.patch
        rows, columns = placement.rows(patch), placement.columns(patch)

        # On a shared canvas a line attends to its own strip only.
        whole = (slice(0, features.shape[2]), slice(0, features.shape[3]))
        context = (rows, columns) if self.layout == "mosaic" else whole
        region = self._region(rows, columns, context)
        asked = _Asked(
            features=features[:, :, context[0], context[1]],
            context=context,
            region=region,
            down=self._upsampling(region[0], placement.height, placement.size[0]),
            across=self._upsampling(region[1], placement.width, placement.size[1]),
        )

        on_canvas = placement.points(torch.as_tensor(points, dtype=torch.float32, device=self.device))
        masks, confidence = [], []
        done = 0
        while done < len(points):
            try:
                own, predicted = self._decode(asked, on_canvas[done : done + self.prompt_batch])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.prompt_batch == 1:
                    raise
                # Too many prompts for the memory: half as many from here on, also for later pictures.
                self.prompt_batch //= 2
                continue

            masks.append(own)
            confidence.append(predicted)
            done += len(own) // (3 if self.multimask else 1)

        prompts = np.repeat(np.arange(len(points)), 3 if self.multimask else 1)
        return PromptMasks(np.concatenate(masks), np.concatenate(confidence), prompts)

    def _region(self, rows: slice, columns: slice, context: tuple[slice, slice]) -> tuple[slice, slice]:
        """Patches of the image within the context, and one more at each end for interpolation."""
        ends = [min(own.stop + 1, full.stop) for own, full in zip((rows, columns), context, strict=True)]
        return (
            slice(rows.start - context[0].start, ends[0] - context[0].start),
            slice(columns.start - context[1].start, ends[1] - context[1].start),
        )

    def _upsampling(self, region: slice, content: int, target: int) -> Tensor:
        length = (region.stop - region.start) * LOGITS_PER_PATCH
        return upsampling(length, self.shape.patch // LOGITS_PER_PATCH, content, target, device=self.device)

    def _decode(self, asked: "_Asked", points: Tensor) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Masks ``(P C, h, w)`` and predicted IoU ``(P C,)`` of one batch of prompts."""
        logits, predicted = self._logits(self.decoder, self.dtype, asked, points)
        if self._precise is not None and not bool(logits.isfinite().all() and predicted.isfinite().all()):
            logits, predicted = self._logits(PromptDecoder(self._precise.to(self.device)), torch.float32, asked, points)
        # Logits are brought to the picture's size by two products, and cut at 0.
        masks = asked.down @ logits.float() @ asked.across.T > 0
        return masks.flatten(0, 1).cpu().numpy(), predicted.float().flatten().cpu().numpy().astype(np.float64)

    def _logits(
        self, decoder: PromptDecoder, dtype: torch.dtype, asked: "_Asked", points: Tensor
    ) -> tuple[Tensor, Tensor]:
        code = decoder.place_code(*asked.context).to(dtype)
        sparse = decoder.prompt_tokens(points).to(dtype)
        features = asked.features.to(dtype)
        return decoder.decode(features, code, sparse, region=asked.region, multimask=self.multimask)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is the same for all prompts of one image."""

    features: Tensor
    context: tuple[slice, slice]
    """Rows and columns of the grid that the features are of."""
    region: tuple[slice, slice]
    """Rows and columns of the features in which masks are wanted."""
    down: Tensor
    across: Tensor
    """Matrices that bring logits to the picture's size."""
