"""``visualize``: words and runs as a PNG sheet or one HTML page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.reader import settings_from
from glyphsr.config.visualize import VisualizeConfig, What
from glyphsr.data.lmdb_writer import encode_png
from glyphsr.data.sources import SAMPLE_NOTICE, uses_sample_set
from glyphsr.errors import ConfigError, DataError, GlyphSRError
from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.devices import Precision
from glyphsr.visualization.views.words import SHOWN, choose_words, open_sets
from glyphsr.viz.figure import encode_figure, figure
from glyphsr.viz.page import html_page
from glyphsr.viz.panels import Row, panel_sheet

ENDINGS = (".png", ".html", ".pdf")

MOST_ON_A_SHEET = 200
"""Rows of a PNG; a page may have more."""

HEADINGS = {
    "compare": "Before and after, word by word",
    "glyphs": "Glyphs that the network perceives",
    "gem": "How glyph masks are extracted",
    "prior": "What the text prior reads",
    "attention": "Where a recognizer looks",
    "failures": "Words that were read wrong",
    "training": "A training run",
}
"""Of pages."""


@dataclass(frozen=True)
class Visualization:
    """What was written."""

    path: Path
    what: str
    rows: int
    notices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return {
            "schema_version": 1,
            "command": "visualize",
            "path": str(self.path),
            "what": self.what,
            "rows": self.rows,
            "notices": list(self.notices),
        }


def visualize(
    inputs: str | Path | Sequence[str | Path] = (),
    out: str | Path | None = None,
    *,
    config: VisualizeConfig | str | Path | None = None,
    what: What | None = None,
    lmdb: str | Path | Sequence[str | Path] | None = None,
    data_root: str | Path | None = None,
    index: Sequence[int] | None = None,
    sample: int | None = None,
    worst: int | None = None,
    protocol: Literal["standard", "paper"] | None = None,
    find: Literal["rescued"] | None = None,
    text: str | None = None,
    per_image: str | Path | None = None,
    run: str | Path | None = None,
    glyphs: str | Path | None = None,
    weights: str | Path | Sequence[str | Path] | None = None,
    prior_weights: str | Path | Sequence[str | Path] | None = None,
    recognizer: str | Sequence[str] | None = None,
    strength: float | None = None,
    seed: int | None = None,
    overwrite: bool | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    offline: bool | None = None,
    extract: ExtractConfig | None = None,
) -> Visualization:
    """Show words beside each other, how they came about, or how a run went.

    Args:
        inputs: Pictures of text, files or folders; none for words of data sets.
        out: ``.png``, ``.html`` or ``.pdf``; default ``glyphsr-<what>.png`` in the working directory.
        config: Settings that no argument gives: an object, or a YAML file as ``--config`` takes it.
        what: ``compare``: LR, bicubic, SR, HR, the change, and readings. ``glyphs``: what the network perceives,
            and the extracted masks. ``gem``: key points, anchors, candidates, masks. ``prior``: the text prior as a
            heat map. ``attention``: where a recognizer looks. ``failures``: words that an evaluation got wrong.
            ``training``: the curves of a run.
        lmdb: Data sets whose words are shown: names under the data root, or LMDB folders.
        data_root: Folder of TextZoom; else $GLYPHSR_DATA, ./data/TextZoom, ./TextZoom, or the sample set if there
            is none.
        index: Words of one data set by number, from 1, such as 3,7,10-12.
        sample: So many words drawn at random; without it eight, spread evenly.
        worst: So many words that are read worst by the first judge.
        protocol: ``paper``: 16 x 64 to 32 x 128, read as ``eval --protocol paper`` reads; ``standard``: natural
            width, 8 bit.
        find: ``rescued``: words that the first judge reads right in the first network's result, and neither it in
            bicubic nor the network's own prior in LR.
        text: What the pictures given as files show.
        per_image: Results of ``eval --per-image``, whose failures are shown.
        run: Run folder whose training is shown.
        glyphs: Glyph LMDB of the words; else masks are extracted as ``extract`` says.
        weights: Networks: names or checkpoint files.
        prior_weights: Published CRNN and PARSeq that guide the published networks among them.
        recognizer: Judges that read what is shown, or whose attention is; ``none`` for none.
        strength: Fraction of each network's change over bicubic; default from its card.
        seed: Of the random words.
        overwrite: Replace the result if it exists.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: Of the networks.
        offline: Never fetch weights.
        extract: How masks are extracted, where they are.

    Raises:
        ConfigError: If settings do not go together, or the result exists already.
        DataError: If words cannot be read.
        WeightsError: If weights are not available.
        GlyphSRError: If the result cannot be written.
    """
    arguments = locals() | {"extract": None if extract is None else extract.model_dump(mode="json")}
    return run_visualization(settings_from(VisualizeConfig, config, arguments), inputs, out)


def run_visualization(
    config: VisualizeConfig, inputs: str | Path | Sequence[str | Path] = (), out: str | Path | None = None
) -> Visualization:
    """As :func:`visualize`, with its settings as one object."""
    target = Path(out) if out is not None else Path(f"glyphsr-{config.what}.png")
    _check(target, overwrite=config.overwrite)

    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    rows, notices = _rows(given, config)
    if not given and config.lmdb and uses_sample_set(config.lmdb, config.data_root):
        notices = [SAMPLE_NOTICE, *notices]
    # What the ending cannot hold is refused before a page is drawn.
    if target.suffix.lower() == ".png" and len(rows) > MOST_ON_A_SHEET:
        raise ConfigError(f"-o {target}: {len(rows)} words are too many for one picture; give -o NAME.html, or fewer")
    if target.suffix.lower() == ".pdf" and config.what != "compare":
        raise ConfigError(f"-o {target}: a .pdf is a figure for print, of --what compare; expected .png or .html")

    title = HEADINGS[config.what]
    if target.suffix.lower() == ".html":
        content = html_page(title, rows, notes=notices).encode("utf-8", "backslashreplace")
    elif target.suffix.lower() == ".pdf" or config.find is not None:
        from glyphsr.visualization.views.compare import figure_row

        content = encode_figure(figure([figure_row(row) for row in rows]), target.suffix.lower())
    else:
        content = encode_png(panel_sheet(rows))

    try:
        write_bytes(target, content)
    except OSError as error:
        raise GlyphSRError(f"{target}: cannot be written: {error.strerror or error}") from error
    return Visualization(target, config.what, len(rows), tuple(notices))


def _check(target: Path, *, overwrite: bool) -> None:
    if target.suffix.lower() not in ENDINGS:
        raise ConfigError(f"-o {target}: expected a name ending in .png, .html or .pdf")
    if not target.parent.is_dir():
        raise ConfigError(f"-o {target}: the folder {target.parent} does not exist")
    if target.exists() and not overwrite:
        raise ConfigError(f"-o {target}: exists already; --overwrite replaces it")


def _rows(inputs: Sequence[str | Path], config: VisualizeConfig) -> tuple[list[Row], list[str]]:
    """Rows and what a person should know of them; what a view needs is imported with it."""
    if config.worst and config.what not in ("compare", "failures"):
        raise ConfigError(f"--worst: words are read for --what compare or failures, not for {config.what}")
    if config.find and config.what != "compare":
        raise ConfigError(f"--find: looks through words for --what compare, not for {config.what}")
    if config.what == "training":
        from glyphsr.visualization.views.training import training_rows

        if config.run is None:
            raise ConfigError("--run: expected the run folder whose training is shown")
        return training_rows(Path(config.run)), []
    if config.what == "failures":
        return _failures(config)
    if config.what == "compare":
        return _compare(inputs, config)
    # All other views show words, as they are chosen.
    words = choose_words(inputs, config)
    if config.what == "glyphs":
        from glyphsr.visualization.views.glyphs import GlyphViewer

        perceiving = GlyphViewer(config)
        return list(perceiving.rows(words)), perceiving.notices
    if config.what == "prior":
        from glyphsr.visualization.views.prior import PriorViewer

        return list(PriorViewer(config).rows(words)), []
    if config.what == "attention":
        from glyphsr.visualization.views.attention import AttentionViewer

        looking = AttentionViewer(config)
        return list(looking.rows(words)), looking.notices
    from glyphsr.visualization.views.gem import GemViewer

    extracting = GemViewer(config)
    return list(extracting.rows(words)), extracting.notices


def _compare(inputs: Sequence[str | Path], config: VisualizeConfig) -> tuple[list[Row], list[str]]:
    from glyphsr.visualization.views.compare import NONE, Comparer, rescued_rows, worst_rows

    if config.worst and (config.index or config.sample):
        raise ConfigError("--worst: looks at all words of --lmdb; leave --index and --sample away")
    if config.worst and (inputs or config.recognizer == (NONE,)):
        raise ConfigError("--worst: wants words of --lmdb and a judge that reads them")
    if config.find and (inputs or config.worst or config.index or config.recognizer == (NONE,)):
        raise ConfigError("--find: looks at all words of --lmdb with a judge; leave INPUT, --worst and --index away")
    # Both look at every word of the sets and keep the few that they seek.
    whole = config.worst or config.find
    words: Iterable[Any] = open_sets(config) if whole else choose_words(inputs, config)

    comparer = Comparer(config)
    compared = comparer.compare(words)
    if config.find:
        rescued = rescued_rows(compared, config.sample or SHOWN)
        if not rescued:
            raise DataError(f"--find rescued: no word of {', '.join(config.lmdb)} is read right only after the network")
        return rescued, comparer.notices
    rows = worst_rows(compared, config.worst) if config.worst else [item.row for item in compared]
    return rows, comparer.notices


def _failures(config: VisualizeConfig) -> tuple[list[Row], list[str]]:
    """Readings are the file's; pictures are made again by the weights that are named."""
    from glyphsr.visualization.views.compare import HR, Comparer, compared_row
    from glyphsr.visualization.views.failures import choose_failures

    chosen = choose_failures(config)
    comparer = Comparer(config.model_copy(update={"recognizer": ("none",)}))
    # Pictures are made again, so the weights must be those that the file has readings of.
    rowed = chosen[0][1].networks
    absent = [network.info.name for network in comparer.networks if network.info.name not in rowed]
    if absent:
        raise ConfigError(
            f"--weights: {config.per_image} has rows of {', '.join(rowed)}, not of {', '.join(absent)}; name those"
        )

    drawn = comparer.draw([word for word, _ in chosen])
    rows = []
    for i, (word, record) in enumerate(chosen):
        pictures = {name: images[i] for name, images in drawn.items()}
        readings = {**record.readings, HR: record.readings.get("hr", {})}
        rows.append(compared_row(word, pictures, readings))

    squashed = (
        ", pictures of the size at which they were read" if any(record.is_squashed for _, record in chosen) else ""
    )
    return rows, [f"readings are those of {config.per_image}{squashed}"]
