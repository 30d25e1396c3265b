"""``glyphsr train``: train a configuration, or continue a run."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console, run_tables, tables
from glyphsr_cli.options import (
    COMPUTE,
    ConfigOpt,
    DeviceOpt,
    JsonOpt,
    OfflineOpt,
    PrecisionName,
    ProgressOpt,
    QuietOpt,
    SeedOpt,
    SetOpt,
    VerboseOpt,
)

if TYPE_CHECKING:
    from glyphsr.config.training import TrainConfig
    from glyphsr.training.report import StepReport


LINE_EVERY = 20
"""Steps between lines on stderr with --verbose."""


class ProtocolName(StrEnum):
    """How weights are selected."""

    standard = "standard"
    paper = "paper"


def train(
    config: ConfigOpt = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Run folder.")] = Path("runs/glyphsr"),
    data_root: Annotated[
        str | None, typer.Option(help="Folder of TextZoom, for LMDBs given by name; else $GLYPHSR_DATA.")
    ] = None,
    glyphs: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|kmeans|none",
            help="Glyph LMDB that extract made, or a folder that holds it; kmeans for line masks alone; none.",
            show_default="NAME-glyphs beside the words",
        ),
    ] = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="auto|never|PATH", help="auto continues what --out holds; PATH starts from another run's state."
        ),
    ] = "auto",
    max_steps: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after this many steps; shortens the schedule.", show_default="as configured"),
    ] = None,
    protocol: Annotated[
        ProtocolName | None,
        typer.Option(
            help="standard: the best weights are chosen on words held out of train. paper: on the test subsets.",
            show_default="standard",
        ),
    ] = None,
    smoke: Annotated[
        bool,
        typer.Option("--smoke", help="Two steps of two words, to see that it runs; what is missing is stood in for."),
    ] = False,
    device: DeviceOpt = None,
    precision: Annotated[
        PrecisionName | None,
        typer.Option(help="Of forward passes.", show_default="auto", rich_help_panel=COMPUTE),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that make batches; 0 makes them in this one.", rich_help_panel=COMPUTE)
    ] = 1,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Words per step, of all processes together.",
            show_default="as configured",
            rich_help_panel=COMPUTE,
        ),
    ] = None,
    offline: OfflineOpt = False,
    seed: SeedOpt = None,
    sets: SetOpt = None,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    verbose: VerboseOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Train a network, or continue a run that was stopped.

    The run folder receives config.yaml, metrics.jsonl, samples/ and checkpoints/last and best. The same command again
    continues where the last one stopped. torchrun and accelerate launch spread it over many GPUs. With --verbose a line
    every 20 steps goes to stderr, for log files.

    Examples: glyphsr train --config glyphsr --smoke --out runs/try; glyphsr train --config glyphsr --data-root
    /data/TextZoom; torchrun --nproc-per-node 8 -m glyphsr_cli train -c glyphsr -o runs/eight --precision bf16.
    """
    from glyphsr.config.reader import load
    from glyphsr.config.training import TrainConfig

    # Settings are read here and not by the library: the environment counts for commands alone.
    overrides = [*(sets or ()), *([f"validation.protocol={protocol.value}"] if protocol else [])]
    flags = {"steps": max_steps, "seed": seed, "batch_size": batch_size}
    settings = load(TrainConfig, config, sets=overrides, flags=flags)
    # Under a launcher one process speaks.
    first = console.is_first_process()
    _note_sample_set(settings, data_root, quiet=quiet or not first)
    from glyphsr.training.train import train as run

    with console.training_bar(enabled=(False if quiet or not first else progress)) as bar:
        task = bar.add_task("training", total=2 if smoke else settings.steps, terms="", rate="", memory="")

        def notify(message: str) -> None:
            if not quiet:
                console.say(message, bar.console)

        def show(step: "StepReport") -> None:
            terms = " ".join(f"{name} {value:.3f}" for name, value in step.terms.items())
            skipped = f" skipped {step.skipped}" if step.skipped else ""
            digits = 1 if step.pictures_per_s < 10 else 0
            rate, memory = f"{step.pictures_per_s:.{digits}f}/s", f"{step.memory_mb / 1024:.1f} GB"
            bar.update(task, completed=step.step, terms=terms + skipped, rate=rate, memory=memory)
            # A line that stays: after each validation, and now and then where more is asked for.
            if step.score or (verbose and step.step % LINE_EVERY == 0):
                seen = step.score.describe() if step.score else f"{rate}, {memory}"
                notify(f"step {step.step}: {terms}{skipped} · {seen}")

        result = run(
            settings,
            out=out,
            data_root=data_root,
            glyphs=glyphs,
            resume=resume,
            smoke=smoke,
            device=device or "auto",
            precision=(precision or PrecisionName.auto).value,
            workers=workers,
            offline=offline,
            report=show,
            notify=notify,
        )
    if not result.is_main:
        return
    if not quiet:
        tables.show_on_stderr([run_tables.training_table(result)])
    if json_:
        console.echo(console.as_json(result.as_dict()))
    else:
        console.echo_path(result.best)


def _note_sample_set(settings: "TrainConfig", data_root: str | None, *, quiet: bool) -> None:
    from glyphsr.config.data import LmdbSource
    from glyphsr.data.sources import SAMPLE_NOTICE, uses_sample_set

    names = [source.path for source in settings.data.sources if isinstance(source, LmdbSource)]
    if not quiet and uses_sample_set(names, data_root):
        console.say(f"note: {SAMPLE_NOTICE}; it is far too small to train on")
