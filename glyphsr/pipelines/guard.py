"""A second reader looks at each line before and after: changes of what can be read are told, or taken back."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, NamedTuple

import torch

from glyphsr.errors import ConfigError, GlyphSRError
from glyphsr.metrics.edit import edit_similarity
from glyphsr.pipelines.gain import has_little_to_gain
from glyphsr.pipelines.judges import Judge, open_judge
from glyphsr.pipelines.lines import Pixels
from glyphsr.text.charset import comparable
from glyphsr.types import Reading

GuardMode = Literal["off", "warn", "revert"]
Action = Literal["kept", "warned", "reverted", "left"]
"""The result is used, is used though it is in doubt, is not used since it is, or since it has little to gain."""

AS_BEFORE = ("reverted", "left")
"""Actions by which a line is as bicubic has it."""

DROP = 0.5
"""Loss of confidence in an unchanged reading from which a line is suspicious. On IIIT5K-LR's training words 0.3 took
back more gain and not one spoilt word more."""

SURE = 0.94
"""Confidence in the reading of bicubic from which a line that has little to gain is left as it is."""

OWN_READER = "crnn-light-synth"
"""Reads where no OCR engine is installed; the only one of ours that does not squash long lines."""


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
    """Why it is in doubt or left, ``None`` where it is neither."""
    milliseconds: float
    """Share of the batch's reading time."""


class Doubt(NamedTuple):
    """Why a result cannot be trusted."""

    reason: str
    is_worse: bool
    """Whether it reads worse than what it was made of; else it is as wrong as that was."""


def doubt(
    before: Reading, after: Reading, text: str | None = None, *, drawn: str | None = None, drop: float = DROP
) -> Doubt | None:
    """Why a result cannot be trusted; ``None`` where it can.

    A reading that changed is trusted only if it is what was to be drawn, and the reader is surer of it: a word that
    became readable is read with more confidence than the blur it was, a word that was spoilt with less.

    Args:
        before: Of bicubic.
        after: Of the result.
        text: What it says, where that is known.
        drawn: What the network was told to draw by its prior, where that is one reading of the whole line.
        drop: Loss of confidence from which an unchanged reading is suspicious.

    Example:
        >>> doubt(Reading("COMING", 0.98), Reading("COMINO", 0.91))
        Doubt(reason="reads 'COMINO' (0.91) instead of 'COMING' (0.98)", is_worse=True)
        >>> doubt(Reading("C0MlNC", 0.41), Reading("COMING", 0.97)) is None
        True
    """
    was, now, truth = comparable(before.text), comparable(after.text), comparable(text or "")
    said = f"reads {after.text!r} ({after.confidence:.2f})"
    if truth:
        if now == truth:
            return None
        return Doubt(f"{said}, not the given {text!r}", edit_similarity(now, truth) < edit_similarity(was, truth))
    if was != now:
        if drawn is not None and now != comparable(drawn):
            return Doubt(f"{said}, neither {before.text!r} as before nor {drawn!r} as drawn", is_worse=True)
        if after.confidence > before.confidence:
            return None
        return Doubt(f"{said} instead of {before.text!r} ({before.confidence:.2f})", is_worse=True)
    if before.confidence - after.confidence > drop:
        less = f"{after.confidence:.2f} instead of {before.confidence:.2f}"
        return Doubt(f"reads {after.text!r} with less confidence, {less}", is_worse=True)
    return None


def _stays(was: Reading, now: Reading, before: Pixels, after: Pixels) -> bool:
    """Whether a line that nothing is wrong with is better left as it was."""
    text = comparable(was.text)
    alike = bool(text) and text == comparable(now.text) and was.confidence >= SURE
    return alike and has_little_to_gain(before, after, len(text))


def default_reader() -> str:
    """The OCR engine of the ``ocr`` extra where it is installed, else the package's own recognizer."""
    return "rapidocr" if find_spec("rapidocr") and find_spec("onnxruntime") else OWN_READER


class Guard:
    """Reads lines before and after.

    Args:
        mode: ``warn`` tells, ``revert`` takes the network's change back, also where it has little to gain.
        reader: A judge by name or as ``NAME=FILE``; default :func:`default_reader`.
        device: Where recognizers of ours read.
        offline: Never fetch weights.

    Raises:
        ConfigError: If the reader is unknown or not installed.
        WeightsError: If its weights are not to be had.
    """

    def __init__(
        self, mode: GuardMode, *, reader: str | None = None, device: torch.device | None = None, offline: bool = False
    ) -> None:
        self.mode = mode
        try:
            self.judge: Judge = open_judge(reader or default_reader(), device or torch.device("cpu"), offline=offline)
        except ConfigError as error:
            raise ConfigError(str(error).replace("--recognizer", "--guard-reader")) from error

    def look(
        self,
        before: Sequence[Pixels],
        after: Sequence[Pixels],
        texts: Sequence[str | None] | None = None,
        drawn: Sequence[str | None] | None = None,
    ) -> list[Verdict]:
        """One verdict per line.

        Args:
            before: Bicubic, ``(H, W, 3)`` float32 in [0, 1] each.
            after: The results, of the same sizes.
            texts: What they say, where that is known.
            drawn: What the network was told to draw, where it was.
        """
        started = time.monotonic()
        read = self._read([*before, *after])
        each = (time.monotonic() - started) * 1000 / max(1, len(before))
        verdicts = []
        for i, (was, now) in enumerate(zip(read[: len(before)], read[len(before) :], strict=True)):
            found = doubt(was, now, texts[i] if texts else None, drawn=drawn[i] if drawn else None)
            action: Action = "kept" if found is None else "warned"
            if found is not None and found.is_worse and self.mode == "revert":
                action = "reverted"
            reason = None if found is None else found.reason
            known = bool(texts and comparable(texts[i] or ""))
            if self.mode == "revert" and found is None and not known and _stays(was, now, before[i], after[i]):
                action, reason = "left", f"reads {was.text!r} before and after, and has little to gain"
            verdicts.append(Verdict(self.judge.info.name, was, now, action, reason, round(each, 2)))
        return verdicts

    def _read(self, pictures: Sequence[Pixels]) -> list[Reading]:
        if not pictures:
            return []
        tensors = [torch.from_numpy(picture.copy()).permute(2, 0, 1) for picture in pictures]
        try:
            return self.judge.read(tensors)
        except GlyphSRError:
            raise
        except Exception:  # an engine's, e.g. of a picture of odd shape: the others are read all the same
            return [self._read_one(tensor) for tensor in tensors]

    def _read_one(self, picture: torch.Tensor) -> Reading:
        try:
            return self.judge.read([picture])[0]
        except Exception:
            return Reading("", 0.0)
