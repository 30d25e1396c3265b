"""Whether an error says that memory ran out, whichever library said it; and memory given back that is not used."""

import ctypes

SIGNS = (
    "out of memory",
    "can't allocate memory",
    "alloc_failed",
    "insufficient memory",
    "failed to allocate",
    "bad_alloc",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device's memory, or the machine's, ran out.

    Example:
        >>> is_out_of_memory(RuntimeError("CUDA out of memory")), is_out_of_memory(RuntimeError("shapes differ"))
        (True, False)
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's
        return True
    of_library = isinstance(error, RuntimeError) or type(error).__module__.partition(".")[0] == "cv2"
    return of_library and any(sign in str(error).lower() for sign in SIGNS)


def give_back_memory() -> None:
    """Have the C library hand freed memory to the system; does nothing where it is not glibc.

    After a network has run on a large picture it keeps hundreds of megabytes that nothing uses.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return
