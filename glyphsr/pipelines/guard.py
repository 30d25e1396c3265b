"""A second reader looks at each line before and after: changes of what can be read are told, or taken back.

Of words the package's own judges are asked too, whether they read what was drawn.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Literal, NamedTuple

import numpy as np
import torch

from glyphsr.errors import ConfigError, GlyphSRError
from glyphsr.metrics.edit import edit_similarity
from glyphsr.pipelines.gain import has_little_to_gain
from glyphsr.pipelines.judges import EngineJudge, Judge, open_judge
from glyphsr.pipelines.lines import Pixels
from glyphsr.pipelines.votes import MAJORITY, VOTERS, Voters, may_vote
from glyphsr.text.charset import comparable
from glyphsr.text.numbers import marked_numbers
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

VISIBLE = 0.5 / 255
"""Change of a pixel that an 8-bit file can show; where there is none, nothing can have become worse."""

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
    """Share of the time that it took to look at the batch."""


class Doubt(NamedTuple):
    """Why a result cannot be trusted."""

    reason: str
    is_worse: bool
    """Whether the result is better taken back: it reads worse than what it was made of, or not as it was drawn; else it
    is as wrong as that was."""


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


def outvoted(found: Doubt | None, after: Reading, votes: int, drawn: str) -> Doubt | None:
    """What remains of the reader's doubt of a word once the voters have read the result.

    All of them dispel it; fewer than the majority raise one.

    Args:
        found: The reader's own.
        after: What it reads in the result.
        votes: How many read what was drawn.
        drawn: That text.
    """
    if votes == len(VOTERS):
        return None
    if found is None and votes < MAJORITY:
        said = f"reads {after.text!r} ({after.confidence:.2f})"
        return Doubt(f"{said}, and {votes} of {len(VOTERS)} judges {drawn!r}, which was drawn", is_worse=True)
    return found


def changed_number(before: Reading, after: Reading, text: str | None = None) -> Doubt | None:
    """The doubt that a number has lost its mark, or has another; networks whose prior knows no marks wipe them out.

    Its digits are still there, so that neither the letters and digits nor the voters tell. Surer readings do not dispel
    it: the wrong number is as sharp as the right one was blurred. Numbers with other digits are left to :func:`doubt`.

    Args:
        before: Of bicubic.
        after: Of the result.
        text: What it says, where that is known; then only its numbers count.

    Example:
        >>> changed_number(Reading("2.85", 0.9), Reading("285", 1.0))
        Doubt(reason="reads '285' (1.00), and the number '2.85' (0.90) before", is_worse=True)
    """
    gone = Counter(marked_numbers(before.text)) - Counter(marked_numbers(after.text))
    wanted = marked_numbers(text) if text else gone
    lost = [number for number in gone if number in wanted and comparable(number) in comparable(after.text)]
    if not lost:
        return None
    said = f"reads {after.text!r} ({after.confidence:.2f}), and the number {lost[0]!r} ({before.confidence:.2f}) before"
    return Doubt(said, is_worse=True)


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
        self._device = device or torch.device("cpu")
        try:
            self.judge: Judge = open_judge(reader or default_reader(), self._device, offline=offline)
        except ConfigError as error:
            raise ConfigError(str(error).replace("--recognizer", "--guard-reader")) from error
        # Readers of ours know no spaces, so that nobody would tell words, on which there are votes, from phrases.
        self.has_votes = isinstance(self.judge, EngineJudge)

    @cached_property
    def voters(self) -> Voters:
        """Loaded with the first word."""
        return Voters(self._device)

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
        pairs = list(zip(read[: len(before)], read[len(before) :], strict=True))
        told = [text if comparable(text or "") else None for text in texts or [None] * len(pairs)]
        draws = drawn or [None] * len(pairs)
        found = [doubt(*pair, text, drawn=draw) for pair, text, draw in zip(pairs, told, draws, strict=True)]
        changed = [i for i in range(len(pairs)) if np.abs(after[i] - before[i]).max() > VISIBLE]
        words: dict[int, str] = {}
        for i in changed if self.has_votes else ():
            was, now = pairs[i]
            draw = draws[i]
            if told[i] is None and draw is not None and may_vote(after[i], draw, was.text, now.text):
                words[i] = draw
        if words:
            waited = time.monotonic()
            _ = self.voters
            started += time.monotonic() - waited  # loading is no reading
        for i, votes in self._count(after, words).items():
            found[i] = outvoted(found[i], pairs[i][1], votes, words[i])
        for i in changed:
            found[i] = found[i] or changed_number(*pairs[i], told[i])
        free = [i for i in changed if found[i] is None and told[i] is None]
        left = self._left(free, before, after, pairs, words) if self.mode == "revert" else {}
        each = round((time.monotonic() - started) * 1000 / max(1, len(pairs)), 2)
        return [self._verdict(*pair, found[i], left.get(i), each) for i, pair in enumerate(pairs)]

    def _count(self, pictures: Sequence[Pixels], words: dict[int, str]) -> dict[int, int]:
        """Votes for the words, by their places among the pictures."""
        if not words:
            return {}
        return dict(zip(words, self.voters.count([pictures[i] for i in words], list(words.values())), strict=True))

    def _left(
        self,
        places: Sequence[int],
        before: Sequence[Pixels],
        after: Sequence[Pixels],
        pairs: Sequence[tuple[Reading, Reading]],
        words: dict[int, str],
    ) -> dict[int, str]:
        """Which of the lines that nothing is wrong with are better left as they were, and why.

        They can be read as they are, a word by the majority of the voters and another line by the reader, and have
        little to gain.
        """
        texts: dict[int, str] = {}
        for i in places:
            was, now = pairs[i]
            surely = comparable(was.text) == comparable(now.text) and was.confidence >= SURE
            text = words.get(i, was.text if surely else "")
            if comparable(text) and has_little_to_gain(before[i], after[i], len(comparable(text))):
                texts[i] = text
        votes = self._count(before, {i: text for i, text in texts.items() if i in words})
        reasons = {}
        for i, text in texts.items():
            if i not in words:
                reasons[i] = f"reads {text!r} before and after, and has little to gain"
            elif votes[i] >= MAJORITY:
                reasons[i] = f"has little to gain: {votes[i]} of {len(VOTERS)} judges read {text!r} before already"
        return reasons

    def _verdict(
        self, was: Reading, now: Reading, found: Doubt | None, left: str | None, milliseconds: float
    ) -> Verdict:
        action: Action = "kept"
        reason = None
        if found is not None:
            action = "reverted" if found.is_worse and self.mode == "revert" else "warned"
            reason = found.reason
        elif left is not None:
            action, reason = "left", left
        return Verdict(self.judge.info.name, was, now, action, reason, milliseconds)

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
