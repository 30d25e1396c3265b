"""What the GlyphSR paper prints in its Tables 1 to 4, as far as it is known here, and rows of other papers.

Accuracy is in percent of words read, for easy, medium, hard and all of TextZoom; averages are weighted by samples. A
number that could not be found is ``None``: of Table 1 these are subset figures of other authors' systems.
"""

from dataclasses import dataclass, field

TEXTZOOM_COUNTS = (1619, 1411, 1343)
"""Test pairs of easy, medium and hard."""

Scores = tuple[float | None, float | None, float | None, float]
"""Easy, medium, hard, average."""

JUDGES = ("crnn", "moran", "aster")

GLYPHSR = "GlyphSR"
"""The paper that this project implements, as a source of numbers."""


@dataclass(frozen=True)
class PaperRow:
    """One row of a published table."""

    id: str
    """Table and row, e.g. ``table2/baseline1``; configurations name theirs by it."""
    label: str
    """As printed."""
    accuracy: dict[str, Scores]
    """By judge."""
    psnr_db: float | None = None
    ssim: float | None = None
    source: str = GLYPHSR
    """Whose table the numbers were read in."""

    @property
    def table(self) -> str:
        """The table's name, e.g. ``table2``."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """Whose row, for a person: the label, the table, and the paper where it is not GlyphSR's."""
        where = self.table.replace("table", "Table ")
        return f"{self.label}, {where}" if self.source == GLYPHSR else f"{self.label}, {self.source}"


@dataclass(frozen=True)
class PaperTable:
    """A published table."""

    name: str
    title: str
    rows: tuple[PaperRow, ...]
    configs: dict[str, str] = field(default_factory=dict)
    """Row id -> the configuration under ``configs/`` that trains it."""
    first_parts: dict[str, str] = field(default_factory=dict)
    """Row id -> the configuration whose network the row's own begins from, where training has two parts."""


def _crnn(easy: float | None, medium: float | None, hard: float | None, average: float) -> dict[str, Scores]:
    return {"crnn": (easy, medium, hard, average)}


def _averages(crnn: float, moran: float, aster: float) -> dict[str, Scores]:
    return {judge: (None, None, None, value) for judge, value in zip(JUDGES, (crnn, moran, aster), strict=True)}


def _all(crnn: Scores, moran: Scores, aster: Scores) -> dict[str, Scores]:
    return dict(zip(JUDGES, (crnn, moran, aster), strict=True))


TABLE1 = PaperTable(
    "table1",
    "Accuracy on TextZoom",
    (
        PaperRow(
            "table1/bicubic",
            "Bicubic",
            _all((36.4, 21.1, 21.1, 26.8), (60.6, 37.9, 30.8, 44.1), (64.7, 42.4, 31.2, 47.2)),
        ),
        PaperRow("table1/tg", "TG", _averages(48.9, 59.4, 61.3)),
        PaperRow("table1/tatt", "TATT", _averages(52.6, 59.5, 63.6)),
        PaperRow("table1/c3stisr", "C3-STISR", _averages(53.7, 60.5, 64.1)),
        PaperRow("table1/dpmn", "DPMN (+TATT)", _averages(53.4, 60.4, 63.9)),
        PaperRow("table1/tsan", "TSAN", _averages(53.0, 62.7, 64.1)),
        PaperRow("table1/lemma", "LEMMA", _averages(56.3, 63.2, 66.0)),
        PaperRow("table1/rtsrn", "RTSRN", _averages(57.0, 63.2, 66.2) | _crnn(67.0, 59.2, 42.6, 57.0)),
        PaperRow("table1/textdiff", "TextDiff", _averages(54.2, 62.7, 66.4)),
        PaperRow("table1/rgdiffsr", "RGDiffSR", _averages(56.4, 63.1, 66.2)),
        PaperRow("table1/pean", "PEAN", _averages(59.0, 66.1, 70.6) | _crnn(68.9, 60.2, 45.9, 59.0)),
        PaperRow(
            "table1/glyphsr",
            "GlyphSR",
            _all((71.40, 64.78, 48.03, 62.1), (82.0, 69.0, 51.5, 68.5), (84.7, 71.1, 54.3, 71.0)),
        ),
        PaperRow(
            "table1/hr",
            "HR",
            _all((76.4, 75.1, 64.6, 72.4), (91.2, 85.3, 74.2, 84.1), (94.2, 87.7, 76.2, 86.6)),
        ),
    ),
    {f"table1/{name}": f"{name}.yaml" for name in ("glyphsr", "tg", "tatt", "c3stisr", "tsan", "lemma", "rtsrn")}
    | {"table1/pean": "pean-enhanced.yaml"},
    {"table1/pean": "pean.yaml"},
)

