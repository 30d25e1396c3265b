"""``glyphsr extract``: glyph masks of a data set (the paper's GEM)."""

import time
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glyphsr_cli import console
from glyphsr_cli.options import (
    COMPUTE,
    OUTPUT,
    ConfigOpt,
    DeviceOpt,
    JsonOpt,
    OfflineOpt,
    PrecisionOpt,
    ProgressOpt,
    QuietOpt,
    SeedOpt,
    SetOpt,
    VerboseOpt,
    auto_or_number,
)

if TYPE_CHECKING:
    from glyphsr.extraction.extract import ExtractRun
    from glyphsr.extraction.worker import Progress

DATA, PAPER = "Data", "Method"
SHOWN_PROBLEMS = 20


class SegmenterName(StrEnum):
    """What makes masks."""

    auto = "auto"
    sam = "sam"
    ink = "ink"


class SamTypeName(StrEnum):
    """Published SAM encoders."""

    vit_b = "vit_b"
    vit_l = "vit_l"
    vit_h = "vit_h"


class LayoutName(StrEnum):
    """How pictures lie on SAM's canvas."""

    padded = "padded"
    mosaic = "mosaic"
    crop = "crop"


class LocalizerName(StrEnum):
    """What finds the characters."""

    auto = "auto"
    attention = "attention"
    cuts = "cuts"
    checked = "checked"


class ProfileName(StrEnum):
    """Sets of choices."""

    paper = "paper"
    robust = "robust"


