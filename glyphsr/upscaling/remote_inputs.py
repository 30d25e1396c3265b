"""Pictures that are no files: from web addresses and from the clipboard."""

import io
import ipaddress
import socket
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

from glyphsr.errors import PictureError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.safe_reading.numbers import whole_number
from glyphsr.upscaling.input_names import CLIPBOARD

SECONDS = (10, 60)
"""To connect, and between two parts of an answer."""

IN_ALL_S = 600
"""For a whole picture, however slowly it comes."""

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
    from urllib3.exceptions import HTTPError

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """None: even where redirects are not followed, their whole body would be read otherwise."""

    # Redirects are followed here, so that each address is looked at before it is asked.
    deadline = time.monotonic() + IN_ALL_S
    try:
        with Session() as session:
            target = address
            for _ in range(REDIRECTS + 1):
                with session.get(target, timeout=SECONDS, stream=True, allow_redirects=False) as answer:
                    if not answer.is_redirect:
                        return _read(answer, address, deadline)
                    target = _next(answer, target, address)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise PictureError(f"{address}: cannot be fetched: {_reason(error)}") from error
    raise PictureError(f"{address}: cannot be fetched: more than {REDIRECTS} redirects")


def _next(answer: Any, here: str, address: str) -> str:
    """Where a redirect leads, which is asked nothing before it is looked at; its body is never read.

    Raises:
        PictureError: If it is not https, or leads from the web into this machine or its network.
    """
    there = str(urljoin(here, answer.headers["Location"]))
    if urlsplit(there).scheme != "https":
        raise PictureError(f"{address}: leads to an address that is not https")
    # An address from outside must not make us ask machines of this network.
    if _is_inside(there) and not _is_inside(address):
        raise PictureError(f"{address}: leads to an address inside this network, {urlsplit(there).hostname}")
    return there


def _is_inside(address: str) -> bool:
    """Whether a host is this machine or in a private network; one whose name nobody here knows is not."""
    parts = urlsplit(address)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a proxy may know it
        return False
    return any(not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)


def _read(answer: Any, address: str, deadline: float) -> bytes:
    """All of an answer, no more of it than a picture may have."""
    if answer.status_code != 200:
        raise PictureError(f"{address}: cannot be fetched: {answer.status_code} {answer.reason}")
    PICTURE_BYTES.check(whole_number(answer.headers.get("Content-Length") or "0") or 0, address, PictureError)
    # The header's length is a claim; what comes is counted.
    parts, size = [], 0
    while part := answer.raw.read1(1 << 16, decode_content=True):  # what is there, so that the clock is looked at
        size += len(part)
        PICTURE_BYTES.check(size, address, PictureError)
        if time.monotonic() > deadline:
            raise PictureError(f"{address}: cannot be fetched: not all there after {IN_ALL_S} s")
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
