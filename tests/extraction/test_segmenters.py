import json

import numpy as np
import pytest
import torch

from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.recognizers import CRNNConfig, CTCTransformerConfig, MORANConfig, PARSeqConfig
from glyphsr.data.glyph_lmdb import GlyphLmdb
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.extraction import dataset_run, layout_check
from glyphsr.extraction.extract import extract, extract_glyphs
from glyphsr.extraction.layout_check import VERDICTS, compare_layouts
from glyphsr.extraction.localizers import STAND_IN_NOTICE, ComponentInfo, describe_localizer, open_localizer
from glyphsr.extraction.recognizer_attention import TOO_LONG, UNKNOWN, RecognizerAttention
from glyphsr.extraction.segmenters import describe_segmenter, open_segmenter
from glyphsr.glyphs.attention import AttentionLocalizer
from glyphsr.glyphs.segmentation_localizer import CutsLocalizer
from glyphsr.glyphs.word import prepare_word
from glyphsr.models.registry import build_recognizer
from glyphsr.weights.checkpoints import save_checkpoint

from ..helpers.drawn_words import draw_glyphs, tiny_sam
from ..helpers.lmdb import values

CUTS = ComponentInfo({"name": "cuts"})


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(dataset_run, "SAM_CHUNK", 2)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sam") / "tiny.pth"
    torch.save(tiny_sam().state_dict(), path)
    return path


def sam_config(sam_file, **changes):
    return ExtractConfig(segmenter="sam", sam_checkpoint=str(sam_file), localizer="cuts", workers=1, **changes)


def test_auto_is_ink_and_cuts_without_weights_and_says_so(own_cache):
    segmenter, localizer = describe_segmenter(ExtractConfig()), describe_localizer(ExtractConfig())
    assert (segmenter.facts, localizer.facts) == ({"name": "ink"}, {"name": "cuts"})
    assert "sam-vit-b" in segmenter.notices[0]
    assert "telescope" in localizer.notices[0]
    asked = ExtractConfig(segmenter="ink", localizer="cuts")
    assert not describe_segmenter(asked).notices + describe_localizer(asked).notices


def test_auto_is_sam_where_a_checkpoint_is_given_or_stored(sam_file, own_cache):
    given = describe_segmenter(ExtractConfig(sam_checkpoint=str(sam_file)))
    assert given.facts["name"] == "sam"
    assert len(given.facts["sha256"]) == 64
    own_cache.mkdir()
    (own_cache / "sam-vit-l.pth").write_bytes(sam_file.read_bytes())
    with pytest.raises(WeightsError, match="SHA-256"):  # it is found, and is not what the name stands for
        describe_segmenter(ExtractConfig())
    assert describe_segmenter(ExtractConfig(sam_type="vit_b")).facts == {"name": "ink"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "no SAM checkpoint here; `glyphsr models pull sam-vit-h`"),
        ({"sam_type": "vit_b", "offline": True}, "sam-vit-b: no weights here"),
        ({"sam_checkpoint": "nowhere.pth"}, "nowhere.pth: no such checkpoint"),
    ],
)
def test_sam_without_checkpoint_is_an_error(changes, message):
    with pytest.raises(WeightsError, match=message):
        describe_segmenter(ExtractConfig(segmenter="sam", **changes))


def test_another_type_is_an_error(sam_file):
    config = sam_config(sam_file, sam_type="vit_b")
    with pytest.raises(WeightsError, match="not vit_b"):
        open_segmenter(describe_segmenter(config), config)


def test_a_file_that_is_no_sam_is_an_error(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    config = sam_config(path)
    with pytest.raises(WeightsError, match="no Segment Anything checkpoint"):
        open_segmenter(describe_segmenter(config), config)


def test_sam_extracts_a_set_the_same_however_it_is_cut(sam_file, many, tmp_path):
    config = sam_config(sam_file, limit=5, threshold=0.0)
    run = extract(str(many), tmp_path / "one", config=config)
    for number in (2, 1):
        extract(str(many), tmp_path / "two", shard=f"{number}/2", config=config)
    first = values(tmp_path / "one")
    assert first == values(tmp_path / "two")
    manifest = GlyphLmdb(tmp_path / "one").manifest()
    assert manifest["segmenter"]["weights"] == "tiny.pth"
    assert manifest["segmenter"]["layout"] == "padded"
    assert manifest["segmenter"]["precision"] == "fp32"
    assert "path" not in manifest["segmenter"]
    assert run.reports[0].complete
    anchors = [glyph.anchor for i in range(5) for glyph in GlyphLmdb(tmp_path / "one")[i].glyphs]
    assert any(anchor is not None for anchor in anchors)


def test_a_checkpoint_that_is_refused_leaves_nothing_in_the_way(sam_file, many, tmp_path):
    wrong = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, wrong)
    with pytest.raises(WeightsError):
        extract(str(many), tmp_path / "glyphs", config=sam_config(wrong, limit=1))
    assert extract(str(many), tmp_path / "glyphs", config=sam_config(sam_file, limit=1)).reports[0].complete


