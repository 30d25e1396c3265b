"""The training loop: steps, validation, checkpoints, exact resume."""

import copy
import json
import math
import platform
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import torch
import yaml
from torch import nn

import glyphsr
from glyphsr.config.training import TrainConfig
from glyphsr.data.batches import BatchMaker, iterate_batches
from glyphsr.data.sources import open_sources
from glyphsr.devices import Precision, resolve_device, resolve_precision
from glyphsr.errors import ConfigError, GlyphSRError, WeightsError
from glyphsr.files import write_bytes, write_with
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.pipelines.models import load_recognizer
from glyphsr.pipelines.objectives import LossTerms, build_objective
from glyphsr.pipelines.schedule import learning_rate_factor
from glyphsr.pipelines.validation import ValidationScore, Validator
from glyphsr.types import Batch
from glyphsr.weights.checkpoints import load_state, save_checkpoint

MAX_BAD_STEPS = 20
"""Batches with a non-finite loss or gradient in a row after which the run gives up."""

LOG_EVERY = 20
"""Steps between lines of ``metrics.jsonl``."""


class InterruptedTrainingError(GlyphSRError):
    """The run was asked to stop; everything up to the last step is saved."""

    exit_code = 130


@dataclass(frozen=True)
class StepReport:
    """What a progress display shows of one step."""

    step: int
    total_steps: int
    terms: dict[str, float]
    pictures_per_s: float
    score: ValidationScore | None = None


@dataclass(frozen=True)
class TrainResult:
    """Where a finished run left its weights."""

    folder: Path
    last: Path
    best: Path
    score: ValidationScore | None


