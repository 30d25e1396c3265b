"""All masks for all prompts of many pictures: each picture encoded once, its prompts decoded in batches."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from segment_anything.modeling import Sam
from torch import Tensor

from glyphsr.devices import is_out_of_memory
from glyphsr.models.sam.decoder import PromptDecoder, upsampling
from glyphsr.models.sam.encoder import CanvasEncoder
from glyphsr.models.sam.layouts import Layout, Placement, draw, place
from glyphsr.models.sam.shape import SamShape

LOGIT_SCALE = 4
"""Mask logits per patch, along one axis."""

CPU_BATCH, GPU_BATCH = 8, 128
"""Prompts decoded at once; on a processor more only leave its caches (docs/performance.md)."""


@dataclass(frozen=True, eq=False)
class PromptMasks:
    """Answers to the prompts of one picture."""

    masks: NDArray[np.bool_]
    """``(M C, h, w)`` at the picture's size, C masks per prompt."""
    confidence: NDArray[np.float64]
    """``(M C,)``: predicted IoU; the head is not bounded, so it may exceed 1."""
    prompts: NDArray[np.int64]
    """``(M C,)``: which prompt each mask answers."""


class SamPredictor:
    """SAM for single positive points.

    Args:
        network: With published weights; it is moved and, below fp32, converted.
        shape: Its sizes.
        layout: See :func:`glyphsr.models.sam.layouts.place`. Only ``padded`` gives SAM's own masks.
        device: Where to compute.
        dtype: float32, bfloat16 or float16; what comes out non-finite in float16 is redone in float32.
        prompt_batch: Prompts decoded at once; halved when memory runs out.
        multimask: Three masks per prompt, else one.
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
        self._precise = copy.deepcopy(network) if dtype == torch.float16 else None
        self.network = network.to(self.device).eval()
        self.network.image_encoder.to(dtype)
        self.network.mask_decoder.to(dtype)
        self.encoder = CanvasEncoder(self.network.image_encoder, shape)
        self.decoder = PromptDecoder(self.network)

    @torch.inference_mode()
    def segment(self, images: Sequence[NDArray[np.uint8]], points: Sequence[NDArray[np.float64]]) -> list[PromptMasks]:
        """Answer all prompts.

        Args:
            images: ``(h, w, 3)`` uint8 RGB each.
            points: ``(M, 2)`` each: ``(x, y)`` in pixels, pixel centres at whole numbers.

        Returns:
            One result per picture.
        """
        placements = place([image.shape[:2] for image in images], self.layout, self.shape)
        results = []
        last, features = -1, torch.empty(0)
        for image_index, placement in enumerate(placements):
            if placement.canvas != last:
                members = [i for i, p in enumerate(placements) if p.canvas == placement.canvas]
                features = self._encode([images[i] for i in members], [placements[i] for i in members])
                last = placement.canvas
            results.append(self._answer(features, placement, points[image_index]))
        return results

    def _encode(self, images: Sequence[NDArray[np.uint8]], placements: Sequence[Placement]) -> Tensor:
        """Features ``(1, D, rows, columns)`` of one canvas, or of its used part where the layout crops."""
        moved = [Placement(0, p.top, p.height, p.width, p.size) for p in placements]
        pixels = draw(images, moved, self.shape)
        patch = self.shape.patch
        used_rows = max(p.rows(patch).stop for p in moved)
        if self.layout == "crop":
            used_columns = max(p.columns(patch).stop for p in moved)
            pixels = pixels[:, :, : used_rows * patch, : used_columns * patch]
        features = self.encoder.encode(pixels.to(self.device, self.dtype), content_rows=used_rows)
        if self._precise is not None and not bool(torch.isfinite(features).all()):
            encoder = CanvasEncoder(self._precise.image_encoder.to(self.device), self.shape)
            features = encoder.encode(pixels.to(self.device), content_rows=used_rows)
        return features

    def _answer(self, features: Tensor, placement: Placement, points: NDArray[np.float64]) -> PromptMasks:
        count = 3 if self.multimask else 1
        on_canvas = placement.points(torch.as_tensor(points, dtype=torch.float32, device=self.device))
        masks, confidence = [], []
        for logits, predicted in self._decode(features, placement, on_canvas):
            masks.append((logits > 0).flatten(0, 1).cpu().numpy())
            confidence.append(predicted.float().flatten().cpu().numpy().astype(np.float64))
        if not masks:
            return PromptMasks(np.zeros((0, *placement.size), bool), np.zeros(0), np.zeros(0, np.int64))
        prompts = np.repeat(np.arange(len(points)), count)
        return PromptMasks(np.concatenate(masks), np.concatenate(confidence), prompts)

    def _decode(self, features: Tensor, placement: Placement, points: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Logits at the picture's size and predicted IoU, batch by batch."""
        patch = self.shape.patch
        rows, columns = placement.rows(patch), placement.columns(patch)
        context = (slice(0, features.shape[2]), slice(0, features.shape[3]))
        if self.layout == "mosaic":  # of a shared canvas a line's own strip
            context = (rows, columns)
        seen = features[:, :, context[0], context[1]]
        region = self._region(rows, columns, context)
        start = context[0].start + region[0].start
        down = self._upsampling(region[0], placement.height, placement.top - start * patch, placement.size[0])
        across = self._upsampling(region[1], placement.width, 0, placement.size[1])
        done = 0
        while done < len(points):
            try:
                chosen = points[done : done + self.prompt_batch]
                logits, predicted = self._decode_batch(seen, context, chosen, region)
                yield down @ logits.float() @ across.T, predicted
                done += len(chosen)
            except RuntimeError as error:
                if not is_out_of_memory(error) or self.prompt_batch == 1:
                    raise
                self.prompt_batch //= 2

    def _region(self, rows: slice, columns: slice, context: tuple[slice, slice]) -> tuple[slice, slice]:
        """The picture's patches within the context, and one more each way, into which its last pixels interpolate."""
        ends = [min(own.stop + 1, full.stop) for own, full in zip((rows, columns), context, strict=True)]
        return (
            slice(rows.start - context[0].start, ends[0] - context[0].start),
            slice(columns.start - context[1].start, ends[1] - context[1].start),
        )

    def _upsampling(self, region: slice, content: int, lead: int, target: int) -> Tensor:
        length = (region.stop - region.start) * LOGIT_SCALE
        assert lead == 0  # pictures begin at a patch
        scale = self.shape.patch // LOGIT_SCALE
        return upsampling(length, scale, content, target, device=self.device)

    def _decode_batch(
        self, features: Tensor, context: tuple[slice, slice], points: Tensor, region: tuple[slice, slice]
    ) -> tuple[Tensor, Tensor]:
        tries = [(self.decoder, self.dtype)]
        if self._precise is not None:
            tries.append((PromptDecoder(self._precise.to(self.device)), torch.float32))
        for decoder, dtype in tries:
            code = decoder.place_code(*context).to(dtype)
            sparse = decoder.prompt_tokens(points).to(dtype)
            logits, predicted = decoder.decode(
                features.to(dtype), code, sparse, region=region, multimask=self.multimask
            )
            if bool(torch.isfinite(logits).all() and torch.isfinite(predicted).all()):
                break
        return logits, predicted
