"""The training loop: steps, validation, checkpoints, exact resume."""

import math
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

import glyphsr
from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.data.batches import BatchMaker, iterate_batches
from glyphsr.data.sources import open_sources
from glyphsr.devices import Precision
from glyphsr.errors import ConfigError, GlyphSRError, WeightsError
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.pipelines.curves import Curves
from glyphsr.pipelines.glyph_words import masks_for, with_glyphs
from glyphsr.pipelines.judges import open_judge
from glyphsr.pipelines.models import load_recognizer
from glyphsr.pipelines.objectives import build_objective, slot_codec
from glyphsr.pipelines.processes import Processes
from glyphsr.pipelines.resuming import check_resumable, differences
from glyphsr.pipelines.run_folder import BEST, LAST, RunFolder, read_state
from glyphsr.pipelines.smoke import smoke as smoke_run
from glyphsr.pipelines.stopping import InterruptedTrainingError, stop_on_signal
from glyphsr.pipelines.store import obtain
from glyphsr.pipelines.training_samples import draw_samples
from glyphsr.pipelines.training_step import Average, StepOutcome, Stepper
from glyphsr.pipelines.validation import ValidationScore, Validator, held_out_pairs, subset_pairs
from glyphsr.types import Batch
from glyphsr.weights.checkpoints import load_state

LOG_EVERY = 20
"""Steps between lines of ``metrics.jsonl``."""

Resume = Literal["auto", "never"] | Path


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    """Numbers that JSON knows."""
    return {name: round(value, 6) if math.isfinite(value) else None for name, value in figures.items()}


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
    score: ValidationScore | None
    """Of the last weights."""
    best_score: ValidationScore | None
    best_step: int
    steps: int
    skipped: int
    seconds: float
    """Of this command; a run may have had several."""
    is_main: bool
    """Whether this process speaks for all."""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "schema_version": 2,
            "command": "train",
            "best": str(self.best),
            "best_step": self.best_step,
            "last": str(self.last),
            "steps": self.steps,
            "skipped": self.skipped,
            "seconds": round(self.seconds, 1),
            "validation": self.score.as_dict() if self.score else None,
            "best_validation": self.best_score.as_dict() if self.best_score else None,
        }