@contextmanager
def _stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turns SIGINT and SIGTERM into a flag for the duration of the block."""
    asked = False

    def ask(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Trainer:
    """One run in one folder.

    Args:
        config: The run.
        folder: Receives ``config.yaml``, ``metrics.jsonl`` and ``checkpoints/``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: Of forward passes; losses and weights stay float32.
        workers: Processes that make batches; 0 makes them in this one.
        data_root: Where named LMDBs are looked up first.
        report: Called after every step.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        *,
        device: str = "auto",
        precision: Precision = "auto",
        workers: int = 1,
        data_root: str | None = None,
        report: Callable[[StepReport], None] | None = None,
    ) -> None:
        self.config = config
        self.folder = folder
        self.device = resolve_device(device)
        self.dtype = resolve_precision(precision, self.device)
        self.workers = workers
        self.report = report
        sources = open_sources(config.data, held_out=False, data_root=data_root)  # missing data shows before any work
        torch.manual_seed(config.seed)
        model = SuperResolver.from_config(config.model)
        if config.prior_weights:
            if model.prior is None:
                raise ConfigError(f"prior_weights: of no use, since {config.model.network.kind} has no text prior")
            recognizer = load_recognizer(Path(config.prior_weights))
            if recognizer.config != config.model.prior:
                raise WeightsError(f"{config.prior_weights}: holds another prior than model.prior describes")
            model.prior.recognizer.load_state_dict(recognizer.state_dict())
        self.model = model.to(self.device)
        self.objective = build_objective(self.model, config)
        self.parameters = [p for p in self.objective.trained.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(
            self.parameters,
            lr=config.optimiser.learning_rate,
            betas=config.optimiser.betas,
            weight_decay=config.optimiser.weight_decay,
        )
        self.maker = BatchMaker(sources, config.data, batch_size=config.batch_size, seed=config.seed)
        self.validator = Validator(open_sources(config.data, held_out=True, data_root=data_root), config)
        self.averaged = copy.deepcopy(self.model) if config.optimiser.ema_decay else None
        self.step = 0
        self.bad_steps = 0
        self.best = -math.inf
        self.score: ValidationScore | None = None

    def describe(self) -> str:
        """One line for a person: what is trained, on what, how."""
        trained = sum(parameter.numel() for parameter in self.parameters)
        sources = len(self.maker.sources)
        held_out = len(self.validator.pairs)
        return (
            f"{trained:,} parameters to train on {self.device} in {self.dtype}, "
            f"{sources} word sources, {held_out} words held out, run folder {self.folder}"
        )

    @property
    def checkpoints(self) -> Path:
        """Folder of the weights."""
        return self.folder / "checkpoints"

    def run(self, *, resume: Literal["auto", "never"] | Path = "auto") -> TrainResult:
        """Train to the last step.

        Args:
            resume: ``auto`` goes on from ``last`` where the folder has one, ``never`` refuses a used folder, a path
                names the ``.state`` file to go on from.

        Raises:
            ConfigError: If the folder holds a run and ``resume`` is ``never``.
            InterruptedTrainingError: On SIGINT or SIGTERM, after saving.
            GlyphSRError: After :data:`MAX_BAD_STEPS` non-finite steps in a row.
        """
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        state = self.checkpoints / "last.state" if isinstance(resume, str) else resume
        if state.is_file() and resume != "never":
            self._restore(state)
        elif resume == "never" and state.is_file():
            raise ConfigError(f"{self.folder}: holds a run already; resume it or give another --out")
        elif isinstance(resume, Path):
            raise WeightsError(f"{resume}: no such training state (a run folder's checkpoints/last.state)")
        self._write_config()
        batches = iterate_batches(self.maker, first_step=self.step, last_step=self.config.steps, workers=self.workers)
        with _stop_on_signal() as stopped, (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as log:
            started, seen = time.monotonic(), 0
            for batch in batches:
                losses = self._train_step(batch)
                seen += len(batch.ids)
                finished = self.step == self.config.steps
                score = self._validate() if self.step % self.config.validate_every == 0 or finished else None
                rate = seen / (time.monotonic() - started)
                terms = {name: value.item() for name, value in losses.terms.items()}
                if self.step % LOG_EVERY == 0 or score:
                    row = {"step": self.step, **terms, "pictures_per_s": round(rate, 1)}
                    log.write(json.dumps(row | ({"score": score.as_dict()} if score else {})) + "\n")
                    log.flush()
                if self.report:
                    self.report(StepReport(self.step, self.config.steps, terms, rate, score))
                if stopped():
                    self._save()
                    raise InterruptedTrainingError(
                        f"interrupted at step {self.step}; the same command goes on from there"
                    )
        return TrainResult(
            self.folder, self.checkpoints / "last.safetensors", self.checkpoints / "best.safetensors", self.score
        )

    def _train_step(self, batch: Batch) -> LossTerms:
        moved = Batch(batch.ids, batch.lr.to(self.device), batch.hr.to(self.device), batch.labels)
        self.objective.trained.train()
        config = self.config.optimiser
        factor = learning_rate_factor(self.step, warmup_steps=config.warmup_steps, total_steps=self.config.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * factor
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            losses = self.objective.losses(moved)
        self.optimiser.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.parameters, config.clip_norm)
        if torch.isfinite(norm) and torch.isfinite(losses.total):
            self.optimiser.step()
            self.bad_steps = 0
        else:
            self.bad_steps += 1
            if self.bad_steps >= MAX_BAD_STEPS:
                raise GlyphSRError(
                    f"{self.bad_steps} non-finite losses in a row, last at step {self.step}: {batch.ids[0]}"
                )
        self.step += 1
        self._average()
        return losses

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged is None:
            return
        decay = min(self.config.optimiser.ema_decay, (1 + self.step) / (10 + self.step))
        own, mean = self.model.state_dict(), self.averaged.state_dict()
        for key, value in mean.items():
            if value.is_floating_point():
                value.lerp_(own[key], 1 - decay)
            else:
                value.copy_(own[key])

    def _validate(self) -> ValidationScore:
        model = self.averaged or self.model
        self.score = score = self.validator.score(model)
        figure = score.psnr_db if score.psnr_db is not None else score.prior_accuracy or 0.0
        if figure >= self.best or not (self.checkpoints / "best.safetensors").is_file():
            self.best = figure
            self._save_weights("best")
        self._save()
        return score

    def _card(self) -> dict[str, Any]:
        score = self.score.as_dict() if self.score else None
        return {
            "name": self.folder.name,
            "steps": self.step,
            "seed": self.config.seed,
            "validation": score,
            "glyphsr": glyphsr.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        }

    def _save_weights(self, name: str) -> None:
        model = self.averaged or self.model
        path = self.checkpoints / f"{name}.safetensors"
        if self.config.task == "prior":
            assert model.prior is not None  # the configuration is checked
            recognizer = model.prior.recognizer
            save_checkpoint(path, recognizer, kind="recognizer", config=recognizer.config, card=self._card())
        else:
            save_checkpoint(path, model, kind="super_resolver", config=self.config.model, card=self._card())

    def _save(self) -> None:
        """``last.safetensors`` for users and ``last.state`` for the next run, each atomically."""
        self._save_weights("last")
        state = {
            "step": self.step,
            "best": self.best,
            "config": self.config.model_dump_json(),
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict() if self.averaged else None,
            "optimiser": self.optimiser.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
        }
        write_with(self.checkpoints / "last.state", lambda temporary: torch.save(state, temporary))

    def _restore(self, path: Path) -> None:
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            before = TrainConfig.model_validate_json(state["config"])
        except Exception as error:
            raise WeightsError(f"{path}: not a readable training state: {error}") from error
        if before.model != self.config.model or before.task != self.config.task:
            raise ConfigError(f"{path}: the run was made with another model or task; give another --out")
        load_state(self.model, state["model"], str(path))
        if self.averaged is not None:
            load_state(self.averaged, state["averaged"] or state["model"], str(path))
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["rng"].cpu())
        if state["cuda_rng"] and self.device.type == "cuda":
            torch.cuda.set_rng_state_all([rng.cpu() for rng in state["cuda_rng"]])
        self.step, self.best = state["step"], state["best"]

    def _write_config(self) -> None:
        text = yaml.safe_dump(json.loads(self.config.model_dump_json()), sort_keys=False)
        versions = f"# glyphsr {glyphsr.__version__}, torch {torch.__version__}, Python {platform.python_version()}\n"
        write_bytes(self.folder / "config.yaml", (versions + text).encode())


def train(
    config: TrainConfig, *, out: Path, resume: Literal["auto", "never"] | Path = "auto", **options: Any
) -> TrainResult:
    """Train as configured; :class:`Trainer` explains the options."""
    return Trainer(config, out, **options).run(resume=resume)
