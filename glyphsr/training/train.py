"""The command ``train`` from Python."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.system.devices import Precision
from glyphsr.training.build import build_trainer
from glyphsr.training.checkpoints import Resume, find_state
from glyphsr.training.glyph_supervision import with_glyphs
from glyphsr.training.report import StepReport, TrainResult
from glyphsr.training.smoke import smoke as smoke_run


def train(
    config: TrainConfig | str | Path | None = None,
    *,
    out: str | Path = Path("runs/glyphsr"),
    data_root: str | Path | None = None,
    glyphs: str | Path | None = None,
    resume: Resume | str = "auto",
    max_steps: int | None = None,
    protocol: Literal["standard", "paper"] | None = None,
    smoke: bool = False,
    device: str = "auto",
    precision: Precision = "auto",
    workers: int = 1,
    batch_size: int | None = None,
    offline: bool = False,
    seed: int | None = None,
    sets: Sequence[str] = (),
    report: Callable[[StepReport], None] | None = None,
    notify: Callable[[str], None] | None = None,
) -> TrainResult:
    """Train a network, or continue a run that was stopped.

    Args:
        config: The run: an object, a YAML file, or the name of a configuration in the package; default is the paper's.
        out: Run folder.
        data_root: Where named LMDBs are looked up first.
        glyphs: Glyph LMDB of the words, a folder that holds it, ``kmeans`` or ``none``; default is as configured.
        resume: ``auto``, ``never``, or a training state to continue from.
        max_steps: Stop after this many steps; shortens the schedule.
        protocol: ``standard`` chooses the best weights on words held out of train, ``paper`` on the test subsets.
        smoke: Two steps of two words, with whatever is missing stood in for.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: Of forward passes; losses and weights stay float32.
        workers: Processes that make batches; 0 makes them in this one.
        batch_size: Words per step, of all processes together.
        offline: Never fetch weights.
        seed: Of every random draw.
        sets: Further settings as ``key.subkey=value``.
        report: Called after every step, in the main process.
        notify: Called with messages for the user, in the main process.

    Returns:
        Where the best weights are, and how they validated.

    Raises:
        ConfigError: If settings contradict each other or the device is not there.
        DataError: If data or glyph masks are missing, or do not belong together.
        WeightsError: If named weights are not available.
    """
    # Errors in the command line come before anything is read or built.
    folder, root = Path(out), None if data_root is None else str(data_root)
    state: Resume = "auto" if resume == "auto" else "never" if resume == "never" else Path(resume)
    find_state(state, folder)

    # Settings: the file, then `--set`, then flags, then what masks and `--smoke` change.
    overrides = [*sets, *([f"validation.protocol={protocol}"] if protocol else [])]
    flags = {"steps": max_steps, "seed": seed, "batch_size": batch_size}
    settings = load(TrainConfig, config, sets=overrides, flags=flags, environment={})
    if glyphs is not None:
        settings = with_glyphs(settings, str(glyphs))
    if smoke:
        settings = smoke_run(settings, notify or (lambda _: None), data_root=root)

    trainer = build_trainer(
        settings,
        folder,
        device=device,
        precision=precision,
        workers=workers,
        data_root=root,
        offline=offline,
        smoke=smoke,
        report=report,
        notify=notify,
    )
    trainer.say(trainer.describe())

    try:
        return trainer.run(resume=state)
    finally:
        trainer.processes.close()
