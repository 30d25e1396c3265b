"""The training loop: steps, validation, checkpoints, exact resume."""

import math
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.data.dataloader import iterate_batches
from glyphsr.data.sources import open_sources
from glyphsr.data.train_batches import TrainBatches
from glyphsr.errors import ConfigError, GlyphSRError
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.system.devices import Precision, is_out_of_memory
from glyphsr.training.build import build_model, open_validator
from glyphsr.training.checkpoints import CheckpointManager, Resume, TrainState, find_state
from glyphsr.training.distributed import DistributedContext
from glyphsr.training.ema import ExponentialMovingAverage
from glyphsr.training.glyph_supervision import mask_attacher, with_glyphs
from glyphsr.training.objectives.build import build_objective
from glyphsr.training.objectives.super_resolution import target_slots
from glyphsr.training.objectives.text_focus import focus_at_hand
from glyphsr.training.report import StepReport, TrainResult
from glyphsr.training.run_folder import RunFolder
from glyphsr.training.samples import draw_samples
from glyphsr.training.signals import InterruptedTrainingError, stop_on_signal
from glyphsr.training.smoke import smoke as smoke_run
from glyphsr.training.step import StepOutcome, TrainStep
from glyphsr.training.tensorboard import Curves
from glyphsr.training.validation import ValidationScore
from glyphsr.types import Batch

