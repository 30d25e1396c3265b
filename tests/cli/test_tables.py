import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Task

import glyphsr
from glyphsr_cli import tables
from glyphsr_cli.console import RateColumn

WEIGHTS = tables.Table(
    "Weights",
    ("name", "status", "licence", "from", "about"),
    (
        ("telescope-strokes", "not here", "academic research only", "someone/some-very-long-project", "A recognizer."),
        ("compact", "bundled", "Apache-2.0", "the package", "For lines of any size, never trained on TextZoom."),
    ),
    wide=True,
    firm=2,
)
WORDS = {word for row in WEIGHTS.rows for cell in row for word in cell.split()}


def printed(table: tables.Table, width: int) -> str:
    out = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    tables._print([table], out)
    return out.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_texts_break_between_words_only(width):
    text = printed(WEIGHTS, width)
    assert set(text.split()) >= WORDS
    assert max(map(len, text.splitlines())) <= width


def test_rows_without_room_for_their_columns_stand_one_below_the_other():
    lines = [line.split(maxsplit=1) for line in printed(WEIGHTS, 60).splitlines() if line.strip()]
    assert ["status", "not here"] in [[part.strip() for part in line] for line in lines]


def test_a_long_title_takes_the_whole_width():
    table = tables.Table("a title of many words " * 3, ("", ""), (("a", "b"),), wide=True)
    assert table.title.strip() in printed(table, 80)


def test_a_terminal_names_places_from_where_the_reader_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here, sample = tmp_path / "runs" / "a", Path(glyphsr.__file__).parent / "data" / "sample"
    table = tables.Table(f"Masks of {here}", ("", ""), (("from", f"{sample}, /data/TextZoom"),), wide=True)

    shown = printed(table, 100)
    assert f"Masks of {Path('runs', 'a')}" in shown
    assert "data/sample in the package, /data/TextZoom" in shown


@pytest.mark.parametrize("form", [tables.as_plain, tables.as_markdown])
def test_what_is_written_for_others_has_whole_places(form, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tables.Table(f"Masks of {tmp_path / 'a'}", ("", ""), (("from", str(tmp_path / "b")),), wide=True)
    assert str(tmp_path / "a") in form([table])
    assert str(tmp_path / "b") in form([table])


@pytest.mark.parametrize(("speed", "shown"), [(3060.4, "3,060/s"), (341.2, "341/s"), (0.1544, "0.154/s"), (None, "")])
def test_rates_are_never_written_with_exponents(speed, shown):
    task = Task(1, "reading", 5, 5, _get_time=lambda: 0.0, finished_speed=speed)  # type: ignore[arg-type]
    assert RateColumn().render(task).plain == shown
