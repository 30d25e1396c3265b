"""What a training run tells: after each step, and at its end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glyphsr.training.checkpoints import TrainState
from glyphsr.training.validation_score import ValidationScore


@dataclass(frozen=True)
class StepReport:
    """What a progress display shows of one step."""

    step: int
    total_steps: int
    terms: dict[str, float]
    pictures_per_s: float
    memory_mb: float
    skipped: int
    """Batches that taught nothing so far."""
    score: ValidationScore | None = None


@dataclass(frozen=True)
class TrainResult:
    """What a finished run leaves."""

    folder: Path
    last: Path
    best: Path
    progress: TrainState
    """Steps, skipped batches, and the scores of the last and of the best weights."""
    seconds: float
    """Of this command; a run may have had several."""
    is_main: bool
    """Whether this process speaks for all."""

    @property
    def score(self) -> ValidationScore | None:
        """Of the last weights."""
        return self.progress.score

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        now = self.progress

        return {
            "schema_version": 2,
            "command": "train",
            "best": str(self.best),
            "best_step": now.best_step,
            "last": str(self.last),
            "steps": now.step,
            "skipped": now.skipped,
            "seconds": round(self.seconds, 1),
            "validation": now.score.as_dict() if now.score else None,
            "best_validation": now.best_score.as_dict() if now.best_score else None,
        }
