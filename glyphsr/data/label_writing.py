"""Writes label files in the forms of other tools."""

import csv
import io
import json
import re
from collections.abc import Sequence

from glyphsr.data.label_files import FILE_NAMES, LabelFormat, Labelled
from glyphsr.errors import ConfigError
from glyphsr.text.controls import guard_cell


def _icdar_line(row: Labelled) -> bytes:
    if re.search(r'[,"\r\n]', row.path) or re.search(r"[\r\n]", row.text) or row.path != row.path.strip():
        raise ConfigError(f"--format icdar: {row.path!r}: cannot hold {row.text!r}; use --format mmocr")
    text = re.sub(r'([\\"])', r"\\\1", row.text)
    return f'{row.path}, "{text}"\n'.encode()


def write_labels(rows: Sequence[Labelled], form: LabelFormat) -> bytes:
    """A label file's content.

    Raises:
        ConfigError: If the form cannot hold a path or text, naming it and one that can.
    """
    if form == "paddleocr":
        for row in rows:
            # Its lines know no quotes.
            if re.search(r"[\t\r\n]", row.path) or re.search(r"[\r\n]", row.text):
                raise ConfigError(f"--format paddleocr: {row.path!r}: cannot hold {row.text!r}; use --format mmocr")
        return "".join(f"{row.path}\t{row.text}\n" for row in rows).encode()
    if form == "icdar":
        return b"".join(_icdar_line(row) for row in rows)
    if form == "mmocr":
        lines = (json.dumps({"filename": row.path, "text": row.text}, ensure_ascii=False) for row in rows)
        return "".join(f"{line}\n" for line in lines).encode()
    if form == "doctr":
        return (json.dumps({row.path: row.text for row in rows}, ensure_ascii=False, indent=1) + "\n").encode()
    if form == "annotations":
        items = [{"file": row.path, "label": row.text} for row in rows]
        return (json.dumps(items, ensure_ascii=False, indent=1) + "\n").encode()
    if form == "csv":
        # With quotes everywhere and cells that no spreadsheet takes for formulas.
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        writer.writerow(["file", "label"])
        writer.writerows([guard_cell(row.path), guard_cell(row.text)] for row in rows)
        return buffer.getvalue().encode()

    raise ConfigError(f"--format {form}: expected one of {', '.join(FILE_NAMES)}")
