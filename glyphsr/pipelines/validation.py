"""Scores a model during training, on words held out of it."""

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F

from glyphsr.config.training import TrainConfig
from glyphsr.data.batches import BatchMaker, LineShape
from glyphsr.data.pair_loader import to_tensor
from glyphsr.data.sources import WordSource
from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.psnr import psnr
from glyphsr.models.super_resolver import SuperResolver

VALIDATION_SEED = 20_250_101
"""Seed of the held-out words' degradations; the same for every run."""


@dataclass(frozen=True)
class ValidationScore:
    """Means over the held-out words."""

    words: int
    prior_accuracy: float | None
    """Share of LR pictures that the text prior reads correctly; ``None`` without prior."""
    psnr_db: float | None = None
    """Of the network's picture; ``None`` where only the prior is trained."""
    bicubic_psnr_db: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """Plain values for logs and cards."""
        return {key: value if value is None else round(value, 4) for key, value in asdict(self).items()}

    def describe(self) -> str:
        """One line for a person."""
        parts = [] if self.psnr_db is None else [f"{self.psnr_db:.2f} dB (bicubic {self.bicubic_psnr_db:.2f})"]
        if self.prior_accuracy is not None:
            parts.append(f"prior reads {self.prior_accuracy:.1%} of {self.words} held-out LR words")
        return ", ".join(parts)


class Validator:
    """Fixed LR/HR pairs, made once, at line height 16 and each word's own aspect.

    Args:
        sources: Held-out parts.
        config: Run configuration.
    """

    HEIGHT = 16

    def __init__(self, sources: list[WordSource], config: TrainConfig) -> None:
        self.config = config
        maker = BatchMaker(sources, config.data, batch_size=1, seed=0)
        self.pairs: list[tuple[torch.Tensor, torch.Tensor, str]] = []
        for source in sources:
            rng = np.random.default_rng(VALIDATION_SEED)
            one = BatchMaker([source], config.data, batch_size=1, seed=0)
            indices = np.array(source.indices)
            chosen = rng.permutation(indices)[: config.validation_words] if source.collection is not None else None
            for i in range(config.validation_words if chosen is None else len(chosen)):
                if source.collection is None or chosen is None:
                    sample, paired = one.draw_word(rng)
                else:
                    sample, paired = source.collection[int(chosen[i])], source.paired
                height, width = sample.hr.shape[:2]
                aspect = min(max(1.0, width / height), config.data.max_aspect)
                shape = LineShape(self.HEIGHT, config.data.line_width or round(self.HEIGHT * aspect / 4) * 4)
                lr, hr = maker.make_pair(sample, shape, rng, paired=paired)
                self.pairs.append((to_tensor([lr]), to_tensor([hr]), sample.label))

    @torch.no_grad()
    def score(self, model: SuperResolver) -> ValidationScore:
        """Run the model on every pair; leaves it in the mode it was in."""
        training = model.training
        model.eval()
        device = next(model.parameters()).device
        values, bicubic, right = [], [], 0
        for pair_lr, pair_hr, label in self.pairs:
            lr, hr = pair_lr.to(device), pair_hr.to(device)
            if model.prior is not None:
                right += words_match(model.prior.recognizer.read(lr)[0].text, label)
            if self.config.task == "sr":
                values.append(psnr(model(lr).sr[:, :3].float().clamp(0, 1), hr))
                plain = F.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)
                bicubic.append(psnr(plain.clamp(0, 1), hr))
        model.train(training)
        return ValidationScore(
            words=len(self.pairs),
            prior_accuracy=None if model.prior is None else right / max(1, len(self.pairs)),
            psnr_db=float(torch.cat(values).mean()) if values else None,
            bicubic_psnr_db=float(torch.cat(bicubic).mean()) if bicubic else None,
        )
