"""Glyph masks on disk: ``glyph_line-%09d``, ``glyph_chars-%09d``, ``glyph_meta-%09d`` and a ``manifest``."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.data.hr_images import open_hr_words
from glyphsr.data.lmdb_pairs import NUMBER_DIGITS, PairedLmdb
from glyphsr.errors import DataError
from glyphsr.safe_reading.limits import PICTURE_PIXELS, WORD_PIXELS
from glyphsr.safe_reading.picture_header import check_picture, check_png_chunks
from glyphsr.safe_reading.text_files import parse_json, shorten
from glyphsr.types import Extraction, GlyphRecord

SUFFIX = "-glyphs"
HOW = "make them with `glyphsr extract --lmdb {path}`, or train without masks: --glyphs none"
LINE, CHARS, META, MANIFEST, COUNT = "glyph_line", "glyph_chars", "glyph_meta", "manifest", "num-samples"
FORMAT_NUMBER = 1
"""Rises when older files can no longer be read as they are."""


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """``(H, W)`` to the bytes of a PNG with one bit per pixel."""
    _, encoded = cv2.imencode(".png", mask.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])
    return encoded.tobytes()


def decode_mask(encoded: bytes, where: str) -> NDArray[np.bool_]:
    """Back to ``(H, W)``.

    Raises:
        DataError: If the bytes are no readable picture.
    """
    # Masks come from files of others, so the size is judged before anything is unpacked.
    declared = check_picture(encoded, where, DataError)
    check_png_chunks(encoded, where, DataError)
    WORD_PIXELS.check(declared.width * declared.height, where, DataError)
    try:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        image = None
    if image is None:
        raise DataError(f"{where}: not a readable mask ({len(encoded)} bytes)")
    return np.asarray(image > 0)


def number_of(index: int) -> str:
    """Number of a sample in keys; ``index`` counts from 0, keys from 1.

    Example:
        >>> number_of(0)
        '000000001'
    """
    return f"{index + 1:0{NUMBER_DIGITS}d}"


def as_json(document: Any) -> bytes:
    """The one way that we write JSON into an environment: equal documents are equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def glyph_values(extraction: Extraction) -> dict[str, bytes]:
    """Values of one word by key name, without number.

    A rejected word has a line mask of zeros, or none if its picture has no size, and no character masks.
    """
    height, width = extraction.line.shape
    meta = {
        "text": extraction.text,
        "quality": extraction.quality,
        "rejected": extraction.rejected,
        "problem": extraction.problem,
        "coverage": round(float(extraction.line.mean()), 6) if extraction.line.size else 0.0,
        "empty": int((~extraction.chars.any(axis=(1, 2))).sum()),
        "size": [height, width],
        "glyphs": [asdict(record) for record in extraction.glyphs],
    }

    # Characters are stacked from top to bottom: one PNG whatever their number.
    values = {META: as_json(meta)}
    if height and width:
        values[LINE] = encode_mask(extraction.line)
        if len(extraction.chars):
            values[CHARS] = encode_mask(extraction.chars.reshape(-1, width))

    return values


def read_meta(encoded: bytes, where: str) -> dict[str, Any]:
    """A word's meta as it is stored.

    Raises:
        DataError: If it is no JSON object.
    """
    meta = parse_json(encoded, f"{where}: glyph_meta")
    if not isinstance(meta, dict):
        raise DataError(f"{where}: glyph_meta: not what extract writes: {shorten(meta)}")
    return meta


def read_values(values: Mapping[str, bytes | None], where: str) -> Extraction:
    """The word back from its values.

    Raises:
        DataError: If they are missing or damaged.
    """
    meta_bytes, line_bytes, chars_bytes = values.get(META), values.get(LINE), values.get(CHARS)
    if meta_bytes is None:
        raise DataError(f"{where}: no glyph_meta; is this a glyph LMDB?")

    meta = read_meta(meta_bytes, where)
    try:
        text, size = str(meta["text"]), (int(meta["size"][0]), int(meta["size"][1]))
        records = tuple(_record(row) for row in meta["glyphs"])
        quality, rejected, problem = float(meta["quality"]), _text(meta["rejected"]), _text(meta["problem"])
        if not (min(size) >= 0 and 0 <= quality <= 1):
            raise ValueError(f"size {size}, quality {quality}")
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise DataError(f"{where}: glyph_meta: not what extract writes: {shorten(error)}") from error

    # Sizes in the meta are claims, which the masks have to keep.
    PICTURE_PIXELS.check(size[0] * size[1] * max(1, len(text)), f"{where}: glyph_meta", DataError)
    line = decode_mask(line_bytes, f"{where}: glyph_line") if line_bytes else np.zeros(size, bool)

    if chars_bytes:
        stacked = decode_mask(chars_bytes, f"{where}: glyph_chars")
        if stacked.shape != (len(text) * size[0], size[1]):
            raise DataError(f"{where}: glyph_chars: expected {len(text)} masks of {size}, got {stacked.shape}")
        chars = stacked.reshape(len(text), *size)
    else:
        chars = np.zeros((0, *size), bool)

    return Extraction(text, line, chars, records, quality, rejected, problem)


