"""Rows of panels as one HTML page that needs nothing beside it: no network, no other file."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glyphsr.text.diff import Mark
from glyphsr.viz.panels import Panel, Row

TEMPLATE = Path(__file__).with_name("page.html")
CLASSES = {True: "right", False: "wrong", None: ""}


def html_page(title: str, rows: Sequence[Row], *, notes: Sequence[str] = ()) -> str:
    """A page with filters by subset and outcome, zoom, keys, and a slider where a row has a before and an after.

    Args:
        title: Of the page.
        rows: In order.
        notes: Lines above them.
    """
    filters = [_filter(name, [getattr(row, name) for row in rows]) for name in ("subset", "outcome")]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        filters="\n".join(filter(None, filters)),
        notes="\n".join(f'<p class="notes">{html.escape(note)}</p>' for note in notes),
        rows="\n".join(_row(row) for row in rows),
    )


def _filter(name: str, values: Sequence[str]) -> str:
    """A choice among the values, with how many rows have each; nothing where there is no choice."""
    known = sorted({value for value in values if value})
    if len(known) < 2:
        return ""
    options = [f'<option value="">all ({len(values)})</option>'] + [
        f'<option value="{html.escape(value)}">{html.escape(value)} ({values.count(value)})</option>' for value in known
    ]
    return f'<label>{name} <select data-filter="{name}">{"".join(options)}</select></label>'


def _row(row: Row) -> str:
    side = "".join(f"<span>{html.escape(text)}</span>" for text in (row.subset, row.outcome) if text)

    panels = "".join(_panel(panel) for panel in row.panels)
    slider = _slider(row) if row.slider else ""
    return (
        f'<section class="row" tabindex="0" data-subset="{html.escape(row.subset)}" '
        f'data-outcome="{html.escape(row.outcome)}"><h2>{html.escape(row.title)}{side}</h2>'
        f'<div class="panels">{slider}{panels}</div></section>'
    )


def _slider(row: Row) -> str:
    assert row.slider is not None
    before, after = (row.panels[place] for place in row.slider)
    what = html.escape(f"{before.caption} on the left, {after.caption} on the right")
    return (
        f'<figure><div class="slider" style="--w:{before.image.shape[1]}">'
        f'<img src="{_source(before.image)}" alt="{html.escape(before.caption)}">'
        f'<img class="after" src="{_source(after.image)}" alt="{html.escape(after.caption)}"><div class="edge"></div>'
        f'<input type="range" min="0" max="100" value="50" aria-label="{what}"></div>'
        f"<figcaption>{html.escape(before.caption)} | {html.escape(after.caption)}</figcaption></figure>"
    )


def _panel(panel: Panel) -> str:
    kind = "drawing" if panel.is_smooth else "pixels"
    # Small pictures are shown at the same height as the enlarged ones beside them.
    readings = "".join(f'<div class="reading">{_marks(who, marks)}</div>' for who, marks in panel.readings)
    caption = html.escape(panel.caption)
    return (
        f'<figure><img class="{kind}" style="--w:{panel.image.shape[1]}" src="{_source(panel.image)}" alt="{caption}">'
        f"<figcaption>{caption}{readings}</figcaption></figure>"
    )


def _marks(who: str, marks: Sequence[Mark]) -> str:
    said = "".join(f'<span class="{CLASSES[mark.right]}">{html.escape(mark.text)}</span>' for mark in marks)
    return (f"{html.escape(who)}: " if who else "") + (said or "nothing")


def _source(image: NDArray[np.uint8]) -> str:
    content = io.BytesIO()
    Image.fromarray(image).save(content, format="PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
