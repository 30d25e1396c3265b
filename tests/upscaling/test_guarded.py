"""Which lines the guard is shown, and what becomes of those that it takes back."""

import numpy as np
import pytest

from glyphsr.guard.guard import Verdict
from glyphsr.images.resize import resize
from glyphsr.images.tiling import plan_tiles
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.reading.word_readings import WordReading
from glyphsr.types import Reading
from glyphsr.upscaling.guarded import guard_lines
from glyphsr.upscaling.line import Line, UpscaledLine

SIZE = (32, 128)


class ScriptedGuard:
    """Takes the place of a reader's judgement: every line that it is shown gets one action."""

    def __init__(self, mode, action):
        self.mode, self.action = mode, action
        self.given, self.prior_text = [], []

    def review(self, before, after, *, given, prior_text):
        self.given, self.prior_text = list(given), list(prior_text)
        assert len(before) == len(after) == len(given) == len(prior_text)
        return [Verdict("script", Reading("a", 0.9), Reading("b", 0.9), self.action, None, 1.0) for _ in before]


def line(**more):
    return Line(np.random.default_rng(0).random((16, 64, 3), np.float32), SIZE, **more)


def result(text="word", *, seen=True):
    plan = plan_tiles(16, 64, GlyphSRConfig()) if seen else None
    return UpscaledLine(np.ones((*SIZE, 3), np.float32), plan, (WordReading(text, 0, 64, 0.9, text),), change=0.2)


def test_a_reverted_line_is_bicubic_and_a_warned_one_stays():
    for action, change in (("reverted", 0.0), ("warned", 0.2), ("kept", 0.2)):
        (found,) = guard_lines(ScriptedGuard("revert", action), [line()], [result()])
        expected = resize(line().rgb, SIZE).clip(0, 1) if action == "reverted" else result().rgb
        assert np.array_equal(found.rgb, expected)
        assert (found.change, found.verdict.action) == (change, action)


def test_lines_that_no_network_saw_are_not_shown():
    guard = ScriptedGuard("revert", "reverted")
    first, second = guard_lines(guard, [line(), line(text="given")], [result(seen=False), result()])
    assert first.verdict is None
    assert second.verdict is not None
    assert (guard.given, guard.prior_text) == (["given"], ["word"])


@pytest.mark.parametrize(
    ("source", "text", "is_shown"),
    [
        (line(), "word", False),
        (line(), "w0rd", True),
        (line(on_page=True), "word", True),
        (line(text="word"), "word", True),
    ],
)
def test_auto_shows_pages_digits_and_given_texts(source, text, is_shown):
    (found,) = guard_lines(ScriptedGuard("auto", "kept"), [source], [result(text)])
    assert (found.verdict is not None) == is_shown
