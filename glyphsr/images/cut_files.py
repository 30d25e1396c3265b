"""Files that were cut at their end, as a broken copy leaves them: what viewers still show of them."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

LEAST_FRACTION = 0.75
"""Fraction of a picture's rows that has to be there."""

PADDING_FRACTION = 0.1
"""Fraction of a file's size by which formats without an end mark are filled up at most."""

PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of PNG's colour types."""


def mend(encoded: bytes, format_name: str) -> tuple[bytes, str] | None:
    """The file with an end of its own, and what to say of it; ``None`` where too little of it is there.

    Args:
        encoded: A file whose decoder says that it is cut.
        format_name: PIL's.
    """
    if format_name in ("JPEG", "MPO"):
        return _mend_jpeg(encoded)
    if format_name == "PNG":
        return _mend_png(encoded)
    if format_name == "WEBP":
        return _fill_up(encoded, format_name, missing=8 + int.from_bytes(encoded[4:8], "little") - len(encoded))
    if format_name in ("BMP", "PPM", "TIFF"):
        return _fill_up(encoded, format_name)
    return None


def _missing_rows_note(rows: int, there: int) -> str:
    if there >= rows:
        return "the file is cut after its last row; all of the picture is there"
    return f"the file is cut: the last {rows - there} of {rows} rows are missing, in part or whole"


def _mend_jpeg(encoded: bytes) -> tuple[bytes, str] | None:
    """The decoder fills blocks that are missing with middle grey, which tells how many they are."""
    whole = encoded + b"\xff\xd9"
    with Image.open(io.BytesIO(whole), formats=("JPEG",)) as image:
        image.load()
        is_progressive = "progressive" in image.info
        right_edge = np.asarray(image.convert("RGB"))[:, -4:].astype(np.int16)

    # Blocks that are missing are middle grey down to the last row.
    rows = len(right_edge)
    is_filled = np.abs(right_edge - 128).max(axis=(1, 2)) <= 1
    there = rows - int(np.argmin(is_filled[::-1])) if not is_filled.all() else 0

    if b"\xff\xda" not in encoded or there < LEAST_FRACTION * rows:
        return None
    if is_progressive and there == rows:
        return whole, "the file is cut: its last details are missing"
    return whole, _missing_rows_note(rows, there)


def _mend_png(encoded: bytes) -> tuple[bytes, str] | None:
    """Chunks up to the cut, with the rows that are there, the others left black or clear."""
    head, packed, place = [], b"", len(PNG_BEGINNING)
    while place + 8 <= len(encoded):
        # Length, name, content, checksum. The one that was cut is the last.
        size, name = struct.unpack_from(">I4s", encoded, place)
        content = encoded[place + 8 : place + 8 + size]
        place += 12 + size
        if name == b"IDAT":
            packed += content
        elif name == b"IEND":
            break
        elif len(content) == size and not packed:
            head.append((name, content))

    if not head or head[0][0] != b"IHDR" or len(head[0][1]) != 13:
        return None

    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", head[0][1])
    row_bytes = 1 + (width * depth * _CHANNELS.get(kind, 4) + 7) // 8
    most = 2 * row_bytes * height  # interlaced rows are more, and shorter
    # A bound on what is unpacked: a small file may stand for gigabytes.
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(packed, most)
    except zlib.error:
        return None

    if interlaced:
        there = height if unpacker.eof else 0  # all or nothing: passes follow each other
    else:
        there = min(height, len(rows) // row_bytes)
        rows = rows[: there * row_bytes].ljust(row_bytes * height, b"\0")
    if there < LEAST_FRACTION * height:
        return None
    chunks = [*head, (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    return PNG_BEGINNING + b"".join(_chunk(*chunk) for chunk in chunks), _missing_rows_note(height, there)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _fill_up(encoded: bytes, format_name: str, *, missing: int | None = None) -> tuple[bytes, str] | None:
    """Zeros after the cut: as many as the file says are missing, or enough for what the decoder asks for."""
    most = int(PADDING_FRACTION * len(encoded))
    # Few first: most files lack only their last block.
    for count in (64, most) if missing is None else (missing,):
        if not 0 < count <= max(64, most):
            continue

        whole = encoded + b"\0" * count
        try:
            with Image.open(io.BytesIO(whole), formats=(format_name,)) as image:
                image.load()
        except (OSError, SyntaxError, ValueError, EOFError):
            continue

        return whole, f"the file is cut at its end, by at most {count} of {len(whole)} bytes"
    return None