TABLE2 = PaperTable(
    "table2",
    "What each part adds",
    (
        PaperRow("table2/baseline1", "Baseline 1", _crnn(67.76, 60.38, 45.94, 58.68), 20.68, 0.7535),
        PaperRow("table2/baseline2", "Baseline 2", _crnn(69.49, 61.16, 46.69, 59.80), 21.07, 0.7618),
        PaperRow("table2/no-gfm", "w/o GFM", _crnn(70.78, 62.08, 48.10, 61.01), 21.33, 0.7819),
        PaperRow("table2/glyphsr", "GlyphSR", _crnn(71.40, 64.78, 48.03, 62.09), 20.74, 0.7591),
    ),
    {
        "table2/baseline1": "ablation/table2-baseline1.yaml",
        "table2/baseline2": "ablation/table2-baseline2.yaml",
        "table2/no-gfm": "ablation/table2-no-gfm.yaml",
        "table2/glyphsr": "ablation/table2-glyphsr.yaml",
    },
)

_TASKS = {
    "line": ("L_line", 60.30),
    "char": ("L_char", 60.34),
    "cls": ("L_cls", 60.14),
    "line-char": ("L_line + L_char", 60.71),
    "line-cls": ("L_line + L_cls", 60.74),
    "char-cls": ("L_char + L_cls", 60.30),
    "all": ("L_line + L_char + L_cls", 61.01),
}

TABLE3 = PaperTable(
    "table3",
    "Tasks of the GPM, without GFM",
    (
        PaperRow("table3/none", "none (Baseline 1)", _crnn(None, None, None, 58.68)),
        *(PaperRow(f"table3/{key}", label, _crnn(None, None, None, value)) for key, (label, value) in _TASKS.items()),
    ),
    {"table3/none": "ablation/table2-baseline1.yaml"}
    | {f"table3/{key}": f"ablation/table3-{key}.yaml" for key in _TASKS},
)

TABLE4 = PaperTable(
    "table4",
    "Where glyphs are fused from",
    (
        PaperRow("table4/ngly3", "N_gly = 3", _crnn(None, None, None, 56.44)),
        PaperRow("table4/ngly4", "N_gly = 4", _crnn(None, None, None, 62.09)),
        PaperRow("table4/ngly5", "N_gly = 5", _crnn(None, None, None, 61.60)),
    ),
    {f"table4/ngly{n}": f"ablation/table4-ngly{n}.yaml" for n in (3, 4, 5)},
)

APPENDIX_B = PaperTable(
    "appendix-b",
    "CRNN as text prior (announced by the paper; its numbers are not public)",
    (),
    {
        "appendix-b/baseline1": "ablation/crnn-prior-baseline1.yaml",
        "appendix-b/no-gfm": "ablation/crnn-prior-no-gfm.yaml",
        "appendix-b/glyphsr": "ablation/crnn-prior.yaml",
    },
)

TABLES = {table.name: table for table in (TABLE1, TABLE2, TABLE3, TABLE4, APPENDIX_B)}
"""By name."""

OTHERS = (
    PaperRow("others/tsrn", "TSRN", _averages(41.4, 55.4, 58.3), source="tables of later papers"),
    PaperRow("others/tbsrn", "TBSRN", _averages(48.1, 58.4, 60.1), 20.91, 0.7603, source="tables of later papers"),
    PaperRow("others/pcan", "PCAN", _averages(47.4, 58.5, 61.5), source="tables of later papers"),
    PaperRow("others/tpgsr", "TPGSR", _averages(49.8, 57.8, 60.9), source="the TPGSR paper"),
)
"""Rows that are in no table of the GlyphSR paper."""

ROWS: dict[str, PaperRow] = {row.id: row for table in TABLES.values() for row in table.rows} | {
    row.id: row for row in OTHERS
}
"""Every known row by its id."""


def weighted(scores: Scores) -> float | None:
    """Average over TextZoom's samples of a row's subset figures; ``None`` where one is not known.

    Example:
        >>> round(weighted((67.76, 60.38, 45.94, 58.68)), 2)
        58.68
    """
    parts = [value for value in scores[:3] if value is not None]
    if len(parts) < len(TEXTZOOM_COUNTS):
        return None
    return sum(value * count for value, count in zip(parts, TEXTZOOM_COUNTS, strict=True)) / sum(TEXTZOOM_COUNTS)
