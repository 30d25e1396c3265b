"""What a training run saves, and how another one continues from it."""

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from glyphsr._version import VERSION
from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.super_resolver import SuperResolver, Trained
from glyphsr.safe_reading.text_files import shorten
from glyphsr.training.distributed import DistributedContext
from glyphsr.training.ema import ExponentialMovingAverage
from glyphsr.training.objectives.ocr import readers_of
from glyphsr.training.resume import check_resumable, differences, validates_otherwise
from glyphsr.training.run_folder import BEST, LAST, STATE, RunFolder, read_state
from glyphsr.training.step import TrainStep
from glyphsr.training.validation_score import ValidationScore
from glyphsr.weights.checkpoints import load_state

Resume = Literal["auto", "never"] | Path


@dataclass
class TrainState:
    """How far a run is."""

    step: int = 0
    bad_steps: int = 0
    """Batches in a row that taught nothing."""
    skipped: int = 0
    """Batches that taught nothing, all together."""
    score: ValidationScore | None = None
    """The last validation's."""
    best_score: ValidationScore | None = None
    best_step: int = 0
    origin: str | None = None
    """The state of another run that this one started from."""


def find_state(resume: Resume, folder: Path) -> Resume:
    """What ``--resume`` stands for, a run folder by its state; checked before anything slow begins.

    Raises:
        ConfigError: If the folder is a file, or holds a run that is not to be gone on with.
        WeightsError: If there is no such state.
    """
    own = RunFolder(folder).state

    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: a file; a run needs a folder")
    if resume == "never" and own.is_file():
        raise ConfigError(f"{folder}: holds a run already; resume it or give another --out")

    if isinstance(resume, str):
        return resume
    path = RunFolder(resume).state if resume.is_dir() else resume
    if not path.is_file() and not own.is_file():  # once there is a state of its own, the other one is not read
        raise WeightsError(f"{resume}: no such training state; expected auto, never, or a run's checkpoints/{STATE}")
    return path


def _names_of(origin: str | None) -> tuple[str, ...]:
    """What a state may be called by: itself, or the run folder that it is, or was, in."""
    return () if origin is None else (origin, str(Path(origin).parent.parent))


