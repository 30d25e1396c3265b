"""TensorBoard curves, where TensorBoard is installed."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from glyphsr.training.validation_score import ValidationScore


class Curves:
    """Writes scalars; does nothing without a writer."""

    def __init__(self, writer: Any = None) -> None:
        self._writer = writer

    @classmethod
    def open(cls, folder: Path, *, first_step: int) -> "Curves":
        """Curves in a folder, without what an earlier attempt wrote after ``first_step``."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return cls()
        with suppress(OSError):
            writer: Any = SummaryWriter(str(folder), purge_step=first_step + 1)
            return cls(writer)
        return cls()

    def add(self, step: int, figures: dict[str, Any], score: ValidationScore | None) -> None:
        """One point of every curve; the run continues without curves if they can no longer be written."""
        if self._writer is None:
            return

        values = {f"train/{name}": value for name, value in figures.items() if name != "step"}
        if score is not None:
            values |= {f"validation/{name}": value for name, value in score.as_dict().items() if name != "parts"}
            values |= {f"validation/accuracy_{name}": value for name, value in score.parts.items()}
        try:
            for name, value in values.items():
                if value is not None:
                    self._writer.add_scalar(name, value, step)
        except OSError:
            self._writer = None

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