def test_one_picture_from_python(sam_file):
    image, _ = draw_glyphs("oak")
    found = extract_glyphs(image, "oak", segmenter="sam", sam_checkpoint=str(sam_file), localizer="cuts")
    assert found.text == "oak"
    assert found.chars.shape == (3, *image.shape[:2])
    with pytest.raises(ConfigError, match="segmenter"):
        extract_glyphs(image, "oak", segmenter="sum")


def words_of(*texts):
    return [prepare_word(draw_glyphs(text, gap=5)[0], text) for text in texts]


def test_a_layout_that_changes_masks_is_not_used(sam_file, many, tmp_path, own_cache):
    config = sam_config(sam_file, limit=2, sam_layout="mosaic", threshold=0.0)
    report = extract(str(many), tmp_path / "glyphs", config=config).reports[0]
    assert report.segmenter["layout"] == "padded"
    assert any("its masks differ too much" in notice for notice in report.notices)
    assert not (own_cache / VERDICTS).exists()  # twenty words are too few to remember it


def test_a_verdict_is_remembered_and_one_that_passes_is_followed(sam_file, own_cache, monkeypatch):
    monkeypatch.setattr(layout_check, "WORDS", 3)
    config = sam_config(sam_file, sam_layout="crop", threshold=0.0)
    info = describe_segmenter(config)
    words = words_of("oak", "exit", "42")
    first = compare_layouts(words, CutsLocalizer(), info, config, located_by=CUTS)
    assert 0 < first.characters <= 9
    assert 0 <= first.tenth <= first.median <= 1
    measure = layout_check.extract_words
    monkeypatch.setattr(layout_check, "extract_words", None)  # recalled, not measured
    assert compare_layouts(words, CutsLocalizer(), info, config, located_by=CUTS) == first
    document = json.loads((own_cache / VERDICTS).read_text())
    document = {key: value | {"median": 0.96, "tenth": 0.86} for key, value in document.items()}
    (own_cache / VERDICTS).write_text(json.dumps(document))
    assert compare_layouts(words, CutsLocalizer(), info, config, located_by=CUTS).passed
    monkeypatch.setattr(layout_check, "extract_words", measure)
    other = config.model_copy(update={"threshold": 0.1})  # chooses other masks, so it has a verdict of its own
    compare_layouts(words, CutsLocalizer(), info, other, located_by=CUTS)
    assert len(json.loads((own_cache / VERDICTS).read_text())) == 2
    (own_cache / VERDICTS).write_text("{")
    assert compare_layouts(words, CutsLocalizer(), info, config, located_by=CUTS) == first


def test_a_layout_of_which_nothing_could_be_compared_does_not_pass(sam_file):
    config = sam_config(sam_file, sam_layout="crop", profile="robust", threshold=0.0)
    verdict = compare_layouts([], CutsLocalizer(), describe_segmenter(config), config, located_by=CUTS)
    assert (verdict.characters, verdict.passed) == (0, False)


