"""Text and JSON: depth and number of values are counted before anything is built of them."""

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glyphsr.errors import DataError, GlyphSRError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import DOCUMENT_BYTES, DOCUMENT_DEPTH, DOCUMENT_ITEMS

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"
_NO_BRACKETS = bytes(set(range(256)) - set(_OPENING + _CLOSING))

SHOWN = 80
"""Characters of a foreign value that a message repeats."""


def shorten(value: object) -> str:
    """A foreign value as a message may repeat it: on one line, control characters escaped, not endless."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def read_text(path: Path, error: type[GlyphSRError] = DataError) -> str:
    """A UTF-8 file's text, with or without byte order mark, or UTF-16 with one; line ends stay as they are.

    Raises:
        GlyphSRError: Of the given class, if it cannot be read, is too large, has too many lines or is not UTF-8.
    """
    content = read_content(path, DOCUMENT_BYTES, error)
    DOCUMENT_ITEMS.check(content.count(b"\n"), path, error)

    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as problem:
            raise error(f"{path}: not UTF-16 at byte {problem.start}; save it as UTF-8") from problem
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{path}: not UTF-8 at byte {problem.start}; save it as UTF-8") from problem


def _depth(content: bytes) -> int:
    """Levels of brackets that are open at the same time."""
    brackets = _STRING.sub(b"", content).translate(None, _NO_BRACKETS)
    # Brackets in texts are none. Runs of equal direction are taken at once, since most are long.
    depth = deepest = 0
    for part in re.findall(rb"[\[{]+|[\]}]+", brackets):
        if part[0] in _OPENING:
            depth += len(part)
            deepest = max(deepest, depth)
        else:
            depth -= len(part)
    return deepest


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        key = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"{shorten(key)} is given twice")
    return found


def parse_json(content: bytes | str, where: object, error: type[GlyphSRError] = DataError) -> Any:
    """A JSON document's value.

    Args:
        content: UTF-8.
        where: Names it in messages.
        error: Class of what is raised.

    Raises:
        GlyphSRError: Of the given class, if it is not JSON, too large, too deep, of too many values, or has a key
            twice.
    """
    content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    DOCUMENT_BYTES.check(len(content), where, error)
    # Every value but the first has one of these before it; those in texts count too, which errs on the safe side.
    DOCUMENT_ITEMS.check(sum(content.count(mark) for mark in (b",", b":", b"[", b"{")), where, error)
    DOCUMENT_DEPTH.check(_depth(content), where, error)
    try:
        return json.loads(content.removeprefix(b"\xef\xbb\xbf"), object_pairs_hook=_without_repeats)
    except ValueError as problem:  # not JSON, not UTF-8, or a number of thousands of digits
        raise error(f"{where}: not JSON: {problem}") from problem


def read_json(path: Path, error: type[GlyphSRError] = DataError) -> Any:
    """A JSON file's value.

    Raises:
        GlyphSRError: Of the given class, as :func:`parse_json`, or if the file cannot be read.
    """
    return parse_json(read_content(path, DOCUMENT_BYTES, error), path, error)


def read_json_lines(path: Path, error: type[GlyphSRError] = DataError) -> Iterator[tuple[int, Any]]:
    """Line numbers, counted from 1, and values of a file of JSON lines; empty lines are passed over.

    Raises:
        GlyphSRError: Of the given class, naming the line.
    """
    for number, line in enumerate(read_text(path, error).split("\n"), 1):
        if line.strip():
            yield number, parse_json(line, f"{path}:{number}", error)
