"""Puts a training run together: its model, its data, and what it is judged by."""

from collections.abc import Callable
from pathlib import Path

import torch

from glyphsr.config.training import TrainConfig
from glyphsr.data.sources import MaskAttacher, WordSource, open_sources, without_masks
from glyphsr.data.train_batches import TrainBatches
from glyphsr.errors import ConfigError
from glyphsr.ocr.readers import open_reader
from glyphsr.system.devices import Precision
from glyphsr.text.slots import CharacterSlots, SlotCodec
from glyphsr.training.checkpoints import CheckpointManager
from glyphsr.training.distributed import DistributedContext
from glyphsr.training.ema import ExponentialMovingAverage
from glyphsr.training.glyph_supervision import mask_attacher
from glyphsr.training.objectives.build import build_objective
from glyphsr.training.objectives.super_resolution import target_slots
from glyphsr.training.objectives.text_focus import available_focus
from glyphsr.training.report import StepReport
from glyphsr.training.run_folder import RunFolder
from glyphsr.training.starting_model import build_model
from glyphsr.training.step import TrainStep
from glyphsr.training.trainer import Trainer
from glyphsr.training.validation import Validator
from glyphsr.training.validation_pairs import held_out_pairs, subset_pairs

ON_TEST = "protocol paper: weights are selected on the test subsets, as the lineage did; figures are best on test"
NONE_HELD_OUT = "no words are held out to validate on, so the best weights are the last ones; see data.held_out"


def open_validator(
    config: TrainConfig,
    processes: DistributedContext,
    say: Callable[[str], None],
    *,
    attach_masks: MaskAttacher = without_masks,
    slots: SlotCodec | CharacterSlots | None = None,
    data_root: str | None = None,
    offline: bool = False,
) -> Validator:
    """The words and the judge by which weights are selected.

    Args:
        config: The run.
        processes: The ranks that work together.
        say: Called with messages for the user.
        attach_masks: Gives held-out words the masks that glyph maps are compared with.
        slots: Of those masks.
        data_root: Where named LMDBs are looked up first.
        offline: Never fetch weights.

    Raises:
        ConfigError: If the judge is unknown.
        WeightsError: If its weights are not available.
        DataError: If words cannot be read.
    """
    settings = config.validation
    # A reader takes part only where weights are selected by what it reads.
    judge = None
    if config.task == "sr" and config.selects_by_accuracy:
        try:
            judge = open_reader(settings.judge, processes.device, offline=offline)
        except ConfigError as error:
            raise ConfigError(f"validation.judge: {settings.judge}: not available: {error}") from error
        if judge.info.notice:
            say(judge.info.notice)

    if settings.protocol == "paper":
        say(ON_TEST)
        pairs = subset_pairs(data_root)
    else:
        sources = open_sources(config.data, held_out=True, data_root=data_root, attach_masks=attach_masks, notify=say)
        pairs = held_out_pairs(sources, config, slots)

    if not pairs:
        say(NONE_HELD_OUT)

    return Validator(pairs, config, processes, judge)


def build_trainer(
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
) -> Trainer:
    """A trainer and all of its parts.

    Args:
        config: The run.
        folder: Receives ``config.yaml``, ``metrics.jsonl``, ``checkpoints/`` and ``samples/``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: Of forward passes; losses and weights stay float32.
        workers: Processes that make batches; 0 makes them in this one.
        data_root: Where named LMDBs are looked up first.
        offline: Never fetch weights.
        smoke: Whether it only shows that it runs; such a run is never continued in earnest.
        report: Called after every step, in the main process.
        notify: Called with messages for the user, in the main process.

    Raises:
        ConfigError: If settings contradict each other or the device is not there.
        DataError: If data or glyph masks are missing, or do not belong together.
        WeightsError: If named weights are not available.
    """
    run = RunFolder(folder)
    processes = DistributedContext(device, precision)

    def say(message: str) -> None:
        if notify is not None and processes.is_main:
            notify(message)

    # The run's configuration says by whom it is guided, so that it can be continued and compared.
    config = _with_available_focus(config, processes, say)

    # Data comes before weights: what is missing shows early.
    attach_masks = mask_attacher(config, say)
    sources = _open_training_words(config, processes, attach_masks=attach_masks, data_root=data_root, say=say)

    # One seed for all processes: their random weights must be equal.
    torch.manual_seed(config.seed)
    model = build_model(config, say, offline=offline)
    objective = build_objective(model, config, say, offline=offline)
    if config.channels_last:  # the model, and recognizers that it is taught by
        objective.to(memory_format=torch.channels_last)

    stepper = TrainStep(objective, config.optimiser, total_steps=config.steps, processes=processes)

    slots = target_slots(config)
    # Each process takes its slice of the same batches, so that more processes change no figure.
    batches = TrainBatches(
        sources,
        config.data,
        batch_size=config.batch_size,
        seed=config.seed,
        slots=slots,
        rank_slice=(processes.rank, processes.count),
    )
    validator = open_validator(
        config, processes, say, attach_masks=attach_masks, slots=slots, data_root=data_root, offline=offline
    )

    # What is averaged, saved and continued from.
    decay = config.optimiser.ema_decay
    average = ExponentialMovingAverage(model, decay) if decay else None
    checkpoints = CheckpointManager(
        config,
        run,
        model=model,
        average=average,
        stepper=stepper,
        processes=processes,
        smoke=smoke,
        words=[source.origin for source in sources],
        say=say,
    )

    if processes.rank:  # what is random in a forward pass differs between processes
        torch.manual_seed(config.seed + processes.rank)

    return Trainer(
        config,
        run,
        processes=processes,
        model=model,
        stepper=stepper,
        batches=batches,
        validator=validator,
        checkpoints=checkpoints,
        average=average,
        workers=workers,
        say=say,
        report=report,
    )


def _with_available_focus(
    config: TrainConfig, processes: DistributedContext, say: Callable[[str], None]
) -> TrainConfig:
    """The run with recognizers behind its text focus that are available, the same in all processes."""
    if not config.focuses:
        return config
    config = config.model_copy(update={"loss": available_focus(config.loss, say)})
    # Processes on machines with other files would compute other losses.
    if len({loss.focus_recognizers for loss in processes.gather(config.loss)}) > 1:
        raise ConfigError("loss.focus_recognizer: some processes' machines have its weights, others have not")
    return config


def _open_training_words(
    config: TrainConfig,
    processes: DistributedContext,
    *,
    attach_masks: MaskAttacher,
    data_root: str | None,
    say: Callable[[str], None],
) -> list[WordSource]:
    """The words to train on, the same in all processes."""
    data = config.data
    if config.validation.protocol == "paper":  # which selects on test, so nothing is held out of train
        data = data.model_copy(update={"held_out": 0.0})
    sources = open_sources(
        data, held_out=False, seed=config.seed, data_root=data_root, attach_masks=attach_masks, notify=say
    )

    # Rendered words depend on what is installed, and slices of different batches would not add up.
    words = [source.origin for source in sources]
    if any(other != words for other in processes.gather(words)):
        raise ConfigError("data.sources: the processes' machines have other fonts, word lists or photographs")

    if config.batch_size < processes.count:
        raise ConfigError(f"batch_size: expected at least {processes.count}, one word for each process")
    return sources