def test_a_cache_that_cannot_be_written_loses_the_verdict_only(sam_file, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(layout_check, "WORDS", 1)
    config = sam_config(sam_file, sam_layout="crop", threshold=0.0)
    assert compare_layouts(
        words_of("oak"), CutsLocalizer(), describe_segmenter(config), config, located_by=CUTS
    ).characters


def test_the_exact_layout_agrees_with_itself(sam_file):
    config = sam_config(sam_file, sam_layout="padded", threshold=0.0)
    verdict = compare_layouts(
        words_of("oak", "exit"), CutsLocalizer(), describe_segmenter(config), config, located_by=CUTS
    )
    assert (verdict.median, verdict.tenth, verdict.passed) == (1.0, 1.0, True)


CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["crnn", "ctc_transformer", "moran", "parseq"])
def network(request):
    torch.manual_seed(0)
    configs = {
        "crnn": CRNNConfig(width=4, hidden=8, input_width=None),
        "ctc_transformer": CTCTransformerConfig(channels=(4, 4, 8), blocks=(1, 1), dim=16, depth=1, heads=2),
        "moran": MORANConfig(hidden=16),
        "parseq": PARSeqConfig(
            charset_size=36, embed_dim=16, encoder_depth=1, encoder_heads=2, decoder_heads=2, max_label_length=10
        ),
    }
    return build_recognizer(configs[request.param]).eval()


def test_every_known_character_has_a_map_and_order_is_kept(network):
    words = words_of("oak", "A!b", "a" * 30, "exit", "!?")
    maps = RecognizerAttention(network, "mean", CPU).attend(words)
    assert [len(own) for own in maps] == [3, 3, 30, 4, 2]
    assert maps[1][1] == UNKNOWN
    assert maps[4] == [UNKNOWN, UNKNOWN]
    assert all(isinstance(own, np.ndarray) and own.ndim == 2 for own in (*maps[0], *maps[3], maps[1][0], maps[1][2]))
    if network.max_length is not None:
        assert maps[2] == [TOO_LONG] * 30
    alone = RecognizerAttention(network, "mean", CPU).attend(words[3:4])[0]
    for own, together in zip(alone, maps[3], strict=True):
        np.testing.assert_allclose(own, together, atol=1e-5)


def test_attention_of_any_recognizer_locates(network):
    words = words_of("oak", "exit")
    config = ExtractConfig().key_points
    for word, found in zip(
        words, AttentionLocalizer(RecognizerAttention(network, "max", CPU), config).locate(words), strict=True
    ):
        assert found.points.shape == (len(word.text), 2, 2)
        assert np.isfinite(found.points).all()


def test_a_stored_recognizer_is_found_and_named(tmp_path):
    torch.manual_seed(0)
    config = CRNNConfig(width=4, hidden=8, input_width=None)
    path = tmp_path / "own.safetensors"
    save_checkpoint(path, build_recognizer(config), kind="recognizer", config=config, card={})
    settings = ExtractConfig(segmenter="ink", localizer="checked", recognizer=str(path), glyph_recognizer="kmeans")
    info = describe_localizer(settings)
    assert (info.facts["name"], info.facts["weights"], len(info.facts["sha256"])) == ("checked", "own.safetensors", 64)
    image, _ = draw_glyphs("oak", gap=5)
    found = open_localizer(info, settings).locate([prepare_word(image, "oak")])[0]
    assert len(found.sources) == 3
    extracted = extract_glyphs(image, "oak", **settings.model_dump(exclude_defaults=True))
    assert {glyph.source for glyph in extracted.glyphs} <= {"attention", "cuts"}


@pytest.mark.parametrize("name", ["compact", "crnn-synth"])
def test_a_ctc_recognizer_comes_with_a_warning(name):
    alone = describe_localizer(ExtractConfig(localizer="attention", recognizer=name, glyph_recognizer="kmeans"))
    assert "--localizer checked" in alone.notices[0]
    assert not describe_localizer(
        ExtractConfig(localizer="checked", recognizer=name, glyph_recognizer="kmeans")
    ).notices


def test_our_own_shows_where_characters_are_where_only_a_person_could_fetch_the_named_one(own_cache):
    info = describe_localizer(ExtractConfig(localizer="checked", glyph_recognizer="kmeans"))
    assert info.facts["weights"] == "crnn-synth.safetensors"
    assert info.notices == (STAND_IN_NOTICE.format("telescope", "crnn-synth"),)
    named = describe_localizer(
        ExtractConfig(localizer="checked", recognizer="crnn-light-synth", glyph_recognizer="kmeans")
    )
    assert (named.facts["weights"], named.notices) == ("crnn-light-synth.safetensors", ())
    with pytest.raises(WeightsError, match="parseq: no weights here"):
        describe_localizer(ExtractConfig(localizer="checked", recognizer="parseq", offline=True))
    with pytest.raises(WeightsError, match="did you mean 'telescope'"):
        describe_localizer(ExtractConfig(localizer="checked", recognizer="telescop"))