LOG_EVERY = 20
"""Steps between lines of ``metrics.jsonl``."""


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
        smoke: Whether it only shows that it runs; such a run is never gone on with in earnest.
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
        smoke: bool = False,
        report: Callable[[StepReport], None] | None = None,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = RunFolder(folder)
        self.processes = DistributedContext(device, precision)
        self.workers = workers
        self._report, self._notify = report, notify
        if config.focuses:  # the run's configuration says by whom it is guided
            config = config.model_copy(update={"loss": focus_at_hand(config.loss, self.say)})
            if len({loss.focus_recognizers for loss in self.processes.gather(config.loss)}) > 1:
                raise ConfigError("loss.focus_recognizer: some processes' machines have its weights, others have not")
        self.config = config
        data = config.data
        if config.validation.protocol == "paper":  # which selects on test, so nothing is held out of train
            data = data.model_copy(update={"held_out": 0.0})
        attach_masks = mask_attacher(config, self.say)
        sources = open_sources(  # missing data shows early
            data, held_out=False, seed=config.seed, data_root=data_root, attach_masks=attach_masks, notify=self.say
        )
        words = [source.origin for source in sources]
        if any(other != words for other in self.processes.gather(words)):
            raise ConfigError("data.sources: the processes' machines have other fonts, word lists or photographs")
        if config.batch_size < self.processes.count:
            raise ConfigError(f"batch_size: expected at least {self.processes.count}, one word for each process")
        torch.manual_seed(config.seed)
        model = build_model(config, self.say, offline=offline)
        objective = build_objective(model, config, self.say, offline=offline)
        if config.channels_last:  # the model, and recognizers that it is taught by
            objective.to(memory_format=torch.channels_last)
        self.model = model
        self.stepper = TrainStep(objective, config, self.processes)
        slots = target_slots(config)
        self.batches = TrainBatches(
            sources,
            config.data,
            batch_size=config.batch_size,
            seed=config.seed,
            slots=slots,
            share=(self.processes.rank, self.processes.count),
        )
        self.validator = open_validator(
            config,
            self.processes,
            self.say,
            attach_masks=attach_masks,
            slots=slots,
            data_root=data_root,
            offline=offline,
        )
        decay = config.optimiser.ema_decay
        self.average = ExponentialMovingAverage(model, decay) if decay else None
        self.curves = Curves()
        self.progress = TrainState()
        self.checkpoints = CheckpointManager(
            config,
            self.folder,
            model=model,
            average=self.average,
            stepper=self.stepper,
            processes=self.processes,
            smoke=smoke,
            words=words,
            say=self.say,
        )
        if self.processes.rank:  # what is random in a forward pass differs between processes
            torch.manual_seed(config.seed + self.processes.rank)

    def say(self, message: str) -> None:
        """Tell a person, once for all processes."""
        if self._notify is not None and self.processes.is_main:
            self._notify(message)

    def describe(self) -> str:
        """One line for a person: what is trained, on what, how."""
        trained = sum(parameter.numel() for parameter in self.stepper.parameters)
        processes = f" x {self.processes.count}" if self.processes.count > 1 else ""
        return (
            f"{trained:,} parameters to train on {self.processes.device}{processes} in {self.processes.dtype}, "
            f"{len(self.batches.sources)} word sources, {len(self.validator.pairs)} words to validate on, "
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
        resume = find_state(resume, self.folder.path)
        self.processes.run_on_main(self.folder.open)
        try:
            self.progress = self.checkpoints.resume(resume)
            self.processes.run_on_main(self._begin)
            with stop_on_signal() as stopped:
                self._loop(stopped)
            if self.progress.best_score is None:  # a state of the last step: nothing is left to do but to show it
                self._validate()
                self.checkpoints.save(self.progress)
        finally:
            self.curves.close()
            self.folder.close()
        return TrainResult(
            self.folder.path,
            self.folder.last,
            self.folder.best,
            self.progress,
            time.monotonic() - started,
            self.processes.is_main,
        )

    def _begin(self) -> None:
        """Write down what is about to run; what an earlier attempt wrote behind the step it starts from goes."""
        self.folder.write_config(self.config)
        for path in (self.folder.metrics, self.folder.skipped):
            self.folder.cut(path, self.progress.step)
        self.curves = Curves.open(self.folder.path / "tensorboard", first_step=self.progress.step)

    def _loop(self, stopped: Callable[[], bool]) -> None:
        config, now = self.config, self.progress
        every = iterate_batches(self.batches, first_step=now.step, last_step=config.steps, workers=self.workers)
        started, seen = time.monotonic(), 0
        with closing(every) as batches:
            for batch in batches:
                outcome = self._learn(batch, stop=stopped())
                now.step += 1
                self._count(outcome, batch)
                if self.average is not None and not outcome.skipped:
                    self.average.update(self.model, now.step)
                seen += batch.global_size
                finished = now.step == config.steps
                score = self._validate() if now.step % config.validation.every == 0 or finished else None
                if config.keep_every and now.step % config.keep_every == 0:
                    self.processes.run_on_main(lambda: self.checkpoints.save_weights(f"step-{now.step:06d}", now))
                self._log(outcome, seen / (time.monotonic() - started), score)
                # Several processes have to stop at the same step, so they agree on it during the next one.
                stop = outcome.stop or (self.processes.count == 1 and stopped())
                if score or stop or now.step % config.save_every == 0:
                    self.checkpoints.save(now)  # last of all: what goes on from here has everything before it
                if stop and not finished:
                    raise InterruptedTrainingError(
                        f"interrupted at step {now.step}; the same command goes on from there"
                    )

    def _learn(self, batch: Batch, *, stop: bool) -> StepOutcome:
        try:
            return self.stepper.step(batch, self.progress.step, stop=stop)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            size, shape = batch.global_size, tuple(batch.lr.shape[2:])
            raise GlyphSRError(
                f"step {self.progress.step + 1}: out of memory with {size} words of {shape[0]} x {shape[1]}; "
                "raise optimiser.accumulation, which leaves the batch as it is, or lower --batch-size"
            ) from error

    def _count(self, outcome: StepOutcome, batch: Batch) -> None:
        """Keep account of steps that taught nothing, and give up after too many."""
        now, scaler = self.progress, self.processes.scaler
        if not outcome.skipped:
            now.bad_steps = 0
            return
        if scaler is not None and outcome.skipped == "gradient" and scaler.get_scale() > 1:
            return  # half precision looks for its scale by overflowing now and then
        now.bad_steps += 1
        now.skipped += 1
        ids = [name for names in self.processes.gather(list(batch.ids)) for name in names]
        row = {"step": now.step, "not_finite": outcome.skipped, "terms": outcome.terms, "ids": ids}
        self.processes.run_on_main(lambda: self.folder.append(self.folder.skipped, row))
        if now.bad_steps >= self.config.max_bad_steps:
            raise GlyphSRError(
                f"{now.bad_steps} batches in a row with a non-finite {outcome.skipped}, the last at step {now.step}; "
                f"their words are listed in {self.folder.skipped}, earlier checkpoints are intact"
            )

    def _log(self, outcome: StepOutcome, rate: float, score: ValidationScore | None) -> None:
        now, memory = self.progress, self.processes.memory_mb()
        if now.step % LOG_EVERY == 0 or score:
            figures = {"loss": outcome.total, **outcome.terms}
            figures |= {"grad_norm": outcome.grad_norm, "learning_rate": outcome.learning_rate}
            row = {"step": now.step, **figures, "pictures_per_s": round(rate, 1)}
            row |= {"memory_mb": round(memory), "skipped": now.skipped}
            scored = row | ({"score": score.as_dict()} if score else {})
            self.processes.run_on_main(lambda: self.folder.append(self.folder.metrics, scored))
            self.curves.add(now.step, row, score)
        if self._report and self.processes.is_main:
            steps = self.config.steps
            self._report(StepReport(now.step, steps, outcome.terms, rate, memory, now.skipped, score))

    def _validate(self) -> ValidationScore:
        now = self.progress
        now.score = score = self.validator.score(self.checkpoints.eval_model)
        if score.figure == -math.inf:
            self.say(f"step {now.step}: validation gives no number; a smaller optimiser.learning_rate may help")
        best = now.best_score is None or score.figure >= now.best_score.figure
        if best:
            now.best_score, now.best_step = score, now.step

        def write() -> None:
            if best:
                self.checkpoints.save_best(now)
            model = self.checkpoints.eval_model
            if isinstance(model, SuperResolver) and self.config.task == "sr" and self.config.validation.samples:
                draw_samples(model, self.validator.pairs, self.config, self.folder, now.step)

        self.processes.run_on_main(write)
        return score


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
    find_state(resume, out)
    settings = config if isinstance(config, TrainConfig) else load(TrainConfig, config)
    if glyphs is not None:
        settings = with_glyphs(settings, glyphs)
    if smoke:
        settings = smoke_run(settings, notify or (lambda _: None), data_root=data_root)
    trainer = Trainer(settings, out, data_root=data_root, smoke=smoke, notify=notify, **options)
    trainer.say(trainer.describe())
    try:
        return trainer.run(resume=resume)
    finally:
        trainer.processes.close()
