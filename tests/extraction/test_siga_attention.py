import numpy as np
import pytest
import torch

from glyphsr.config.extraction import ExtractConfig, KeyPointConfig
from glyphsr.config.recognizers import CRNNConfig, SIGAConfig
from glyphsr.errors import ConfigError
from glyphsr.extraction.localizers import describe_localizer
from glyphsr.extraction.recognizer_attention import TOO_LONG, UNKNOWN
from glyphsr.extraction.siga_attention import SIGAAttention, _in_frame
from glyphsr.glyphs.attention import AttentionLocalizer
from glyphsr.glyphs.word import prepare_word
from glyphsr.recognizers.crnn.network import CRNN
from glyphsr.recognizers.siga.network import SIGA
from glyphsr.weights.checkpoints import save_checkpoint

from ..helpers.drawn_words import draw_glyphs

CPU = torch.device("cpu")
SMALL = SIGAConfig(width=2, hidden=8)


def words_of(*texts):
    return [prepare_word(draw_glyphs(text)[0], text) for text in texts]


def siga():
    torch.manual_seed(0)
    return SIGA(SMALL).eval()


def test_glyph_attention_is_a_region_of_the_frame_for_each_character_that_siga_knows():
    words = words_of("oak", "A!b", "a" * 26)
    found = SIGAAttention(siga(), CPU).regions(words)
    assert [len(own) for own in found] == [3, 3, 26]
    assert found[1][1] == UNKNOWN
    assert found[2] == [TOO_LONG] * 26
    for region in (*found[0], found[1][0], found[1][2]):
        assert region.shape == words[0].ink.mask.shape[:1] + region.shape[1:]
        assert region.dtype == bool


def test_an_identity_grid_keeps_regions_where_they_are():
    y, x = np.mgrid[:32, :128]
    grid = np.stack([2 * x / 127 - 1, 2 * y / 31 - 1], axis=2).astype(np.float32)
    regions = np.zeros((1, 32, 128), bool)
    regions[0, 4:10, 20:30] = True
    assert np.array_equal(_in_frame(regions, grid, (32, 128)), regions)
    assert np.flatnonzero(_in_frame(regions, grid, (32, 64))[0].any(axis=0)).tolist() == list(range(10, 15))


class Fixed:
    """Position attention in one corner, glyph attention in the other."""

    def attend(self, words):
        spot = np.zeros((4, 8), np.float32)
        spot[0, 0] = 1.0
        return [[spot] * len(word.text) for word in words]

    def regions(self, words):
        region = np.zeros(words[0].ink.mask.shape, bool)
        region[-6:, -6:] = True
        return [[region] * len(word.text) for word in words]


def test_each_key_point_comes_from_its_own_attention():
    (word,) = words_of("x")
    (found,) = AttentionLocalizer(Fixed(), KeyPointConfig(min_area=0.0), Fixed(), separate=False).locate([word])
    height, width = word.ink.mask.shape
    first, second = found.points[0]
    assert first[0] < width / 4
    assert first[1] < height / 4
    assert second.tolist() == [width - 3.5, height - 3.5]
    assert found.attention[0].sum() == 36


def test_another_recognizer_has_no_foreground():
    with pytest.raises(ConfigError, match="expected SIGA, got crnn"):
        SIGAAttention(CRNN(CRNNConfig(width=4, hidden=8)), CPU)


def test_stored_weights_are_named_and_their_want_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    config = ExtractConfig(localizer="attention", recognizer="crnn-light-synth")
    without = describe_localizer(config)
    assert without.facts["glyphs"] == {"name": "kmeans"}
    assert any("no SIGA weights" in notice for notice in without.notices)
    save_checkpoint(tmp_path / "siga.safetensors", siga(), kind="recognizer", config=SMALL, card={})
    found = describe_localizer(config)
    assert found.facts["glyphs"]["weights"] == "siga.safetensors"


@pytest.mark.parametrize(
    "settings", [{"segmenter": "ink", "steps": (1.0,)}, {"localizer": "cuts", "recognizer": "aster"}]
)
def test_settings_without_effect_are_refused(settings):
    with pytest.raises(ValueError, match="of no effect"):
        ExtractConfig(**settings)


def test_the_papers_profile_is_the_paper():
    paper, standard = ExtractConfig(profile="paper"), ExtractConfig()
    assert (paper.squeezes, paper.line_fraction, paper.localizer_name, paper.separates) == (
        True,
        1.0,
        "attention",
        False,
    )
    assert (standard.squeezes, standard.line_fraction, standard.localizer_name) == (False, 0.5, "auto")
    assert standard.resolved == {
        "anchors": "paper",
        "rule": "paper",
        "refine": "none",
        "max_line_fraction": 0.5,
        "frame": "natural",
    }
