"""What the Tab key offers behind options whose values are known."""

from collections.abc import Callable, Sequence

DEVICES = ("auto", "cpu", "cuda", "cuda:0", "mps")
SUBSETS = ("easy", "medium", "hard", "train", "train1", "train2")
FORMATS = ("png", "jpg", "webp", "tiff", "bmp")
READERS = ("rapidocr", "easyocr", "tesseract", "all")

Completion = Callable[[str], list[str]]


def _weights() -> list[str]:
    from glyphsr.weights.registry import entries

    return sorted(entries())


def _recognizers() -> list[str]:
    return [*READERS, *_weights()]


def weights_names(incomplete: str) -> list[str]:
    """Names of weights that begin so."""
    return [name for name in _weights() if name.startswith(incomplete)]


KNOWN: dict[str, Sequence[str] | Callable[[], list[str]]] = {
    "device": DEVICES,
    "split": SUBSETS,
    "lmdb": SUBSETS,
    "ext": FORMATS,
    "weights": _weights,
    "prior_weights": _weights,
    "recognizer": _recognizers,
    "guard_reader": _recognizers,
}
"""By the name of a setting."""


def completion(field: str, choices: Sequence[str]) -> Completion | None:
    """Completes the values of a setting; ``None`` where they are not known, and files are offered.

    Args:
        field: Name of the setting.
        choices: All its values, where it has so few.
    """
    known = choices or KNOWN.get(field)
    if not known:
        return None

    def complete(incomplete: str) -> list[str]:
        values = known() if callable(known) else known
        done, comma, last = incomplete.rpartition(",")
        return [f"{done}{comma}{value}" for value in values if value.startswith(last)]

    return complete
