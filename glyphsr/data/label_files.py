"""Label files of other tools: the text of each picture, as PaddleOCR, MMOCR, docTR, ICDAR and people write it."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from glyphsr.errors import ConfigError, DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.safe_reading.text_files import parse_json, read_json, read_json_lines, read_text, shorten
from glyphsr.text.controls import unguard_cell

LabelFormat = Literal["paddleocr", "mmocr", "doctr", "csv", "icdar", "spaces", "annotations", "filename"]
FORMATS: tuple[LabelFormat, ...] = get_args(LabelFormat)

FILE_NAMES: dict[LabelFormat, str] = {
    "paddleocr": "labels.txt",
    "mmocr": "labels.jsonl",
    "doctr": "labels.json",
    "csv": "labels.csv",
    "icdar": "gt.txt",
    "annotations": "annotations.json",
}
"""What each form's file is called when we write it, and looked for when none is named."""

USUAL_NAMES = (
    *FILE_NAMES.values(),
    "rec_gt.txt",
    "label.txt",
    "rec_gt_train.txt",
    "labels.tsv",
    "gt.csv",
    "label.json",
)
"""Names by which a folder's label file is found, those of other tools last."""

PATH_COLUMNS = ("file", "filename", "file_name", "image", "img_path", "imagepath", "path", "name")
TEXT_COLUMNS = ("label", "text", "words", "word", "transcription", "gt", "groundtruth")

_ICDAR = re.compile(r'\s*+(?P<name>[^,"]++),\s+"(?P<text>.*)"\s*')
"""``name, "text"``, in which a backslash stands before quotes and backslashes. No part of it is tried a second time, so
that a line of nothing but spaces takes no longer than another."""

_CORNERS = re.compile(r"\s*(-?\d+(\.\d*)?\s*,\s*){8}.*")
"""ICDAR's ground truth for detection: eight numbers, then a text."""

_NAME_AND_TEXT = re.compile(rf"(?P<name>.*?(?:{'|'.join(map(re.escape, SUFFIXES))})) +(?P<text>\S.*)", re.IGNORECASE)
"""A picture's name, a space, a text."""


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
        rows += [Labelled(each, text) for each in _several(name, f"{path}:{number}")]
    return rows


def _several(name: str, where: str) -> list[str]:
    """The paths of a PaddleOCR line, which may be a JSON list of pictures that say the same."""
    if not name.startswith("["):
        return [name]
    names = parse_json(name, where)
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise DataError(f"{where}: expected a path or a list of paths, got {name[:40]!r}")
    return names


def _read_icdar(path: Path) -> list[Labelled]:
    rows = []
    for number, line in _lines(path):
        if _CORNERS.fullmatch(line):
            raise DataError(f'{path}:{number}: ICDAR ground truth for detection; expected name, "text" of single words')

        found = _ICDAR.fullmatch(line)
        if found is None:
            raise DataError(f'{path}:{number}: expected name, "text", got {line[:40]!r}')
        rows.append(Labelled(found["name"].rstrip(), re.sub(r'\\([\\"])', r"\1", found["text"])))
    return rows


def _read_spaces(path: Path) -> list[Labelled]:
    rows = []
    for number, line in _lines(path):
        found = _NAME_AND_TEXT.fullmatch(line)
        if found is None:
            raise DataError(f"{path}:{number}: expected a picture's name, a space and a text, got {line[:40]!r}")
        rows.append(Labelled(found["name"], found["text"]))
    if rows and all(row.text.isdecimal() and Path(row.path).stem.endswith(f"_{row.text}") for row in rows):
        return [Labelled(row.path, label_from_name(Path(row.path).stem)) for row in rows]  # MJSynth: numbers of words
    return rows


def _read_mmocr(path: Path) -> list[Labelled]:
    """JSON lines, or the one document of MMOCR 1.x."""
    if path.suffix.lower() == ".json":
        content = read_json(path)
        if not _is_mmocr_document(content):
            raise DataError(f'{path}: expected {{"data_list": [{{"img_path": ..., "instances": ...}}, ...]}}')
        return [_from_mmocr(row, f"{path}: item {i}") for i, row in enumerate(content["data_list"])]

    rows = []
    for number, row in read_json_lines(path):
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: expected an object with filename and text")
        where = f"{path}:{number}"
        rows.append(Labelled(_pick(row, PATH_COLUMNS, where), _pick(row, TEXT_COLUMNS, where)))
    return rows


def _is_mmocr_document(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("data_list"), list)


def _from_mmocr(row: Any, where: str) -> Labelled:
    instances = row.get("instances") if isinstance(row, dict) else None
    if not isinstance(instances, list) or not all(isinstance(one, dict) for one in instances):
        raise DataError(f"{where}: expected an object with img_path and instances")
    # Labels for detection look alike, but a picture of a word has one text.
    if len(instances) != 1:
        raise DataError(f"{where}: {len(instances)} texts in one picture, as for detection; expected single words")
    return Labelled(_pick(row, PATH_COLUMNS, where), _pick(instances[0], TEXT_COLUMNS, where))


