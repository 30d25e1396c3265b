"""``glyphsr extract``: glyph masks of a data set (the paper's GEM)."""

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glyphsr_cli import console
from glyphsr_cli.completion import completion
from glyphsr_cli.config_options import settings_command
from glyphsr_cli.options import OUTPUT, JsonOpt, ProgressOpt, QuietOpt, VerboseOpt

if TYPE_CHECKING:
    from glyphsr.config.extraction import ExtractConfig
    from glyphsr.extraction.extract import ExtractRun
    from glyphsr.extraction.worker import ChunkResult

DATA = "Data"
SHOWN_PROBLEMS = 20


@settings_command("glyphsr.config.extraction:ExtractConfig")
def extract(
    settings: "ExtractConfig",
    more: Annotated[list[str] | None, typer.Argument(metavar="LMDB", help="The same as --lmdb.")] = None,
    lmdb: Annotated[
        list[str] | None,
        typer.Option(
            help="LMDB, a name under the data root, or a folder of pictures; repeatable.",
            rich_help_panel=DATA,
            autocompletion=completion("lmdb", ()),
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The glyph LMDB.", show_default="NAME-glyphs beside the source", rich_help_panel=DATA
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Work on shard I of N; the one that ends last joins all.",
            show_default="the rank under torchrun or accelerate",
            rich_help_panel=DATA,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a result made with other parameters.", rich_help_panel=DATA)
    ] = False,
    preview: Annotated[
        int,
        typer.Option(help="Write N words with their masks to NAME-glyphs-preview.png.", min=0, rich_help_panel=OUTPUT),
    ] = 0,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    verbose: VerboseOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Find the mask of each character of each word of a data set (the paper's glyph extraction module).

    The result is a glyph LMDB beside the source, which is never changed. An interrupted run continues where it stopped.
    Without a SAM checkpoint masks are made of ink.

    Examples: glyphsr extract --lmdb train --preview 24; glyphsr extract --lmdb easy medium hard;
    glyphsr extract --lmdb train --shard 1/2;
    glyphsr extract --lmdb easy --segmenter sam --sam-checkpoint sam_vit_h_4b8939.pth.
    """
    names = [*(lmdb or []), *(more or [])]
    if not names:
        raise typer.BadParameter("expected an LMDB, a name or a folder", param_hint="--lmdb")
    from glyphsr.extraction.extract import extract as run_extraction

    with console.counting_bar(enabled=False if quiet else progress) as bar:
        shown = _Shown(bar)
        run = run_extraction(
            names,
            out,
            shard=shard,
            overwrite=overwrite,
            preview=preview,
            progress=shown.add,
            notify=None if quiet else shown.note,
            config=settings,
        )
    _finish(run, as_json=json_, quiet=quiet, verbose=verbose)


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

    def add(self, source: Path, done: "ChunkResult", total: int) -> None:
        """Count one finished chunk; the first call opens the bar."""
        # The clock starts with the first word, when models are loaded.
        if source not in self.tasks:
            self.started = time.perf_counter()
            self.tasks[source] = self.bar.add_task(source.name, total=total, counts="")
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
                console.echo_path(report.out)
    if not quiet and not as_json:
        from glyphsr_cli import run_tables, tables

        tables.show_on_stderr([run_tables.extraction_table(report) for report in run.reports])
    if run.exit_code:
        raise typer.Exit(run.exit_code)
