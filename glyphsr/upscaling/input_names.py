"""Inputs as plain texts: a path, a page of a document, ``-`` for stdin, a web address, or the clipboard."""

import os
import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from glyphsr.errors import ConfigError, DataError

STREAM = "-"
"""Stands for stdin as an input and for stdout as an output."""

CLIPBOARD = "clipboard:"
"""Stands for the picture in the clipboard."""

_PAGE = "\0"
"""Between a document and the number of a page; no path has it."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def with_page(path: str, page: int | None, pages: int = 1) -> str:
    """One page of a document of so many; the document itself for none."""
    return path if page is None else f"{path}{_PAGE}{page:0{len(str(pages))}}"


def page_label(text: str) -> str:
    """What a page has after the name of its document.

    Example:
        >>> page_label(with_page("scan.pdf", 3, 12)), page_label("scan.pdf")
        ('_p03', '')
    """
    page = text.partition(_PAGE)[2]
    return f"_p{page}" if page else ""


def split_page(text: str) -> tuple[str, int | None]:
    """The path and the page.

    Example:
        >>> split_page(with_page("scan.pdf", 3)), split_page("word.png")
        (('scan.pdf', 3), ('word.png', None))
    """
    path, _, page = text.partition(_PAGE)
    return path, int(page) if page else None


def is_remote(text: str) -> bool:
    """Whether an input is no file."""
    return text == CLIPBOARD or text.lower().startswith("https://")


def is_web_address(text: str) -> bool:
    """Whether an input begins like an address of the web or of a file, of which only https is read."""
    return text.lower().startswith(("https://", "http://", "ftp://", "file://"))


def check_offline(names: Sequence[str], *, offline: bool) -> None:
    """Refuse addresses where nothing may be fetched.

    Raises:
        DataError: If there is one.
    """
    address = next((name for name in names if is_remote(name) and name != CLIPBOARD), None)
    if offline and address is not None:
        raise DataError(f"{address}: cannot be fetched with --offline")


def check_address(text: str) -> None:
    """Refuse addresses that are not read.

    Raises:
        ConfigError: If it is an address of another kind than https.
    """
    if _ADDRESS.match(text) and not is_remote(text) and not os.path.exists(text):  # noqa: PTH110 - a text
        raise ConfigError(f"{text}: expected an address that begins with https://")


def called(text: str) -> str:
    """What the result of an input that is no file is named after.

    Example:
        >>> called("https://example.com/a/Sign%20photo.jpg?w=2"), called("clipboard:"), called("https://example.com")
        ('Sign photo.jpg', 'clipboard.png', 'example.com.png')
    """
    if text == CLIPBOARD:
        return "clipboard.png"
    parts = urlsplit(text)
    # Nothing of an address may lead elsewhere: no slashes, no hidden names, no endless ones.
    name = re.sub(r"[^\w .()+-]", "_", unquote(parts.path).rstrip("/").rpartition("/")[2])[-100:].lstrip(".")
    return name if "." in name else f"{name or parts.hostname}.png"
