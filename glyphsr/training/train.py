"""The command ``train`` from Python."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.training.build import build_trainer
from glyphsr.training.checkpoints import Resume, find_state
from glyphsr.training.glyph_supervision import with_glyphs
from glyphsr.training.report import TrainResult
from glyphsr.training.smoke import smoke as smoke_run


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
        notify: Called with messages for the user.
        **options: Of :func:`glyphsr.training.build.build_trainer`, which explains them and says what can go wrong.
    """
    find_state(resume, out)
    settings = config if isinstance(config, TrainConfig) else load(TrainConfig, config)
    if glyphs is not None:
        settings = with_glyphs(settings, glyphs)
    if smoke:
        settings = smoke_run(settings, notify or (lambda _: None), data_root=data_root)

    trainer = build_trainer(settings, out, data_root=data_root, smoke=smoke, notify=notify, **options)
    trainer.say(trainer.describe())
    try:
        return trainer.run(resume=resume)
    finally:
        trainer.processes.close()