def _text(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError(f"expected a text, got {shorten(value)}")
    return value


def _record(row: Mapping[str, Any]) -> GlyphRecord:
    points = tuple((float(x), float(y)) for x, y in row["points"])
    anchor = None if row["anchor"] is None else (float(row["anchor"][0]), float(row["anchor"][1]))
    iou = None if row["iou"] is None else float(row["iou"])
    char, source, fallback = str(row["char"]), str(row["source"]), _text(row["fallback"])
    return GlyphRecord(char, points, source, anchor, float(row["confidence"]), iou, fallback)


def is_glyph_lmdb(path: Path) -> bool:
    """Whether an environment holds glyph masks.

    Raises:
        DataError: If it is damaged.
    """
    return (path / "data.mdb").is_file() and PairedLmdb(path).get(MANIFEST) is not None


def check_pairs(path: Path) -> None:
    """Refuse masks where pairs are wanted.

    Raises:
        DataError: If an environment holds glyph masks.
    """
    if is_glyph_lmdb(path):
        raise DataError(f"{path}: holds glyph masks, no pairs; name the set that they belong to")


class GlyphLmdb:
    """Reads a glyph LMDB, read-only and without locks.

    Args:
        path: The environment's folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._source = PairedLmdb(path)

    def __len__(self) -> int:
        return len(self._source)

    def meta(self, index: int) -> dict[str, Any]:
        """The meta of word ``index`` alone, without its masks.

        Raises:
            DataError: If it is missing or damaged.
        """
        value = self._source.get(f"{META}-{number_of(index)}")
        if value is None:
            raise DataError(f"{self.path}: {number_of(index)}: no glyph_meta; is this a glyph LMDB?")
        return read_meta(value, f"{self.path}: {number_of(index)}")

    def manifest(self) -> dict[str, Any]:
        """Parameters, segmenter, localizer, fingerprint of the source.

        Raises:
            DataError: If there is none, or it is of a newer format.
        """
        value = self._source.get(MANIFEST)
        if value is None:
            raise DataError(f"{self.path}: no 'manifest' key; is this a glyph LMDB?")
        manifest = parse_json(value, f"{self.path}: manifest")

        number = manifest.get("format_number") if isinstance(manifest, dict) else None
        if not isinstance(number, int):
            raise DataError(f"{self.path}: manifest: not what extract writes: {shorten(manifest)}")
        if number != FORMAT_NUMBER:
            raise DataError(f"{self.path}: format {number}; this version of glyphsr reads format {FORMAT_NUMBER}")
        return dict(manifest)

    def __getitem__(self, index: int) -> Extraction:
        """Word ``index``, counted from 0, as it was extracted.

        Raises:
            DataError: If its values are missing or damaged.
        """
        number = number_of(index)
        values = {name: self._source.get(f"{name}-{number}") for name in (META, LINE, CHARS)}
        return read_values(values, f"{self.path}: {number}")


def find_glyphs(path: Path, named: str | None) -> Path:
    """The glyph LMDB of a set.

    Args:
        path: Its folder or environment.
        named: The glyph LMDB, or a folder in which it is called ``<name>-glyphs``; ``None`` for beside the set.

    Raises:
        DataError: If there is none.
    """
    beside = path.resolve().parent
    name = path.resolve().name + SUFFIX
    # A named folder may be the masks themselves, or hold those of several sets.
    places = [beside / name, beside / (path.name + SUFFIX)] if named is None else [Path(named), Path(named) / name]
    for place in places:
        if (place / "data.mdb").is_file():
            return place
    how = HOW.format(path=path)
    raise DataError(f"{places[-1] if named else places[0]}: no glyph masks of {path}; {how}")


def check_belongs(glyphs: GlyphLmdb, path: Path) -> None:
    """Refuse masks of other pictures.

    Raises:
        DataError: If the fingerprint in the manifest is not that of the set.
    """
    words = open_hr_words(path)
    source = glyphs.manifest().get("source", {})
    # By content, so that a set may be moved or renamed.
    if source.get("fingerprint") != words.fingerprint():
        made_of = f"{source.get('samples')} words of {source.get('name')!r}"
        how = HOW.format(path=path)
        raise DataError(f"{glyphs.path}: was made from {made_of}, not from {path} with its {len(words)}; {how}")
