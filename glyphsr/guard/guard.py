"""A second reader looks at each line before and after: changes of what can be read are told, or taken back.

Of words the package's own judges are asked too: whether they read what was drawn, and, beside an OCR engine, what the
word said before, so that it can be drawn anew as most of them read it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from typing import Literal

import numpy as np
import torch

from glyphsr.errors import GlyphSRError
from glyphsr.guard.checks import Issue, apply_votes, apply_votes_to_weak_reader, check_number_marks, check_reading
from glyphsr.guard.consensus import consensus_text
from glyphsr.guard.dictionary import english_words
from glyphsr.guard.ensemble import MAJORITY, MEMBERS, ReaderEnsemble, count_agreeing, is_single_word
from glyphsr.guard.headroom import is_already_legible
from glyphsr.images.resize import FloatImage
from glyphsr.ocr.readers import EngineReader, Reader, open_reader
from glyphsr.text.charset import comparable
from glyphsr.types import Reading

GuardMode = Literal["off", "warn", "revert"]
Action = Literal["kept", "warned", "reverted", "left", "redrawn"]
"""The result is used, is used though in doubt, is not used since it is, is not used since it has little to gain, or is
drawn anew as most readers read the word before."""

AS_BEFORE = ("reverted", "left")
"""Actions by which a line is as bicubic has it."""

SURE = 0.94
"""Confidence in the reading of bicubic from which a line that has little to gain is left as it is."""

VISIBLE = 0.5 / 255
"""Half a step of 8 bits; a change of less is not read otherwise."""

FALLBACK_GUARD_READER = "crnn-light-synth"
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
    """Why it is in doubt, left or drawn anew; ``None`` where it is none of these."""
    milliseconds: float
    """Share of the time that it took to look at the batch."""
    agreed: str | None = None
    """What most readers agree that a word says before anything is drawn, where the result may be drawn anew as that."""


def default_reader() -> str:
    """The OCR engine of the ``ocr`` extra where it is installed, else the package's own recognizer."""
    return "rapidocr" if find_spec("rapidocr") and find_spec("onnxruntime") else FALLBACK_GUARD_READER