def extract(
    lmdb: Annotated[
        str, typer.Option(help="LMDB, a name under the data root, or a folder of pictures.", rich_help_panel=DATA)
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The glyph LMDB.", show_default="NAME-glyphs beside the source", rich_help_panel=DATA
        ),
    ] = None,
    data_root: Annotated[
        str | None, typer.Option(help="Folder of TextZoom; else $GLYPHSR_DATA.", rich_help_panel=DATA)
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N words.", rich_help_panel=DATA)] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Work on share I of N; the one that ends last joins all.",
            show_default="the rank under torchrun or accelerate",
            rich_help_panel=DATA,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a result made with other parameters.", rich_help_panel=DATA)
    ] = False,
    segmenter: Annotated[
        SegmenterName | None,
        typer.Option(
            help="sam: Segment Anything. ink: no weights. auto: SAM where a checkpoint is given or stored, else ink.",
            show_default="auto",
            rich_help_panel=PAPER,
        ),
    ] = None,
    sam_checkpoint: Annotated[
        str | None, typer.Option(help="Published SAM file, or a name such as sam-vit-h.", rich_help_panel=PAPER)
    ] = None,
    sam_type: Annotated[
        SamTypeName | None,
        typer.Option(help="What the file must hold.", show_default="read off the file", rich_help_panel=PAPER),
    ] = None,
    sam_layout: Annotated[
        LayoutName | None,
        typer.Option(
            help="padded is exact. mosaic and crop are faster and used only if 32 pictures of yours come out alike.",
            show_default="padded",
            rich_help_panel=PAPER,
        ),
    ] = None,
    localizer: Annotated[
        LocalizerName | None,
        typer.Option(
            help="attention: where a recognizer looks. cuts: ink and label. checked: attention verified by cuts. auto: "
            "attention where the recognizer's weights are stored, else cuts.",
            show_default="auto",
            rich_help_panel=PAPER,
        ),
    ] = None,
    recognizer: Annotated[
        str | None,
        typer.Option(help="Whose attention: name or file.", show_default="telescope", rich_help_panel=PAPER),
    ] = None,
    profile: Annotated[
        ProfileName | None,
        typer.Option(
            help="robust: prompts on ink first, implausible masks left out, counters of letters kept open.",
            show_default="paper",
            rich_help_panel=PAPER,
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(help="Shifts of key points, pixels.", show_default="2,4", rich_help_panel=PAPER),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Least confidence of a mask.", show_default="0.8", rich_help_panel=PAPER)
    ] = None,
    preview: Annotated[
        int,
        typer.Option(help="Write N words with their masks to NAME-glyphs-preview.png.", min=0, rich_help_panel=OUTPUT),
    ] = 0,
    device: DeviceOpt = None,
    precision: PrecisionOpt = None,
    batch_size: Annotated[
        str | None,
        typer.Option(
            help="Prompts that SAM answers at once, or auto; halved when memory runs out.",
            show_default="auto",
            rich_help_panel=COMPUTE,
        ),
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(help="Processes, or auto.", show_default="auto: cores, with a GPU one", rich_help_panel=COMPUTE),
    ] = None,
    seed: SeedOpt = None,
    offline: OfflineOpt = False,
    config: ConfigOpt = None,
    sets: SetOpt = None,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    verbose: VerboseOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Find the mask of each character of each word of a data set (the paper's glyph extraction module).

    The result is a glyph LMDB beside the source, which is never changed. An interrupted run goes on where it stopped.
    Without a SAM checkpoint masks are made of ink. Nothing is drawn at random, so --seed changes nothing here.
    """
    from glyphsr.config.extraction import ExtractConfig
    from glyphsr.config.reader import load

    flags: dict[str, Any] = {
        "segmenter": segmenter,
        "sam_checkpoint": sam_checkpoint,
        "sam_type": sam_type,
        "sam_layout": sam_layout,
        "localizer": localizer,
        "recognizer": recognizer,
        "profile": profile,
        "steps": [_number(part) for part in steps.split(",")] if steps else None,
        "threshold": threshold,
        "data_root": data_root,
        "limit": limit,
        "device": device,
        "precision": precision,
        "batch_size": auto_or_number(batch_size),
        "workers": auto_or_number(workers),
        "seed": seed,
        "offline": offline or None,
    }
    flags = {key: value.value if isinstance(value, StrEnum) else value for key, value in flags.items()}
    settings = load(ExtractConfig, config, sets=sets or (), flags=flags)
    from glyphsr.extraction.extract import extract as run_extraction

    with console.counting_bar(enabled=False if quiet else progress) as bar:
        shown = _Shown(bar)
        run = run_extraction(
            lmdb,
            out,
            shard=shard,
            overwrite=overwrite,
            preview=preview,
            progress=shown.add,
            notify=None if quiet else shown.note,
            config=settings,
        )
    _finish(run, as_json=json_, quiet=quiet, verbose=verbose)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # the configuration says what would be right


class _Shown:
    """What stands on the progress bar."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar
        self.notices: set[str] = set()
        self.tasks: dict[Path, Any] = {}
        self.sums: dict[Path, Counter[str]] = {}
        self.started = time.perf_counter()

    def note(self, notice: str) -> None:
        """Say a notice, once for all sets."""
        if notice not in self.notices:
            self.notices.add(notice)
            console.say(f"note: {notice}", self.bar.console)

    def add(self, source: Path, done: "Progress", share: int) -> None:
        """Count one finished chunk; the first call opens the bar."""
        if source not in self.tasks:
            self.started = time.perf_counter()
            self.tasks[source] = self.bar.add_task(source.name, total=share, counts="")
            self.sums[source] = Counter()
        sums = self.sums[source]
        sums.update(words=done.words, rejected=done.rejected, fallbacks=done.fallbacks.total())
        rate = sums["words"] / max(1e-9, time.perf_counter() - self.started)
        counts = f"{rate:.1f}/s, {sums['fallbacks']} fallbacks, {sums['rejected']} rejected"
        self.bar.update(self.tasks[source], advance=done.words, counts=counts)


def _finish(run: "ExtractRun", *, as_json: bool, quiet: bool, verbose: bool) -> None:
    shown = run.problems if verbose else run.problems[:SHOWN_PROBLEMS]
    for problem in shown:
        console.say(f"error: {problem}")
    if len(run.problems) > len(shown):
        console.say(f"error: {len(run.problems) - len(shown)} more like these; --verbose shows them all")
    if as_json:
        document = {"schema_version": 1, "command": "extract", "sets": [report.as_dict() for report in run.reports]}
        console.echo(console.as_json(document | {"problems": list(run.problems)}))
    else:
        for report in run.reports:
            if report.complete:
                console.echo(f"{report.out}\n")
    if not quiet and not as_json:
        from glyphsr_cli import tables

        tables.show_on_stderr([tables.extraction_table(report) for report in run.reports])
    if run.exit_code:
        raise typer.Exit(run.exit_code)
