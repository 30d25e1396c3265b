"""Pictures that are no files: from web addresses and from the clipboard."""

import io
from typing import Any
from urllib.parse import urlsplit

from glyphsr.errors import PictureError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.upscaling.input_names import CLIPBOARD

SECONDS = (10, 60)
"""To connect, and between two parts of an answer."""

REDIRECTS = 5


def read_remote(text: str) -> bytes:
    """The content of a picture file.

    Args:
        text: A web address or :data:`CLIPBOARD`.

    Raises:
        PictureError: If there is no such picture, or it is too large.
    """
    if text == CLIPBOARD:
        return _from_clipboard()
    return _fetch(text)


def _fetch(address: str) -> bytes:
    import requests

    try:
        with requests.Session() as session:
            session.max_redirects = REDIRECTS
            with session.get(address, timeout=SECONDS, stream=True) as answer:
                return _read(answer, address)
    except (requests.RequestException, OSError) as error:
        raise PictureError(f"{address}: cannot be fetched: {_reason(error)}") from error


def _read(answer: Any, address: str) -> bytes:
    """All of an answer that came by https alone, no more of it than a picture may have."""
    steps = [*answer.history, answer]
    if any(urlsplit(step.url).scheme != "https" for step in steps):
        raise PictureError(f"{address}: leads to an address that is not https")
    if answer.status_code != 200:
        raise PictureError(f"{address}: cannot be fetched: {answer.status_code} {answer.reason}")
    PICTURE_BYTES.check(int(answer.headers.get("Content-Length") or 0), address, PictureError)
    parts, size = [], 0
    for part in answer.iter_content(1 << 16):
        size += len(part)
        PICTURE_BYTES.check(size, address, PictureError)
        parts.append(part)
    return b"".join(parts)


def _reason(error: Exception) -> str:
    """The innermost of errors that wrap one another, in one line."""
    cause: Any = error
    while True:
        inner = getattr(cause, "reason", None) or next((a for a in cause.args if isinstance(a, Exception)), None)
        if not isinstance(inner, Exception):
            return str(cause).splitlines()[0][:200] if str(cause) else type(cause).__name__
        cause = inner


def _from_clipboard() -> bytes:
    from pathlib import Path

    from PIL import ImageGrab

    try:
        found = ImageGrab.grabclipboard()
    except Exception as error:  # programs that are missing or fail, in as many ways as there are systems
        raise PictureError(f"clipboard: cannot be read: {str(error) or type(error).__name__}") from error
    if isinstance(found, list):  # files were copied, not a picture
        if len(found) != 1:
            raise PictureError(f"clipboard: holds {len(found)} files; give them as inputs")
        return read_content(Path(found[0]), PICTURE_BYTES, PictureError)
    if found is None:
        raise PictureError("clipboard: holds no picture; copy one first")
    buffer = io.BytesIO()
    found.save(buffer, "PNG")
    return buffer.getvalue()
