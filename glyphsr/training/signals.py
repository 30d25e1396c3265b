"""Ctrl-C and SIGTERM as a request to save and stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from glyphsr.errors import GlyphSRError


class InterruptedTrainingError(GlyphSRError):
    """The run was asked to stop; everything up to the last step is saved."""

    exit_code = 130


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turns SIGINT and SIGTERM into a flag for the duration of the block; in the main thread, where signals arrive."""
    asked = False

    def ask(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True

    # Python lets the main thread alone set handlers; elsewhere nothing is caught.
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    previous = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield lambda: asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
