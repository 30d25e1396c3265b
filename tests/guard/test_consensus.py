"""What most readers of a line agree on."""

import pytest

from glyphsr.guard.consensus import consensus_text


@pytest.mark.parametrize(
    ("read", "judged", "prior_text", "text"),
    [
        ("Hotel", ("hotel", "hotel", "motel"), "Hote1", "Hotel"),  # as the reader writes it
        ("hotel", ("hotel", "hotei", "motel"), "HOTEL", "HOTEL"),  # as the prior does
        ("HOTE", ("hotel", "hotel", "hotel"), "HOTEI", "HOTEL"),  # in capitals, as the prior's other reading is
        ("hote", ("hotel", "hotel", "hotel"), "Hote", "Hotel"),
        ("hote", ("hotel", "hotel", "hotel"), "hotei", "hotel"),
        ("HOTE", ("hotel", "hotel", "hotel"), "", "HOTEL"),
        ("Hotel", ("hotel", "motel", "motei"), "Hote1", None),  # two only
        ("onune", ("onune", "onune", "onune"), "onune", None),  # no word
        ("K9X", ("k9x", "k9x", "kgx"), "K9", "K9X"),  # which no list of words knows
        ("16.59", ("1659", "1659", "1659"), "1659", None),  # whose point would be lost
        ("", ("", "", ""), "", None),
    ],
)
def test_what_most_readers_agree_on(read, judged, prior_text, text):
    assert consensus_text(read, judged, prior_text) == text
