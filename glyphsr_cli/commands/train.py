"""``glyphsr train``: train a configuration, or go on with a run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from glyphsr_cli import console
from glyphsr_cli.options import (
    ConfigOpt,
    DeviceOpt,
    JsonOpt,
    OfflineOpt,
    PrecisionName,
    PrecisionOpt,
    ProgressOpt,
    QuietOpt,
    SeedOpt,
    SetOpt,
    VerboseOpt,
    WorkersOpt,
)

if TYPE_CHECKING:
    from glyphsr.config.training import TrainConfig
    from glyphsr.pipelines.training import StepReport

SMOKE = {"steps": 2, "validate_every": 2, "validation_words": 2, "batch_size": 2}


def train(
    config: ConfigOpt = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Run folder.")] = Path("runs/glyphsr"),
    data_root: Annotated[
        str | None, typer.Option(help="Folder of TextZoom, for LMDBs given by name; else $GLYPHSR_DATA.")
    ] = None,
    resume: Annotated[str, typer.Option(help="auto, never, or a training state to go on from.")] = "auto",
    max_steps: Annotated[int | None, typer.Option(help="Stop after this many steps; shortens the schedule.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Two steps of two pictures, to see that it runs.")] = False,
    device: DeviceOpt = None,
    precision: PrecisionOpt = None,
    workers: WorkersOpt = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures per step.", rich_help_panel="Computing")] = None,
    offline: OfflineOpt = False,
    seed: SeedOpt = None,
    sets: SetOpt = None,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    verbose: VerboseOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Train a network, or go on with a run that was stopped.

    The run folder receives config.yaml, metrics.jsonl and checkpoints/last and best. The same command again goes on
    where the last one stopped.
    """
    from glyphsr.config.reader import load
    from glyphsr.config.training import TrainConfig

    overrides = list(sets or ())
    if smoke:
        overrides += [f"{key}={value}" for key, value in SMOKE.items()]
    settings = load(
        TrainConfig, config, sets=overrides, flags={"steps": max_steps, "seed": seed, "batch_size": batch_size}
    )
    del offline  # part of every command's interface; training asks the network for nothing
    _note_sample_set(settings, data_root, quiet=quiet)
    from glyphsr.pipelines.training import Trainer

    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("training", total=settings.steps)

        def show(step: "StepReport") -> None:
            terms = " ".join(f"{name} {value:.3f}" for name, value in step.terms.items())
            bar.update(task, completed=step.step, description=f"{terms} · {step.pictures_per_s:.0f}/s")
            if step.score and not quiet:
                console.say(f"step {step.step}: {terms} · {step.score.describe()}", bar.console)

        trainer = Trainer(
            settings,
            out,
            device=device or "auto",
            precision=(precision or PrecisionName.auto).value,
            workers=1 if workers is None else workers,
            data_root=data_root,
            report=show,
        )
        if verbose:
            console.say(trainer.describe(), bar.console)
        result = trainer.run(resume=_resume(resume))
    if json_:
        score = result.score.as_dict() if result.score else None
        document = {"schema_version": 1, "command": "train", "best": str(result.best), "last": str(result.last)}
        typer.echo(json.dumps(document | {"validation": score}, indent=2))
    else:
        typer.echo(result.best)


def _note_sample_set(settings: "TrainConfig", data_root: str | None, *, quiet: bool) -> None:
    from glyphsr.config.training import LmdbSource
    from glyphsr.data.sources import SAMPLE_NOTICE, uses_sample_set

    names = [source.path for source in settings.data.sources if isinstance(source, LmdbSource)]
    if not quiet and uses_sample_set(names, data_root):
        console.say(f"note: {SAMPLE_NOTICE}; it is far too small to train on")


def _resume(value: str) -> Literal["auto", "never"] | Path:
    if value == "auto":
        return "auto"
    return "never" if value == "never" else Path(value)
