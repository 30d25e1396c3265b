"""Label files of other tools: who reads which picture, in the forms that PaddleOCR, MMOCR, docTR and people write."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from glyphsr.errors import ConfigError, DataError
from glyphsr.safe_reading.text_files import read_json, read_json_lines, read_text, shorten
from glyphsr.text.controls import guard_cell, unguard_cell

LabelFormat = Literal["paddleocr", "mmocr", "doctr", "csv", "annotations", "filename"]
FORMATS: tuple[LabelFormat, ...] = get_args(LabelFormat)

FILE_NAMES: dict[LabelFormat, str] = {
    "paddleocr": "labels.txt",
    "mmocr": "labels.jsonl",
    "doctr": "labels.json",
    "csv": "labels.csv",
    "annotations": "annotations.json",
}
"""What each form's file is called when we write it, and looked for when none is named."""

PATH_COLUMNS = ("file", "filename", "image", "img_path", "path", "name")
TEXT_COLUMNS = ("label", "text", "words", "transcription", "gt")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture's path as the label file writes it, and its text."""

    path: str
    text: str


def _lines(path: Path) -> Iterable[tuple[int, str]]:
    # Only real line ends count: str.splitlines() would also cut a label at characters such as U+2028.
    lines = enumerate(read_text(path).split("\n"), start=1)
    return ((number, line.removesuffix("\r")) for number, line in lines if line.strip("\r"))


def _pick(row: dict[str, Any], names: Sequence[str], where: str) -> str:
    for name in names:
        if isinstance(row.get(name), str):
            return str(row[name])
    raise DataError(f"{where}: expected one of {', '.join(names)}, got {shorten(list(row)) if row else 'nothing'}")


def _read_paddleocr(path: Path) -> list[Labelled]:
    rows = []
    for number, line in _lines(path):
        name, tab, text = line.partition("\t")
        if not tab:
            raise DataError(f"{path}:{number}: expected path<TAB>text, got {line[:40]!r}")
        if text.startswith("[{") and '"transcription"' in text:
            raise DataError(f"{path}:{number}: PaddleOCR labels for detection; expected path<TAB>text of single words")
        rows.append(Labelled(name, text))
    return rows


def _read_mmocr(path: Path) -> list[Labelled]:
    rows = []
    for number, row in read_json_lines(path):
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: expected an object with filename and text")
        where = f"{path}:{number}"
        rows.append(Labelled(_pick(row, PATH_COLUMNS, where), _pick(row, TEXT_COLUMNS, where)))
    return rows


def _read_doctr(path: Path) -> list[Labelled]:
    content = read_json(path)
    if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
        raise DataError(f'{path}: expected {{"picture.png": "text", ...}}')
    return [Labelled(name, text) for name, text in content.items()]


def _read_annotations(path: Path) -> list[Labelled]:
    content = read_json(path)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise DataError(f'{path}: expected [{{"file": ..., "label": ...}}, ...]')
    return [
        Labelled(_pick(row, PATH_COLUMNS, f"{path}: item {i}"), _pick(row, TEXT_COLUMNS, f"{path}: item {i}"))
        for i, row in enumerate(content)
    ]


def _read_csv(path: Path) -> list[Labelled]:
    try:
        rows = [row for row in csv.reader(io.StringIO(read_text(path), newline="")) if row]
    except csv.Error as error:
        raise DataError(f"{path}: not CSV: {error}") from error
    if not rows:
        return []
    header = [cell.strip().lower() for cell in rows[0]]
    name = next((header.index(column) for column in PATH_COLUMNS if column in header), None)
    text = next((header.index(column) for column in TEXT_COLUMNS if column in header), None)
    if name is None or text is None:
        name, text, body = 0, 1, rows  # no header
    else:
        body = rows[1:]
    for number, row in enumerate(body, start=1):
        if len(row) <= max(name, text):
            raise DataError(f"{path}: record {number}: expected a path and a text, got {shorten(row)}")
    return [Labelled(unguard_cell(row[name]), unguard_cell(row[text])) for row in body]


READERS: dict[LabelFormat, Callable[[Path], list[Labelled]]] = {
    "paddleocr": _read_paddleocr,
    "mmocr": _read_mmocr,
    "doctr": _read_doctr,
    "csv": _read_csv,
    "annotations": _read_annotations,
}


def read_labels(path: Path, form: LabelFormat | None = None) -> list[Labelled]:
    """Pictures and texts of a label file.

    Args:
        path: The file.
        form: Which form it has; by default derived from its name and content.

    Raises:
        DataError: If it is missing, not UTF-8, or has another form; the message says where.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such label file")
    form = form or guess_format(path)
    if form not in READERS:
        raise ConfigError(f"--format {form}: has no label file; leave --labels away")
    return READERS[form](path)


def guess_format(path: Path) -> LabelFormat:
    """The form that a label file's name and content suggest.

    Raises:
        DataError: If its ending is none that we know.
    """
    ending = path.suffix.lower()
    if ending == ".jsonl":
        return "mmocr"
    if ending in (".csv", ".tsv"):
        return "csv" if ending == ".csv" else "paddleocr"
    if ending == ".json":
        return "annotations" if isinstance(read_json(path), list) else "doctr"
    if ending in (".txt", ""):
        first = next(iter(_lines(path)), (0, ""))[1]
        return "mmocr" if first.startswith("{") else "paddleocr"
    raise DataError(f"{path}: expected a label file ending in .txt, .jsonl, .json or .csv; or say --format")


def find_label_file(folder: Path) -> Path | None:
    """The label file of a folder by its usual name, ``None`` if there is none."""
    names = [*FILE_NAMES.values(), "gt.txt", "rec_gt.txt", "label.txt"]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def label_from_name(stem: str) -> str:
    """The text that a file name carries: ``Hotel_12`` -> ``Hotel``; MJSynth's ``1_Hotel_35482`` -> ``Hotel``.

    Example:
        >>> label_from_name("Hotel_12"), label_from_name("1_Hotel_35482"), label_from_name("42")
        ('Hotel', 'Hotel', '42')
    """
    match = re.fullmatch(r"\d+_(.+)_\d+", stem) or re.fullmatch(r"(.+?)_\d+", stem)
    return match[1] if match else stem


def write_labels(rows: Sequence[Labelled], form: LabelFormat) -> bytes:
    """A label file's content.

    Raises:
        ConfigError: If the form cannot hold a path or text, naming it and one that can.
    """
    if form == "paddleocr":
        for row in rows:
            if re.search(r"[\t\r\n]", row.path) or re.search(r"[\r\n]", row.text):
                raise ConfigError(f"--format paddleocr: {row.path!r}: cannot hold {row.text!r}; use --format mmocr")
        return "".join(f"{row.path}\t{row.text}\n" for row in rows).encode()
    if form == "mmocr":
        lines = (json.dumps({"filename": row.path, "text": row.text}, ensure_ascii=False) for row in rows)
        return "".join(f"{line}\n" for line in lines).encode()
    if form == "doctr":
        return (json.dumps({row.path: row.text for row in rows}, ensure_ascii=False, indent=1) + "\n").encode()
    if form == "annotations":
        items = [{"file": row.path, "label": row.text} for row in rows]
        return (json.dumps(items, ensure_ascii=False, indent=1) + "\n").encode()
    if form == "csv":
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        writer.writerow(["file", "label"])
        writer.writerows([guard_cell(row.path), guard_cell(row.text)] for row in rows)
        return buffer.getvalue().encode()
    raise ConfigError(f"--format {form}: expected one of {', '.join(FILE_NAMES)}")
