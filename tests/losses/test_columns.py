"""Whose ink the columns show."""

import torch

from glyphsr.losses.columns import column_loss, column_targets
from glyphsr.text.ctc import CTCCodec
from glyphsr.types import GlyphTargets

CODEC = CTCCodec("abAB")


def glyphs(*columns: str, masked: tuple[bool, ...] = (True,)) -> GlyphTargets:
    """Masks of one row from strings: digits are slots, ``x`` ink without a slot, points no ink."""
    chars = torch.zeros(len(columns), 3, 2, len(columns[0]))
    line = torch.zeros(len(columns), 1, 2, len(columns[0]))
    for i, row in enumerate(columns):
        for x, mark in enumerate(row):
            if mark != ".":
                line[i, 0, 1, x] = 1
            if mark.isdigit():
                chars[i, int(mark), 1, x] = 1
    return GlyphTargets(line, chars, torch.tensor(masked))


def test_each_step_is_its_character_or_nothing():
    targets = column_targets(glyphs("00..11.2"), ["aB-b"], CODEC, 8)
    assert targets.tolist() == [[1, 1, 0, 0, 4, 4, 0, -1]]  # a mark that the codec does not know
    assert column_targets(glyphs("00..11.2"), ["aBb"], CODEC, 4).tolist() == [[1, 0, 4, 2]]


def test_ink_without_a_slot_and_words_without_masks_say_nothing():
    found = column_targets(glyphs("0.x1", "0.x1", masked=(True, False)), ["aB", "aB"], CODEC, 4)
    assert found.tolist() == [[1, 0, -1, 4], [-1] * 4]
    logits = torch.zeros(4, 2, 5)
    logits[2] = 1e4  # where nothing is said, nothing counts
    logits[:, 1] = -1e4
    logits[0, 0, 1] = logits[1, 0, 0] = logits[3, 0, 4] = 50.0
    assert column_loss(logits, found) < 1e-6
    assert column_loss(logits, torch.full((2, 4), -1)) == 0


def test_faint_ink_is_no_ink():
    faint = glyphs("0")
    faint = GlyphTargets(0.2 * faint.line, 0.2 * faint.chars, faint.masked)
    assert column_targets(faint, ["a"], CODEC, 1).tolist() == [[0]]


def test_the_loss_is_over_all_steps_of_the_words_that_are_taught():
    logits = torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[1, -1, 0], [2, 2, -1]])
    rows = logits.log_softmax(dim=2)
    expected = -(rows[0, 0, 1] + rows[2, 0, 0] + rows[0, 1, 2] + rows[1, 1, 2]) / 6
    assert torch.allclose(column_loss(logits, targets), expected)
    untaught = torch.cat([targets, torch.full((1, 3), -1)])
    assert torch.allclose(column_loss(torch.cat([logits, logits[:, :1]], dim=1), untaught), expected)
