"""Variables for the programs that we start, without leaving them behind for ourselves."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def child_environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that processes started in this block see; what is set already stays.

    Example:
        >>> with child_environment({"GLYPHSR_EXAMPLE": "1"}):
        ...     inside = os.environ["GLYPHSR_EXAMPLE"]
        >>> inside, "GLYPHSR_EXAMPLE" in os.environ
        ('1', False)
    """
    added = [key for key in values if key not in os.environ]
    os.environ.update({key: values[key] for key in added})
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)
