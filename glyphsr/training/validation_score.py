"""What a validation found, for logs, cards and people."""

import math
from dataclasses import dataclass, field
from typing import Any

MAPS = ("char", "line")
"""Glyph maps that are compared with masks."""


@dataclass(frozen=True)
class ValidationScore:
    """Means over the words."""

    words: int
    prior_accuracy: float | None
    """Fraction of LR pictures that the text prior reads correctly; ``None`` without prior."""
    psnr_db: float | None = None
    """Of the network's picture; ``None`` where only the prior is trained."""
    bicubic_psnr_db: float | None = None
    accuracy: float | None = None
    """Fraction of SR words that the judge reads, as a plain mean over the parts; ``None`` where it is not asked. Of a
    recognizer in training the fraction of HR and of blurred words, as it is shown them."""
    parts: dict[str, float] = field(default_factory=dict)
    """The same by test subset, or by what a recognizer was shown."""
    glyphs: dict[str, float] = field(default_factory=dict)
    """Of the maps that are taught, over the words that have masks: ``char_iou``, ``char_mse``, and ``char_zero_mse`` of
    maps of zeros, ``line_...`` likewise (:mod:`glyphsr.metrics.glyph_maps`)."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for logs and cards."""
        # JSON knows neither infinity nor NaN, so that both are null.
        rounded: dict[str, Any] = {
            "words": self.words,
            **{
                name: None if value is None or not math.isfinite(value) else round(value, 4)
                for name, value in (
                    ("prior_accuracy", self.prior_accuracy),
                    ("psnr_db", self.psnr_db),
                    ("bicubic_psnr_db", self.bicubic_psnr_db),
                    ("accuracy", self.accuracy),
                )
            },
        }

        rounded |= {"parts": {k: round(v, 4) for k, v in self.parts.items()}} if self.parts else {}
        return rounded | {name: round(value, 6) for name, value in self.glyphs.items()}

    @property
    def figure(self) -> float:
        """What weights are selected by; more is better, what is no number is worst."""
        # What the run is about decides; the others are only logged.
        for value in (self.accuracy, self.psnr_db, self.prior_accuracy):
            if value is not None:
                return value if math.isfinite(value) else -math.inf
        return 0.0

    def describe(self) -> str:
        """One line for a person."""
        parts = [] if self.psnr_db is None else [f"{self.psnr_db:.2f} dB (bicubic {self.bicubic_psnr_db:.2f})"]

        if self.accuracy is not None:
            each = ", ".join(f"{name} {value:.1%}" for name, value in self.parts.items())
            who = "reads" if self.psnr_db is None else "judge reads"
            what = f"words ({each})" if self.psnr_db is None else "SR" + (f" ({each})" if each else "")
            parts.append(f"{who} {self.accuracy:.1%} of {what}")

        if self.prior_accuracy is not None:
            parts.append(f"prior reads {self.prior_accuracy:.1%} of {self.words} LR words")

        for name in MAPS:
            if f"{name}_iou" in self.glyphs:
                # An empty map is right almost everywhere, so the error is shown as a fraction of its error.
                ratio = self.glyphs[f"{name}_mse"] / max(self.glyphs[f"{name}_zero_mse"], 1e-12)
                parts.append(f"{name} maps IoU {self.glyphs[f'{name}_iou']:.2f}, MSE {ratio:.2f} of that of zeros")

        return ", ".join(parts)
