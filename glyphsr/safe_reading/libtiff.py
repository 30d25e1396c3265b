"""What libtiff says of damaged files, which it would write to stderr itself: taken as notes, for one line of ours."""

import ctypes
import functools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

_heard = threading.local()

_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
"""Module, format, and its values, which are left alone."""


def _note(_module: bytes | None, form: bytes | None, _values: int | None) -> None:
    complaints = getattr(_heard, "complaints", None)
    if complaints is not None:
        complaints.append((form or b"").decode(errors="replace"))


_handler = _Handler(_note)
"""Kept here: libtiff only knows its address."""


@functools.cache
def _take_over() -> None:
    """Put our handler in place of libtiff's, in the copy that PIL uses; where it is not found, all stays as it was."""
    import PIL

    logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL + 1)  # its reader complains beside its errors
    root = Path(PIL.__file__).parent
    # PIL's wheels bring a libtiff of their own; else it is the system's.
    own = [*root.parent.glob("[Pp]illow.libs/libtiff*"), *root.glob(".dylibs/libtiff*")]
    name = str(own[0]) if own else find_library("tiff")
    if name is None:
        return
    try:
        set_handler = ctypes.CDLL(name).TIFFSetErrorHandler
    except (OSError, AttributeError):
        return

    set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [_Handler]
    set_handler(_handler)


@contextmanager
def libtiff_complaints() -> Iterator[list[str]]:
    """Collect what libtiff complains of in this thread, instead of letting it write to stderr.

    Yields:
        Its formats of messages, without their values; empty while it finds nothing wrong.
    """
    _take_over()
    before, found = getattr(_heard, "complaints", None), list[str]()
    _heard.complaints = found
    try:
        yield found
    finally:
        _heard.complaints = before