class CheckpointManager:
    """Saves and restores everything that a run consists of.

    Args:
        config: The run.
        folder: Where to.
        model: What is trained.
        average: Its moving average, or ``None``.
        stepper: Holds optimiser and objective.
        processes: Who takes part.
        smoke: Whether the run only shows that it runs.
        words: Digests of what rendered words are made of.
        say: Tells a person.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: RunFolder,
        *,
        model: Trained,
        average: ExponentialMovingAverage[Any] | None,
        stepper: TrainStep,
        processes: DistributedContext,
        smoke: bool,
        words: list[str],
        say: Callable[[str], None],
    ) -> None:
        self.config = config
        self.folder = folder
        self.model = model
        self.average = average
        self.stepper = stepper
        self.processes = processes
        self.smoke = smoke
        self.words = words
        self.say = say
        self._readers = readers_of(config)

    @property
    def eval_model(self) -> Trained:
        """The weights that are validated and saved: the averaged ones where there are such."""
        model: Trained = self.average.model if self.average else self.model
        return model

    def save_weights(self, name: str, progress: TrainState) -> None:
        """A checkpoint for users; called in the main process."""
        # What `models show` and a report tell about the file.
        card: dict[str, Any] = {
            "name": self.folder.path.name,
            "steps": progress.step,
            "seed": self.config.seed,
            "validation": progress.score.as_dict() if progress.score else None,
            "selected_on": self.config.validation.protocol,
            "glyphsr": VERSION,
            "torch": torch.__version__,
            "python": platform.python_version(),
            **({"readers": self._readers} if self._readers else {}),
            **({"paper_row": self.config.paper_row} if self.config.paper_row else {}),
        }

        model = self.eval_model

        # Each kind of run saves what is used of it; of a prior's run that is the recognizer alone.
        if self.config.task == "recognizer":
            self.folder.save_weights(name, model, kind="recognizer", config=self.config.recognizer, card=card)
        elif self.config.task == "prior":
            assert isinstance(model, SuperResolver)
            assert model.prior is not None  # the configuration is checked
            recognizer = model.prior.recognizer
            self.folder.save_weights(name, recognizer, kind="recognizer", config=recognizer.config, card=card)
        else:
            self.folder.save_weights(name, model, kind="super_resolver", config=self.config.model, card=card)

    def save_best(self, progress: TrainState) -> None:
        """The weights that validated best so far; called in the main process."""
        self.save_weights(BEST, progress)

    def save(self, progress: TrainState) -> None:
        """``last.safetensors`` for users and ``last.state`` for the next run, whole or not; called in all processes."""
        # Figures first, then everything that learns, then what decides the next random number.
        scores = {"score": progress.score, "best_score": progress.best_score}
        state = {
            **{name: asdict(score) if score else None for name, score in scores.items()},  # unrounded
            **{name: getattr(progress, name) for name in ("step", "bad_steps", "skipped", "best_step", "origin")},
            "smoke": self.smoke,
            "words": self.words,
            "config": self.config.model_dump_json(),
            "trained": self.stepper.trainable_names(),
            "model": self.model.state_dict(),
            "averaged": self.average.model.state_dict() if self.average else None,
            **{name: part.state_dict() for name, part in self.stepper.objective.auxiliary_modules().items()},
            "rng": self.processes.gather(self.processes.rng_state()),
            **self.stepper.state(),
        }

        def write() -> None:
            self.save_weights(LAST, progress)
            self.folder.save_state(state)

        self.processes.run_on_main(write)

    def resume(self, resume: Resume) -> TrainState:
        """Restore what ``resume`` stands for; called in all processes.

        A path starts a folder without a run of its own; later, the same command continues what it became.

        Raises:
            ConfigError: If the state is of a run that this one cannot continue.
            WeightsError: If it cannot be read.
        """
        # A state of this folder goes before a named one: started again, a command continues what it began.
        own = self.folder.state
        given = str(resume.resolve()) if isinstance(resume, Path) else None
        path = own if own.is_file() or isinstance(resume, str) else resume

        found = path.is_file()
        if len(set(self.processes.gather(found))) > 1:
            raise ConfigError(f"{path}: not seen by all processes; the run folder must be on storage that all share")
        if resume == "never" or not found:
            return TrainState()

        state = read_state(path, self.processes.device)
        if path == own and given not in (None, str(own.resolve()), *_names_of(state["origin"])):
            raise ConfigError(f"{self.folder.path}: holds a run already, of another state; give another --out")

        # Settings: some must be as before, others may change, and the user hears of it.
        before = check_resumable(
            state, self.config, path, trainable_names=self.stepper.trainable_names(), smoke=self.smoke
        )
        changed = list(differences(before, self.config))
        for difference in changed:
            self.say(f"continuing with a changed setting: {difference}")

        same_sources = not any(text.startswith("data.sources") for text in changed)
        if same_sources and state.get("words", self.words) != self.words:
            self.say("fonts, word lists or photographs have changed, so that rendered words differ from here on")

        # All tensors and generators, or none: the run ends here if one does not fit.
        try:
            self._restore(state, path)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError) as error:
            # What torch's optimisers and generators raise on a state that is not theirs is not documented.
            raise WeightsError(f"{path}: not a training state that fits: {shorten(error)}") from error

        # Another run's scores say nothing about this one's validation set, so they are not taken over.
        progress = TrainState(state["step"], state["bad_steps"], state["skipped"])
        if path != own:
            progress.origin = given
            return progress

        progress.origin = state["origin"]

        # A best score counts only while it is comparable and its weights are still there.
        if validates_otherwise(changed):
            self.say("validation settings have changed, so that the best weights are selected again")
        elif self.folder.best.is_file():
            scores = (state["score"], state["best_score"])
            progress.score, progress.best_score = (ValidationScore(**score) if score else None for score in scores)
            progress.best_step = state["best_step"]

        return progress

    def _restore(self, state: dict[str, Any], path: Path) -> None:
        # Weights; an average that did not exist before begins with the weights themselves.
        load_state(self.model, state["model"], str(path))
        if self.average is not None:
            load_state(self.average.model, state["averaged"] or state["model"], str(path))
        for name, part in self.stepper.objective.auxiliary_modules().items():
            if state.get(name):
                load_state(part, state[name], str(path))
        # Optimiser, then random numbers: each process continues with its own.
        self.stepper.restore(state)
        rng = state["rng"]
        if len(rng) == self.processes.count:
            self.processes.set_rng_state(rng[self.processes.rank])
        else:
            self.say(f"{path}: {len(rng)} processes before, {self.processes.count} now: other random numbers")
