"""What runs of ``extract``, ``train`` and ``reproduce`` came to, as tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glyphsr_cli.tables import Table

if TYPE_CHECKING:
    from glyphsr.extraction.mask_comparison import MaskComparison
    from glyphsr.extraction.report import ExtractionReport
    from glyphsr.reproduction.report import Reproduction
    from glyphsr.training.report import TrainResult


def extraction_table(report: "ExtractionReport") -> Table:
    """What became of the words and characters of one set."""
    rows = [
        ("words", f"{report.words}, {report.words - sum(report.rejected.values())} with masks"),
        *((f"  {reason}", str(count)) for reason, count in report.rejected.items()),
        ("characters", f"{report.characters}, {report.empty} with an empty mask"),
        ("fallbacks", f"{report.affected} characters"),
        *((f"  {reason}", str(count)) for reason, count in report.fallbacks.items()),
        ("coverage", f"{100 * report.mean_coverage:.1f}% of the picture, mean of words"),
        ("quality", ", ".join(f"{name} {value:.2f}" for name, value in report.quality.items())),
        ("segmenter", _facts(report.segmenter)),
        ("localizer", _facts(report.localizer)),
        ("speed", _speed(report)),
    ]
    if report.preview:
        rows.append(("preview", report.preview))

    if not report.complete:
        rows.append(("missing", f"{report.missing_chunks} chunks; the last shard to end joins all"))
    return Table(f"Glyphs of {report.source}", ("", ""), tuple(rows), wide=True)


def training_table(result: "TrainResult") -> Table:
    """What a run came to."""
    now = result.progress
    rows = [("steps", f"{now.step}, {now.skipped} skipped, {_duration(result.seconds)} this time")]
    for name, score, step in (("best", now.best_score, now.best_step), ("last", now.score, now.step)):
        if score is not None and score.words:
            rows.append((name, f"step {step}: {score.describe()}"))
    rows += [("weights", str(result.best)), ("figures", str(result.folder / "metrics.jsonl"))]
    return Table(f"Training of {result.folder.name}", ("", ""), tuple(rows), wide=True)


def mask_table(found: "MaskComparison") -> Table:
    """Masks of each source against the exact ones."""
    names = ("line_iou", "char_iou", "char_iou_median", "char_iou_above_half", "empty")
    rows = []
    for score in found.scores:
        figures = score.figures()
        values = (figures[name] for name in names)
        cells = ("-" if value is None else f"{float(value):.3f}" for value in values)
        rows.append((score.source, str(figures["words"]), str(figures["characters"]), *cells))
    columns = ("", "words", "characters", "line IoU", "char IoU", "median", "above 0.5", "empty")
    return Table(f"Appendix A: masks against exact ones; {found.data}", columns, tuple(rows))


def reproduction_table(found: "Reproduction") -> Table:
    """Ours and the paper's rows in turn."""
    from glyphsr.reproduction.report import columns_of, rows_of

    remark = "" if found.comparable is None else "; not comparable with the paper's"
    title = (
        f"{found.table.replace('table', 'Table ')}: {found.title}. % of words, mean ± deviation; {found.data}{remark}"
    )
    return Table(title, columns_of(found), tuple(rows_of(found)))


def _speed(report: "ExtractionReport") -> str:
    """What this run did, which may be nothing."""
    if not report.extracted:
        return "nothing was left to do"
    return f"{report.images_per_s:.3g} images/s, {report.extracted} in {report.seconds:.1f} s"


def _facts(facts: Mapping[str, Any]) -> str:
    name = str(facts["name"])
    rest = {key: value for key, value in facts.items() if key != "name"}
    if "sha256" in rest:
        rest["sha256"] = str(rest["sha256"])[:12]
    return ", ".join([name, *(f"{key} {value}" if key != "weights" else str(value) for key, value in rest.items())])


def _duration(seconds: float) -> str:
    """Hours, minutes and seconds as far as there are any.

    Example:
        >>> _duration(3723.4), _duration(9.6)
        ('1 h 2 min', '10 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
