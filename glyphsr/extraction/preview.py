"""The contact sheet of an extraction."""

from pathlib import Path

import numpy as np

from glyphsr.data.glyph_lmdb import GlyphLmdb
from glyphsr.data.hr_images import HrWords
from glyphsr.data.lmdb_writer import encode_png
from glyphsr.errors import GlyphSRError
from glyphsr.system.atomic_files import write_bytes
from glyphsr.viz.glyph_sheet import glyph_sheet


def draw_preview(source: HrWords, result: Path, *, beside: Path, words: int) -> Path | None:
    """Write ``<name>-preview.png``.

    Args:
        source: The pictures.
        result: Their glyph LMDB.
        beside: Its name as the user writes it.
        words: How many words, spread evenly over the set.

    Returns:
        The sheet, ``None`` if there is no word to show.

    Raises:
        GlyphSRError: If it cannot be written.
    """
    glyphs = GlyphLmdb(result)
    # Spread over the set: neighbours often come from one photograph.
    shown = np.linspace(0, len(glyphs) - 1, min(words, len(glyphs))).round().astype(int)

    panels = []
    for index in dict.fromkeys(shown.tolist()):
        extraction = glyphs[index]
        if extraction.line.size:
            panels.append((source.read(index), extraction))

    if not panels:
        return None

    sheet = beside.with_name(f"{beside.name}-preview.png")
    try:
        write_bytes(sheet, encode_png(glyph_sheet(panels)))
    except OSError as error:
        raise GlyphSRError(f"{sheet}: cannot be written: {error.strerror or error}") from error

    return sheet
