"""Runs a model by torch, on any device and in any precision."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.images.resize import FloatImage
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.text_prior import TextPrior
from glyphsr.recognizers.protocols import ColumnRecognizer
from glyphsr.text.lexicon import Lexicon
from glyphsr.upscaling.engine import FloatBatch, PriorReading

T = TypeVar("T")


class TorchEngine:
    """A model as torch has it.

    Args:
        model: On its device, in evaluation mode.
        device: That device.
        dtype: Of autocast; a batch that comes out non-finite is run again in float32.
    """

    def __init__(self, model: SuperResolver, *, device: torch.device, dtype: torch.dtype) -> None:
        self.model = model
        self.device = device
        self.dtype = dtype
        # Steps are places along the line with a columns' head, and where the network takes any width.
        self.has_prior = model.prior is not None
        self.reads_along_lines = (
            model.prior is not None
            and isinstance(model.prior.recognizer, ColumnRecognizer)
            and model.config.network.fixed_size is None
        )

    @torch.inference_mode()
    def read(self, batch: FloatBatch, texts: Sequence[str | None], lexicon: Lexicon | None) -> list[PriorReading]:
        """As :meth:`glyphsr.upscaling.engine.Engine.read`."""
        lr = torch.from_numpy(batch).to(self.device)
        prior: TextPrior = self._precise(
            lambda: self.model.text_prior(lr, texts, lexicon=lexicon), lambda found: found.guide
        )
        guides, probabilities = (found.squeeze(2).float().cpu().numpy() for found in (prior.guide, prior.probabilities))
        return [PriorReading(*row) for row in zip(guides, probabilities, prior.words, prior.given, strict=True)]

    @torch.inference_mode()
    def super_resolve(self, batch: FloatBatch, guides: Sequence[NDArray[np.float32]]) -> list[FloatImage]:
        """As :meth:`glyphsr.upscaling.engine.Engine.super_resolve`."""
        guide = torch.from_numpy(np.stack(guides)).to(self.device).unsqueeze(2) if guides else None
        picture = self.model.network_input(torch.from_numpy(batch).to(self.device))
        sr = self._precise(lambda: self.model.network(picture, guide).sr, lambda found: found)
        return list(sr[:, :3].float().permute(0, 2, 3, 1).cpu().numpy())

    def _precise(self, run: Callable[[], T], tensor_of: Callable[[T], Tensor]) -> T:
        """A result in the configured precision, or in float32 where that is not finite."""
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            found = run()
        # Half precision may overflow; then the batch is computed once more.
        if self.dtype != torch.float32 and not bool(torch.isfinite(tensor_of(found)).all()):
            return run()
        return found
