"""What is known of a model, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from glyphsr.config.model import ModelConfig
from glyphsr.errors import WeightsError
from glyphsr.safe_reading.text_files import shorten
from glyphsr.weights.registry import sha256_of

PriorWeights = str | Path | Sequence[str | Path] | None
"""One text prior, or several to choose from by their number of classes."""


@dataclass(frozen=True, eq=False)
class ModelFacts:
    """Where a model comes from and what its files say of it."""

    config: ModelConfig
    path: Path
    card: dict[str, Any] = field(default_factory=dict)
    prior_path: Path | None = None
    """File of the text prior, where it is another one."""
    published: bool = False
    """Whether the network is its authors' file, or what was converted from it."""

    @property
    def default_strength(self) -> float:
        """Fraction of the network's change that its card recommends; 1 where it says nothing."""
        strength = self.card.get("strength", 1.0)
        if not isinstance(strength, int | float) or not 0 <= strength <= 1:
            raise WeightsError(f"{self.path}: damaged card: strength: expected 0 to 1, got {shorten(strength)}")
        return float(strength)

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 by file name."""
        return {path.name: sha256_of(path) for path in (self.path, self.prior_path) if path is not None}
