"""A reader looks at each line before and after; what it read surely before has to be there after."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Literal

import numpy as np

from glyphsr.errors import GlyphSRError
from glyphsr.guard.comparison import compare
from glyphsr.images.resize import FloatImage
from glyphsr.ocr.line_readers import LineReader, open_line_reader
from glyphsr.types import Reading

GuardMode = Literal["auto", "off", "warn", "revert"]
"""``auto`` takes back as ``revert`` does, in lines of pages and in lines with digits; other lines are not read. Of
lines whose text is given it only reports."""

Action = Literal["kept", "warned", "reverted"]
"""The result is used, is used with a warning, or is not used."""

VISIBLE = 0.5 / 255
"""Half a step of 8 bits; a change of less is not read otherwise."""

ENGINE = "rapidocr"
FALLBACK_GUARD_READER = "ppocr-v6-small"
"""The engine's own recognizer, in the package: reads where the engine is not installed."""


@dataclass(frozen=True)
class Verdict:
    """What the reader made of one line."""

    reader: str
    before: Reading
    """Of bicubic."""
    after: Reading
    """Of the network's result."""
    action: Action
    reason: str | None
    """The issue that the check found; ``None`` for none."""
    milliseconds: float
    """This line's part of the time that the batch took."""


def default_reader() -> str:
    """The OCR engine where it is installed, else its recognizer in the package."""
    return ENGINE if find_spec("rapidocr") and find_spec("onnxruntime") else FALLBACK_GUARD_READER


class Guard:
    """Reads lines before and after.

    Args:
        mode: ``warn`` reports issues, ``auto`` and ``revert`` take the network's change back.
        reader: A reader by name or as ``NAME=FILE``; default :func:`default_reader`.
        device: Where recognizers of ours read: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        offline: Never fetch weights.

    Raises:
        ConfigError: If the reader is unknown or not installed.
        WeightsError: If its weights are not available.
    """

    def __init__(
        self, mode: GuardMode, *, reader: str | None = None, device: str = "cpu", offline: bool = False
    ) -> None:
        self.mode = mode
        self._name, self._device, self._offline = reader or default_reader(), device, offline
        if reader is not None:  # a missing one is an error before the work begins; the default one may never be needed
            _ = self.reader

    @cached_property
    def reader(self) -> LineReader:
        """Who reads; loaded when the first line is to be read."""
        return open_line_reader(self._name, device=self._device, offline=self._offline, option="--guard-reader")

    def review(
        self,
        before: Sequence[FloatImage],
        after: Sequence[FloatImage],
        *,
        given: Sequence[str | None],
        prior_text: Sequence[str | None],
    ) -> list[Verdict]:
        """One verdict per line.

        Args:
            before: Bicubic, ``(H, W, 3)`` float32 in [0, 1] each.
            after: The results, of the same sizes.
            given: What they say, where that is known.
            prior_text: What the network was to draw, where it was to draw anything.
        """
        if not before:
            return []
        # One call for all pictures: those before, then those that the network changed.
        started = time.monotonic()
        changed = [i for i in range(len(before)) if np.abs(after[i] - before[i]).max() > VISIBLE]
        read = self.read([*before, *(after[i] for i in changed)])
        was, now = read[: len(before)], read[: len(before)]
        for i, reading in zip(changed, read[len(before) :], strict=True):
            now[i] = reading

        each = round((time.monotonic() - started) * 1000 / len(before), 2)

        verdicts = []
        for i in range(len(before)):
            reason = compare(was[i], now[i], prior_text=prior_text[i], given=given[i])
            # Nothing to take back: the mode says so, the picture is unchanged, or its text was given.
            only_warns = self.mode == "warn" or i not in changed or (self.mode == "auto" and given[i])
            worse: Action = "warned" if only_warns else "reverted"
            action: Action = "kept" if reason is None else worse
            verdicts.append(Verdict(self.reader.name, was[i], now[i], action, reason, each))
        return verdicts

    def read(self, pictures: Sequence[FloatImage]) -> list[Reading]:
        """What the reader reads in pictures ``(H, W, 3)`` float32 in [0, 1]; nothing where it fails."""
        if not pictures:
            return []
        try:
            return self.reader.read(pictures)
        except GlyphSRError:
            raise
        except Exception:  # an engine's, e.g. of a picture of odd shape: the others are read all the same
            return [self._read_one(picture) for picture in pictures]

    def _read_one(self, picture: FloatImage) -> Reading:
        try:
            return self.reader.read([picture])[0]
        except Exception:
            return Reading("", 0.0)