def _read_doctr(path: Path) -> list[Labelled]:
    content = read_json(path)
    if isinstance(content, dict) and any(isinstance(one, dict) and "polygons" in one for one in content.values()):
        raise DataError(f'{path}: docTR labels for detection; expected {{"picture.png": "text", ...}} of single words')
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
    if all(_ICDAR.fullmatch(line) for _, line in _lines(path)):
        return _read_icdar(path)

    content = read_text(path)
    mark = _delimiter(content, path)
    rows = _cells(content, mark, path)
    if not rows:
        return []
    # Columns by their names in the first line; without such a line path and text come first.
    header = [cell.strip().lower() for cell in rows[0]]
    name = next((header.index(column) for column in PATH_COLUMNS if column in header), None)
    text = next((header.index(column) for column in TEXT_COLUMNS if column in header), None)
    if name is None or text is None:
        name, text, width, body = 0, 1, 2, rows
        if len(rows) > 1 and min(map(len, rows)) > width:
            raise DataError(f"{path}: {len(rows[0])} columns; say which they are by a first line such as file,label")
    else:
        width, body = len(header), rows[1:]

    # A text with a delimiter in it that nobody quoted is whole only where all that follows belongs to it.
    may_join = '"' not in content and (name, text, width) == (0, 1, 2)
    labelled = []
    for number, row in enumerate(body, start=1):
        if len(row) <= max(name, text):
            raise DataError(f"{path}: record {number}: expected a path and a text, got {shorten(row)}")
        if len(row) > width and not may_join:
            raise DataError(
                f"{path}: record {number}: {len(row)} cells instead of {width}; put texts with {mark!r} into quotes"
            )

        whole = mark.join(row[text:]) if len(row) > width else row[text]
        labelled.append(Labelled(unguard_cell(row[name]), unguard_cell(whole)))
    return labelled


def _delimiter(content: str, path: Path) -> str:
    """What stands between cells: tabs in ``.tsv``, else what the first line has."""
    first = next((line for line in content.split("\n") if line.strip()), "")
    if path.suffix.lower() == ".tsv" or ("\t" in first and "," not in first):
        return "\t"
    return ";" if ";" in first and "," not in first else ","


def _cells(content: str, mark: str, path: Path) -> list[list[str]]:
    try:
        rows = csv.reader(io.StringIO(content, newline=""), delimiter=mark, strict=True)
        return [row for row in rows if row]
    except csv.Error as error:
        raise DataError(f"{path}: not CSV: {error}; texts with quotes in them stand in quotes") from error


READERS: dict[LabelFormat, Callable[[Path], list[Labelled]]] = {
    "paddleocr": _read_paddleocr,
    "mmocr": _read_mmocr,
    "doctr": _read_doctr,
    "csv": _read_csv,
    "icdar": _read_icdar,
    "spaces": _read_spaces,
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
    if ending == ".csv":
        return "csv"
    # A list of objects is `annotations`, a document with `data_list` MMOCR's, an object of names docTR's.
    if ending == ".json":
        content = read_json(path)
        return "annotations" if isinstance(content, list) else "mmocr" if _is_mmocr_document(content) else "doctr"
    if ending in (".txt", ".tsv", ""):
        return _guess_lines(path)
    raise DataError(f"{path}: expected a label file ending in .txt, .tsv, .jsonl, .json or .csv; or say --format")


def _guess_lines(path: Path) -> LabelFormat:
    """The form of a file of lines, by its first line."""
    first = next(iter(_lines(path)), (0, ""))[1]

    if first.startswith("{"):
        return "mmocr"

    # From the surest sign to the least: names of columns, a tab, quotes, a comma after a picture's name.
    cells = [cell.strip().lower() for cell in re.split(r"[\t,;]", first)]
    if set(cells) & set(PATH_COLUMNS) and set(cells) & set(TEXT_COLUMNS):
        return "csv"  # its first line names columns

    if "\t" in first:
        return "paddleocr"
    if _ICDAR.fullmatch(first) or _CORNERS.fullmatch(first):
        return "icdar"
    if Path(first.partition(",")[0].strip()).suffix.lower() in SUFFIXES:
        return "csv"

    return "spaces" if _NAME_AND_TEXT.fullmatch(first) else "paddleocr"


def find_label_file(folder: Path) -> Path | None:
    """The label file of a folder by its usual name, ``None`` if there is none."""
    return next((folder / name for name in USUAL_NAMES if (folder / name).is_file()), None)


def from_names(folder: Path, name: str, text: str) -> str:
    """What a person should know where there is no label file: texts are guessed."""
    return f"{folder}: no label file, so texts are taken from the file names, such as {text!r} of {name}"


def label_from_name(stem: str) -> str:
    """The text that a file name carries: ``Hotel_12`` -> ``Hotel``; MJSynth's ``1_Hotel_35482`` -> ``Hotel``.

    Example:
        >>> label_from_name("Hotel_12"), label_from_name("1_Hotel_35482"), label_from_name("42")
        ('Hotel', 'Hotel', '42')
    """
    match = re.fullmatch(r"\d+_(.+)_\d+", stem) or re.fullmatch(r"(.+?)_\d+", stem)
    return match[1] if match else stem
