"""The folder of a training run: configuration, figures, checkpoints, and a lock against a second run."""

import json
import math
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import safetensors
import torch
import yaml
from torch import nn

from glyphsr._version import VERSION
from glyphsr.config.base import Config
from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError, DataError, GlyphSRError, WeightsError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import DOCUMENT_BYTES
from glyphsr.safe_reading.text_files import parse_json
from glyphsr.safe_reading.torch_file import load_torch_file
from glyphsr.system.atomic_files import write_bytes, write_with
from glyphsr.weights.checkpoints import Kind, current_name, save_checkpoint

LAST, BEST, STATE = "last", "best", "last.state"


STATE_KEYS = {
    *("step", "bad_steps", "skipped", "best_step", "best_score", "score", "origin", "smoke", "config", "trained"),
    *("model", "averaged", "rng", "optimiser", "scaler"),
}
"""What a training state holds."""


class SavingError(GlyphSRError):
    """Something could not be written; what was written before is intact."""


def _plain(value: Any) -> Any:
    """What JSON knows."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Turn what goes wrong while writing into one line."""
    try:
        yield
    except (OSError, safetensors.SafetensorError, RuntimeError) as error:  # torch's writer raises RuntimeError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
        raise SavingError(f"{path}: cannot be written: {reason}; what was saved before is intact") from error


class RunFolder:
    """Where a run keeps what it makes.

    Args:
        path: The folder; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"
        self.metrics = path / "metrics.jsonl"
        self.skipped = path / "skipped.jsonl"
        self._lock: IO[bytes] | None = None

    @property
    def state(self) -> Path:
        """What a stopped run continues from."""
        return self.checkpoints / STATE

    @property
    def last(self) -> Path:
        """The newest weights."""
        return self.weights(LAST)

    @property
    def best(self) -> Path:
        """The weights that validated best."""
        return self.weights(BEST)

    def weights(self, name: str) -> Path:
        """A checkpoint's file."""
        return self.checkpoints / f"{name}.safetensors"

    def open(self) -> None:
        """Make the folder and keep other runs out of it.

        Raises:
            ConfigError: If another process is training into it.
            SavingError: If it cannot be made.
        """
        # Append mode makes the file without emptying it: it names the process that holds the lock.
        with saving(self.path):
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / ".lock").open("a+b")
        try:
            import fcntl

            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.seek(0)
            owner = self._lock.read(20).decode(errors="replace").strip() or "unknown"
            self.close()
            raise ConfigError(
                f"{self.path}: another run (process {owner}) is training into it; wait for it or give another --out"
            ) from error
        except (ImportError, OSError):  # Windows, or a file system without locks
            return

        for leftover in self.checkpoints.glob(".*"):  # of a save that was killed
            leftover.unlink(missing_ok=True)
        # The number only helps whoever is turned away; the lock holds without it.
        with suppress(OSError):
            self._lock.truncate(0)
            self._lock.write(str(os.getpid()).encode())
            self._lock.flush()

    def close(self) -> None:
        """Let others in; the lock also goes when its process does."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write_config(self, config: TrainConfig) -> None:
        """The resolved configuration and versions."""
        text = yaml.safe_dump(json.loads(config.model_dump_json()), sort_keys=False)
        packages = f"# glyphsr {VERSION}, torch {torch.__version__}, Python {platform.python_version()}\n"
        with saving(self.path / "config.yaml"):
            write_bytes(self.path / "config.yaml", (packages + text).encode())

    def cut(self, path: Path, step: int) -> None:
        """Take rows after a step out of a file of JSON lines: the run that continues from there writes them again."""
        if not path.is_file():
            return

        kept = []
        for line in read_content(path, DOCUMENT_BYTES).splitlines(keepends=True):
            try:
                row = parse_json(line, path)
                if line.endswith(b"\n") and row["step"] <= step:
                    kept.append(line)
            except (DataError, TypeError, KeyError):  # half a line, from a kill, or none of ours
                continue
        with saving(path):
            write_bytes(path, b"".join(kept))

    def append(self, path: Path, row: dict[str, Any]) -> None:
        """Add a JSON line; figures have six digits, and what is no number is null."""
        with saving(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_plain(row)) + "\n")

    def save_weights(self, name: str, module: nn.Module, *, kind: Kind, config: Config, card: dict[str, Any]) -> None:
        """Write a checkpoint; the name only ever exists with all of it."""
        with saving(self.weights(name)):
            save_checkpoint(self.weights(name), module, kind=kind, config=config, card=card)

    def save_state(self, state: dict[str, Any]) -> None:
        """Write what the next run continues from."""
        with saving(self.state):
            write_with(self.state, lambda temporary: torch.save(state, temporary))

    def save_picture(self, name: str, write: Callable[[Path], object]) -> None:
        """Write a picture into ``samples/``."""
        path = self.samples / name
        with saving(path):
            self.samples.mkdir(exist_ok=True)
            write_with(path, write)


def read_state(path: Path, device: torch.device) -> dict[str, Any]:
    """A training state.

    Raises:
        WeightsError: If it is missing or no such file.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such training state (a run folder's checkpoints/{STATE})")

    try:
        state: dict[str, Any] = load_torch_file(path, device=device)
        missing = STATE_KEYS - state.keys()
    except Exception as error:  # whatever a damaged file makes torch raise
        raise WeightsError(f"{path}: not a readable training state; it is damaged, or another kind of file") from error

    if missing:
        raise WeightsError(f"{path}: not a training state of this version: no {sorted(missing)[0]!r} in it")

    # Sound types, so that what follows need not fear them.
    names = state["trained"]
    is_sound = isinstance(state["config"], str) and isinstance(names, list) and all(isinstance(n, str) for n in names)
    # `True` is an `int` to Python, but not a step.
    counts = (state["step"], state["bad_steps"], state["best_step"])
    if not is_sound or any(isinstance(count, bool) or not isinstance(count, int | None) for count in counts):
        raise WeightsError(f"{path}: not a training state of this version: its figures are none")

    return _with_current_names(state)


def _with_current_names(state: dict[str, Any]) -> dict[str, Any]:
    """A state in which parameters of earlier versions have the names of this one."""
    if "aid" in state:
        state["auxiliary_ctc"] = state.pop("aid")
    for part in ("model", "averaged"):
        if isinstance(state.get(part), dict):
            state[part] = {current_name(name): value for name, value in state[part].items()}
    return state