class Trainer:
    """One run in one folder.

    Args:
        config: The run.
        folder: Receives ``config.yaml``, ``metrics.jsonl``, ``checkpoints/`` and ``samples/``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: Of forward passes; losses and weights stay float32.
        workers: Processes that make batches; 0 makes them in this one.
        data_root: Where named LMDBs are looked up first.
        offline: Never fetch weights.
        report: Called after every step, in the main process.
        notify: Told what a person should know, in the main process.

    Raises:
        ConfigError: If settings contradict each other or the device is not there.
        DataError: If data or glyph masks are missing, or do not belong together.
        WeightsError: If named weights are not to be had.
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
        offline: bool = False,
        report: Callable[[StepReport], None] | None = None,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.config = config
        self.folder = RunFolder(folder)
        self.processes = Processes(device, precision)
        self.workers = workers
        self._report, self._notify = report, notify
        dress = masks_for(config, self.say)
        sources = open_sources(
            config.data, held_out=False, data_root=data_root, dress=dress
        )  # missing data shows early
        if config.batch_size < self.processes.count:
            raise ConfigError(f"batch_size: expected at least {self.processes.count}, one word for each process")
        torch.manual_seed(config.seed)
        model = SuperResolver.from_config(config.model)
        self._start_prior(model, offline=offline)
        objective = build_objective(model, config, self.say, offline=offline)
        self.model = model
        self.stepper = Stepper(objective, config, self.processes)
        self.maker = BatchMaker(
            sources,
            config.data,
            batch_size=config.batch_size,
            seed=config.seed,
            slots=slot_codec(config) if config.teaches_masks else None,
            share=(self.processes.rank, self.processes.count),
        )
        self.validator = self._open_validator(data_root, offline=offline)
        decay = config.optimiser.ema_decay
        self.average = Average(model, decay) if decay else None
        self.curves = Curves()
        self.step = self.bad_steps = self.skipped = self.best_step = 0
        self.score: ValidationScore | None = None
        self.best_score: ValidationScore | None = None
        if self.processes.rank:  # what is random in a forward pass differs between processes
            torch.manual_seed(config.seed + self.processes.rank)

    def say(self, message: str) -> None:
        """Tell a person, once for all processes."""
        if self._notify is not None and self.processes.is_main:
            self._notify(message)

    def _start_prior(self, model: SuperResolver, *, offline: bool) -> None:
        """Give the text prior the weights that the configuration names."""
        config = self.config
        if config.prior_weights is None:
            if model.prior is not None and not config.trains_prior:
                self.say("the text prior has random weights and does not learn; name some with prior_weights")
            return
        if model.prior is None:
            raise ConfigError(f"prior_weights: of no use, since {config.model.network.kind} has no text prior")
        path = obtain(config.prior_weights, offline=offline)
        recognizer = load_recognizer(path)
        if recognizer.config != config.model.prior:
            raise WeightsError(f"{path}: holds another prior than model.prior describes")
        model.prior.recognizer.load_state_dict(recognizer.state_dict())

    def _open_validator(self, data_root: str | None, *, offline: bool) -> Validator:
        config, settings = self.config, self.config.validation
        judge = None
        if config.task == "sr" and config.selects_by_accuracy:
            judge = open_judge(settings.judge, self.processes.device, offline=offline)
            if judge.info.notice:
                self.say(judge.info.notice)
        if settings.protocol == "paper":
            self.say(
                "protocol paper: weights are selected on the test subsets, as the lineage did; figures are best on test"
            )
            pairs = subset_pairs(data_root)
        else:
            pairs = held_out_pairs(open_sources(config.data, held_out=True, data_root=data_root), config)
        return Validator(pairs, config.task, self.processes, judge)

    def describe(self) -> str:
        """One line for a person: what is trained, on what, how."""
        trained = sum(parameter.numel() for parameter in self.stepper.parameters)
        processes = f" x {self.processes.count}" if self.processes.count > 1 else ""
        return (
            f"{trained:,} parameters to train on {self.processes.device}{processes} in {self.processes.dtype}, "
            f"{len(self.maker.sources)} word sources, {len(self.validator.pairs)} words to validate on, "
            f"run folder {self.folder.path}"
        )

    def run(self, *, resume: Resume = "auto") -> TrainResult:
        """Train to the last step.

        Args:
            resume: ``auto`` goes on from ``last`` where the folder has one, ``never`` refuses a used folder, a path
                names the ``.state`` file to go on from.

        Raises:
            ConfigError: If the folder holds a run and ``resume`` is ``never``, or another run is using it.
            InterruptedTrainingError: On SIGINT or SIGTERM, after saving.
            GlyphSRError: After too many non-finite steps in a row, or if something cannot be saved.
        """
        started = time.monotonic()
        if self.processes.is_main:
            self.folder.open()
        self.processes.wait()
        try:
            self._resume(resume)
            if self.processes.is_main:
                self.folder.write_config(self.config)
                self.folder.cut(self.folder.metrics, self.step)
                self.folder.cut(self.folder.skipped, self.step)
                self.curves = Curves.open(self.folder.path / "tensorboard", first_step=self.step)
            with stop_on_signal() as stopped:
                self._loop(stopped)
        finally:
            self.curves.close()
            self.folder.close()
        return TrainResult(
            self.folder.path,
            self.folder.last,
            self.folder.best,
            self.score,
            self.best_score,
            self.best_step,
            self.step,
            self.skipped,
            time.monotonic() - started,
            self.processes.is_main,
        )

    def _loop(self, stopped: Callable[[], bool]) -> None:
        config = self.config
        batches = iterate_batches(self.maker, first_step=self.step, last_step=config.steps, workers=self.workers)
        started, seen = time.monotonic(), 0
        for batch in batches:
            outcome = self.stepper.step(batch, self.step, stop=stopped())
            self.step += 1
            self._count(outcome, batch)
            if self.average is not None and not outcome.skipped:
                self.average.update(self.model, self.step)
            seen += len(batch.ids) * self.processes.count
            finished = self.step == config.steps
            score = self._validate() if self.step % config.validation.every == 0 or finished else None
            if config.keep_every and self.step % config.keep_every == 0:
                self._save_weights(f"step-{self.step:06d}")
            self._log(outcome, seen / (time.monotonic() - started), score)
            # Several processes have to stop at the same step, so they agree on it during the next one.
            stop = outcome.stop or (self.processes.count == 1 and stopped())
            if not score and (stop or self.step % config.save_every == 0):
                self._save()
            if stop and not finished:
                raise InterruptedTrainingError(f"interrupted at step {self.step}; the same command goes on from there")

    def _count(self, outcome: StepOutcome, batch: Batch) -> None:
        """Keep account of steps that taught nothing, and give up after too many."""
        if not outcome.skipped:
            self.bad_steps = 0
            return
        self.bad_steps += 1
        if self.processes.scaler is None or outcome.skipped == "loss":  # a scaler overflows now and then on purpose
            self.skipped += 1
            ids = [name for names in self.processes.gather(list(batch.ids)) for name in names]
            row = {"step": self.step, "not_finite": outcome.skipped, "terms": _plain(outcome.terms), "ids": ids}
            if self.processes.is_main:
                self.folder.append(self.folder.skipped, row)
        if self.bad_steps >= self.config.max_bad_steps:
            raise GlyphSRError(
                f"{self.bad_steps} batches in a row with a non-finite {outcome.skipped}, the last at step {self.step}; "
                f"their words are listed in {self.folder.skipped}, earlier checkpoints are intact"
            )

    def _log(self, outcome: StepOutcome, rate: float, score: ValidationScore | None) -> None:
        if not self.processes.is_main:
            return
        terms, memory = outcome.terms, self.processes.memory_mb()
        if self.step % LOG_EVERY == 0 or score:
            figures = _plain({"loss": outcome.total, **terms, "grad_norm": outcome.grad_norm})
            row = {"step": self.step, **figures, "learning_rate": outcome.learning_rate}
            row |= {"pictures_per_s": round(rate, 1), "memory_mb": round(memory), "skipped": self.skipped}
            self.folder.append(self.folder.metrics, row | ({"score": score.as_dict()} if score else {}))
            self.curves.add(self.step, row, score)
        if self._report:
            self._report(StepReport(self.step, self.config.steps, terms, rate, memory, self.skipped, score))

    @property
    def _shown(self) -> SuperResolver:
        """The weights that are validated and saved: the averaged ones where there are such."""
        model = self.average.model if self.average else self.model
        assert isinstance(model, SuperResolver)
        return model

    def _validate(self) -> ValidationScore:
        self.score = score = self.validator.score(self._shown)
        if self.best_score is None or score.figure >= self.best_score.figure:
            self.best_score, self.best_step = score, self.step
            self._save_weights(BEST)
        if self.processes.is_main and self.config.task == "sr" and self.config.validation.samples:
            draw_samples(self._shown, self.validator.pairs, self.config, self.folder, self.step)
        self._save()
        return score

    def _card(self) -> dict[str, Any]:
        return {
            "name": self.folder.path.name,
            "steps": self.step,
            "seed": self.config.seed,
            "validation": self.score.as_dict() if self.score else None,
            "selected_on": self.config.validation.protocol,
            "glyphsr": glyphsr.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        }

    def _save_weights(self, name: str) -> None:
        if not self.processes.is_main:
            return
        model = self._shown
        if self.config.task == "prior":
            assert model.prior is not None  # the configuration is checked
            recognizer = model.prior.recognizer
            self.folder.save_weights(name, recognizer, kind="recognizer", config=recognizer.config, card=self._card())
        else:
            self.folder.save_weights(name, model, kind="super_resolver", config=self.config.model, card=self._card())

    def _save(self) -> None:
        """``last.safetensors`` for users and ``last.state`` for the next run, each atomically."""
        self._save_weights(LAST)
        cuda = [torch.cuda.get_rng_state(self.processes.device)] if self.processes.device.type == "cuda" else []
        rng = self.processes.gather({"cpu": torch.get_rng_state(), "cuda": cuda})
        if not self.processes.is_main:
            return
        best = {"step": self.best_step, "score": self.best_score.as_dict() if self.best_score else None}
        state = {
            "step": self.step,
            "bad_steps": self.bad_steps,
            "skipped": self.skipped,
            "best": best,
            "config": self.config.model_dump_json(),
            "model": self.model.state_dict(),
            "averaged": self.average.model.state_dict() if self.average else None,
            "rng": rng,
            **self.stepper.state(),
        }
        self.folder.save_state(state)

    def _resume(self, resume: Resume) -> None:
        path = self.folder.state if isinstance(resume, str) else resume
        if resume == "never" and path.is_file():
            raise ConfigError(f"{self.folder.path}: holds a run already; resume it or give another --out")
        if resume == "never" or (resume == "auto" and not path.is_file()):
            return
        state = read_state(path, self.processes.device)
        before = check_resumable(state, self.config, path)
        for difference in differences(before, self.config):
            self.say(f"going on with another setting than before: {difference}")
        load_state(self.model, state["model"], str(path))
        if self.average is not None:
            load_state(self.average.model, state["averaged"] or state["model"], str(path))
        self.stepper.restore(state)
        rng = state["rng"]
        if len(rng) == self.processes.count:
            own = rng[self.processes.rank]
            torch.set_rng_state(own["cpu"].cpu())
            if own["cuda"] and self.processes.device.type == "cuda":
                torch.cuda.set_rng_state(own["cuda"][0].cpu(), self.processes.device)
        else:
            self.say(
                f"{path}: was made by {len(rng)} processes, goes on with {self.processes.count}: other random numbers"
            )
        self.step, self.bad_steps, self.skipped = state["step"], state["bad_steps"], state["skipped"]
        self.best_step = state["best"]["step"]
        self.best_score = ValidationScore(**state["best"]["score"]) if state["best"]["score"] else None


def train(
    config: TrainConfig | Path | None = None,
    *,
    out: Path = Path("runs/glyphsr"),
    data_root: str | None = None,
    glyphs: str | None = None,
    resume: Resume = "auto",
    smoke: bool = False,
    notify: Callable[[str], None] | None = None,
    **options: Any,
) -> TrainResult:
    """Train a network, or go on with a run that was stopped.

    Args:
        config: The run, or a YAML file of it; default is the paper's.
        out: Run folder.
        data_root: Where named LMDBs are looked up first.
        glyphs: Glyph LMDB of the words, a folder that holds it, ``kmeans`` or ``none``; default is as configured.
        resume: ``auto``, ``never``, or a training state to go on from.
        smoke: Two steps of two words, with whatever is missing stood in for.
        notify: Told what a person should know.
        **options: Of :class:`Trainer`, which explains them and says what can go wrong.
    """
    settings = config if isinstance(config, TrainConfig) else load(TrainConfig, config)
    if glyphs is not None:
        settings = with_glyphs(settings, glyphs)
    if smoke:
        settings = smoke_run(settings, notify or (lambda _: None), data_root=data_root)
    trainer = Trainer(settings, out, data_root=data_root, notify=notify, **options)
    trainer.say(trainer.describe())
    try:
        return trainer.run(resume=resume)
    finally:
        trainer.processes.close()