class Guard:
    """Reads lines before and after.

    Args:
        mode: ``warn`` tells, ``revert`` takes the network's change back, also where it has little to gain.
        reader: A judge by name or as ``NAME=FILE``; default :func:`default_reader`.
        device: Where recognizers of ours read.
        offline: Never fetch weights.

    Raises:
        ConfigError: If the reader is unknown or not installed, or the words beside it are not.
        WeightsError: If its weights are not to be had.
    """

    def __init__(
        self, mode: GuardMode, *, reader: str | None = None, device: torch.device | None = None, offline: bool = False
    ) -> None:
        self.mode = mode
        self._device = device or torch.device("cpu")
        name = default_reader() if reader is None else reader
        self.judge: Reader = open_reader(name, self._device, offline=offline, option="--guard-reader")
        self.has_engine = isinstance(self.judge, EngineReader)
        """Whether the reader is one. Others know no spaces, so that nobody tells words from phrases, on which votes
        mean less; and where there are no engines there is no list of words either, to say what may be drawn anew."""
        if self.has_engine:
            english_words()  # what is missing is told before anything is drawn

    @cached_property
    def ensemble(self) -> ReaderEnsemble:
        """Loaded with the first word."""
        return ReaderEnsemble(self._device)

    def review(
        self,
        before: Sequence[FloatImage],
        after: Sequence[FloatImage],
        given_texts: Sequence[str | None] | None = None,
        prior_text: Sequence[str | None] | None = None,
    ) -> list[Verdict]:
        """One verdict per line.

        Args:
            before: Bicubic, ``(H, W, 3)`` float32 in [0, 1] each.
            after: The results, of the same sizes.
            given_texts: What they say, where that is known.
            prior_text: What the network was told to draw, where it was.
        """
        started = time.monotonic()
        read = self._read([*before, *after])
        pairs = list(zip(read[: len(before)], read[len(before) :], strict=True))
        given = [text if comparable(text or "") else None for text in given_texts or [None] * len(pairs)]
        draws = prior_text or [None] * len(pairs)
        changed = [i for i in range(len(pairs)) if np.abs(after[i] - before[i]).max() > VISIBLE]
        words: dict[int, str] = {}
        for i, draw in enumerate(draws):
            was, now = pairs[i]
            if given[i] is None and draw is not None and is_single_word(after[i], draw, was.text, now.text):
                words[i] = draw
        found = [
            check_reading(*pairs[i], given[i], prior_text=draws[i], has_votes=i in words) for i in range(len(pairs))
        ]
        if words:
            waited = time.monotonic()
            _ = self.ensemble
            started += time.monotonic() - waited  # loading is no reading
        for i, judged in self._judged(after, [i for i in changed if i in words]).items():
            if self.has_engine:
                found[i] = apply_votes(found[i], pairs[i][1], count_agreeing(words[i], judged), words[i])
            else:
                found[i] = apply_votes_to_weak_reader(found[i], *pairs[i], judged, words[i])
        for i in changed:
            own = found[i]
            if own is None or not own.is_worse:
                found[i] = check_number_marks(*pairs[i], given[i]) or own
        left: dict[int, str] = {}
        agreed: dict[int, str | None] = {}
        if self.mode == "revert":
            free = [i for i in changed if found[i] is None and given[i] is None]
            judged_before = self._judged(before, [i for i in words if self.has_engine or i in free])
            left = self._left(free, before, after, pairs, words, judged_before)
            agreed = {
                i: consensus_text(pairs[i][0].text, judged, words[i])
                for i, judged in judged_before.items()
                if self.has_engine and i not in left
            }
        each = round((time.monotonic() - started) * 1000 / max(1, len(pairs)), 2)
        return [self._verdict(*pair, found[i], left.get(i), each, agreed.get(i)) for i, pair in enumerate(pairs)]

    def review_regenerated(self, verdicts: Sequence[Verdict], again: Sequence[FloatImage]) -> list[Verdict | None]:
        """Whether words drawn anew, as was agreed, are read as that by all voters.

        Args:
            verdicts: Of the words, each with its ``agreed``.
            again: The new results, ``(H, W, 3)`` float32 in [0, 1] each.

        Returns:
            What to say of those to use, ``None`` for those not to.
        """
        started = time.monotonic()
        read = self._read(again)
        judged = self._judged(again, list(range(len(again))))
        each = round((time.monotonic() - started) * 1000 / max(1, len(again)), 2)
        found: list[Verdict | None] = []
        for i, (verdict, now) in enumerate(zip(verdicts, read, strict=True)):
            assert verdict.agreed is not None
            if count_agreeing(verdict.agreed, judged[i]) < len(MEMBERS):
                found.append(None)
                continue
            reason = f"drawn anew as {verdict.agreed!r}, which most readers read before"
            time_taken = round(verdict.milliseconds + each, 2)
            found.append(replace(verdict, after=now, action="redrawn", reason=reason, milliseconds=time_taken))
        return found

    def _judged(self, pictures: Sequence[FloatImage], places: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """What the voters read in the pictures at those places."""
        if not places:
            return {}
        return dict(zip(places, self.ensemble.read([pictures[i] for i in places]), strict=True))

    def _left(
        self,
        places: Sequence[int],
        before: Sequence[FloatImage],
        after: Sequence[FloatImage],
        pairs: Sequence[tuple[Reading, Reading]],
        words: dict[int, str],
        judged: dict[int, tuple[str, ...]],
    ) -> dict[int, str]:
        """Which of the lines that nothing is wrong with are better left as they were, and why.

        They can be read as they are, a word by the majority of the voters and another line by the reader, and have
        little to gain.
        """
        reasons = {}
        for i in places:
            was, now = pairs[i]
            if i in words:
                text, votes = words[i], count_agreeing(words[i], judged[i])
                can_be_read = votes >= MAJORITY
                reason = f"has little to gain: {votes} of {len(MEMBERS)} judges read {text!r} before already"
            else:
                text = was.text
                can_be_read = comparable(text) == comparable(now.text) != "" and was.confidence >= SURE
                reason = f"reads {text!r} before and after, and has little to gain"
            if can_be_read and is_already_legible(before[i], after[i], len(comparable(text))):
                reasons[i] = reason
        return reasons

    def _verdict(
        self, was: Reading, now: Reading, found: Issue | None, left: str | None, milliseconds: float, agreed: str | None
    ) -> Verdict:
        action: Action = "kept"
        reason = None
        if found is not None:
            action = "reverted" if found.is_worse and self.mode == "revert" else "warned"
            reason = found.reason
        elif left is not None:
            action, reason = "left", left
        return Verdict(self.judge.info.name, was, now, action, reason, milliseconds, agreed)

    def _read(self, pictures: Sequence[FloatImage]) -> list[Reading]:
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
