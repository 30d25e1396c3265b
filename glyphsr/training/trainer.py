"""The training loop: steps, validation, checkpoints, exact resume."""

import math
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from glyphsr.config.training import TrainConfig
from glyphsr.data.dataloader import iterate_batches
from glyphsr.data.train_batches import TrainBatches
from glyphsr.errors import GlyphSRError
from glyphsr.models.super_resolver import SuperResolver, Trained
from glyphsr.system.devices import is_out_of_memory
from glyphsr.training.checkpoints import CheckpointManager, Resume, TrainState, find_state
from glyphsr.training.distributed import DistributedContext
from glyphsr.training.ema import ExponentialMovingAverage
from glyphsr.training.report import StepReport, TrainResult
from glyphsr.training.run_folder import RunFolder
from glyphsr.training.samples import draw_samples
from glyphsr.training.signals import InterruptedTrainingError, stop_on_signal
from glyphsr.training.step import StepOutcome, TrainStep
from glyphsr.training.tensorboard import Curves
from glyphsr.training.validation import Validator
from glyphsr.training.validation_score import ValidationScore
from glyphsr.types import Batch

LOG_EVERY = 20
"""Steps between lines of ``metrics.jsonl``."""


class Trainer:
    """One run in one folder, from parts; :func:`glyphsr.training.build.build_trainer` makes them.

    Args:
        config: The run; written into its folder, and read for its lengths and intervals alone.
        folder: Receives ``config.yaml``, ``metrics.jsonl``, ``checkpoints/`` and ``samples/``.
        processes: Who takes part.
        model: What is trained.
        stepper: Learns from a batch.
        batches: What is learned from, by step.
        validator: Scores weights.
        checkpoints: Saves and restores all of this.
        average: Averaged weights, ``None`` for none.
        workers: Processes that make batches; 0 makes them in this one.
        say: Tells a person something, once for all processes.
        report: Called after every step, in the main process.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: RunFolder,
        *,
        processes: DistributedContext,
        model: Trained,
        stepper: TrainStep,
        batches: TrainBatches,
        validator: Validator,
        checkpoints: CheckpointManager,
        average: ExponentialMovingAverage[Any] | None,
        workers: int,
        say: Callable[[str], None],
        report: Callable[[StepReport], None] | None,
    ) -> None:
        self.config = config
        self.folder = folder
        self.processes = processes

        self.model = model
        self.stepper = stepper

        self.batches = batches
        self.validator = validator
        self.checkpoints = checkpoints
        self.average = average

        self.workers = workers
        self.say = say
        self._report = report

        self.curves = Curves()
        self.progress = TrainState()

    def describe(self) -> str:
        """One line for a person: what is trained, on what, how."""
        trained = sum(parameter.numel() for parameter in self.stepper.parameters)
        dtype = str(self.processes.dtype).removeprefix("torch.")
        processes = f" x {self.processes.count}" if self.processes.count > 1 else ""
        return (
            f"{trained:,} parameters to train on {self.processes.device}{processes} in {dtype}, "
            f"{_counted(len(self.batches.sources), 'source')} of words, "
            f"{_counted(len(self.validator.pairs), 'word')} to validate on, "
            f"run folder {self.folder.path}"
        )

    def run(self, *, resume: Resume = "auto") -> TrainResult:
        """Train to the last step.

        Args:
            resume: ``auto`` continues from ``last`` where the folder has one, ``never`` refuses a used folder, a path
                names the ``.state`` file to continue from.

        Raises:
            ConfigError: If the folder holds a run and ``resume`` is ``never``, or another run is using it.
            InterruptedTrainingError: On SIGINT or SIGTERM, after saving.
            GlyphSRError: After too many non-finite steps in a row, or if something cannot be saved.
        """
        # One folder, one run: it is locked until the end.
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
        """Write down what is about to run; what an earlier attempt wrote after the step it starts from goes."""
        self.folder.write_config(self.config)
        for path in (self.folder.metrics, self.folder.skipped):
            self.folder.cut(path, self.progress.step)
        self.curves = Curves.open(self.folder.path / "tensorboard", first_step=self.progress.step)

    def _loop(self, stopped: Callable[[], bool]) -> None:
        # Batches depend on the seed and the step alone, so a resumed run sees the very next one.
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

                # A score every so many steps, and at the end.
                seen += batch.global_size
                finished = now.step == config.steps
                score = self._validate() if now.step % config.validation.every == 0 or finished else None
                if config.keep_every and now.step % config.keep_every == 0:
                    self.processes.run_on_main(lambda: self.checkpoints.save_weights(f"step-{now.step:06d}", now))

                self._log(outcome, seen / (time.monotonic() - started), score)
                # Several processes have to stop at the same step, so they agree on it during the next one.
                stop = outcome.stop or (self.processes.count == 1 and stopped())
                if score or stop or now.step % config.save_every == 0:
                    self.checkpoints.save(now)  # last of all: what continues from here has everything before it

                if stop and not finished:
                    raise InterruptedTrainingError(
                        f"interrupted at step {now.step}; the same command continues from there"
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

        # A batch that taught nothing: its words are written down, so that someone can look at them.
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
        # For files: every so many steps, and whenever there is a score.
        if now.step % LOG_EVERY == 0 or score:
            figures = {"loss": outcome.total, **outcome.terms}
            figures |= {"grad_norm": outcome.grad_norm, "learning_rate": outcome.learning_rate}
            row = {"step": now.step, **figures, "pictures_per_s": round(rate, 1)}
            row |= {"memory_mb": round(memory), "skipped": now.skipped}
            scored = row | ({"score": score.as_dict()} if score else {})
            self.processes.run_on_main(lambda: self.folder.append(self.folder.metrics, scored))
            self.curves.add(now.step, row, score)
        # For a person who watches: every step.
        if self._report and self.processes.is_main:
            steps = self.config.steps
            self._report(StepReport(now.step, steps, outcome.terms, rate, memory, now.skipped, score))

    def _validate(self) -> ValidationScore:
        now = self.progress
        now.score = score = self.validator.score(self.checkpoints.eval_model)

        if score.figure == -math.inf:
            self.say(f"step {now.step}: validation gives no number; a smaller optimiser.learning_rate may help")
        # At equal scores the later weights win: they have seen more.
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


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
