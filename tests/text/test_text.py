import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphsr.text.charset import ALPHANUMERIC, LOWER_ALPHANUMERIC, PRINTABLE_94, filter_lower, filter_to
from glyphsr.text.ctc import BLANK, CTCCodec
from glyphsr.text.endings import IGNORED
from glyphsr.text.slots import SlotCodec
from glyphsr.text.tokens import EOS, AttentionCodec


def test_charsets_have_the_published_sizes_and_order():
    assert (len(LOWER_ALPHANUMERIC), len(ALPHANUMERIC), len(PRINTABLE_94)) == (36, 62, 94)
    assert len(set(PRINTABLE_94)) == 94
    assert PRINTABLE_94[:11] == "0123456789a"
    assert PRINTABLE_94[62:66] == '!"#$'


@pytest.mark.parametrize(
    ("text", "kept"), [("GlyphSR", "glyphsr"), ("Hello, World!", "helloworld"), ("straße", "strae"), ("   ", "")]
)
def test_filter_lower_keeps_digits_and_letters(text, kept):
    assert filter_lower(text) == kept


@given(st.text(alphabet=ALPHANUMERIC, max_size=12))
def test_ctc_decodes_what_it_encodes_with_blanks_between(text):
    codec = CTCCodec(ALPHANUMERIC)
    path = [step for index in codec.encode(text) for step in (index, index, BLANK)]
    assert codec.decode(path) == text


@given(st.text(alphabet=PRINTABLE_94, max_size=12))
def test_attention_codec_stops_at_the_end_symbol(text):
    codec = AttentionCodec(PRINTABLE_94)
    ids = [codec.charset.index(c) + 1 for c in text]
    assert codec.decode([codec.bos, *ids, EOS, 5, 6]) == text
    assert (codec.num_tokens, codec.num_classes) == (97, 95)


def test_ctc_folds_the_case_it_does_not_know():
    assert CTCCodec(LOWER_ALPHANUMERIC).encode("aA!") == [11, 11]
    assert filter_to("aA!", ALPHANUMERIC) == "aA"


def test_ctc_refuses_an_index_outside_its_classes():
    with pytest.raises(ValueError, match=r"0\.\.36, got 37"):
        CTCCodec(LOWER_ALPHANUMERIC).decode([37])


@given(st.text(), st.integers(2, 20), st.sampled_from(["characters_first", "end_first"]))
def test_slots_hold_the_filtered_text_and_its_end(text, slots, order):
    codec = SlotCodec(slots, order)
    row = codec.encode(text)
    known = filter_lower(text)[: slots - 1]
    assert len(row) == slots
    assert codec.decode(row) == known
    assert row[len(known)] == codec.end
    assert set(row[len(known) + 1 :]) <= {IGNORED}
    assert all(0 <= index < 37 for index in row[: len(known) + 1])


def test_slot_classes_follow_the_two_known_orders():
    assert SlotCodec().encode("0z")[:3] == [0, 35, 36]
    assert SlotCodec(order="end_first").encode("0z")[:3] == [1, 36, 0]
