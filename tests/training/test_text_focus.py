import pytest
import torch

from glyphsr.config.losses import LossConfig
from glyphsr.config.recognizers import (
    ASTERConfig,
    CRNNConfig,
    CTCTransformerConfig,
    MORANConfig,
    PARSeqConfig,
    TelescopeConfig,
)
from glyphsr.errors import WeightsError
from glyphsr.losses.confusion import load_distances
from glyphsr.losses.text_focus import attention_difference, confusion_weights, weighted_cross_entropy
from glyphsr.models.registry import build_recognizer
from glyphsr.training.objectives.text_focus import TextFocus, available_focus, open_text_focus
from glyphsr.types import Batch
from glyphsr.weights.checkpoints import save_checkpoint

RECOGNIZERS = {
    "crnn": CRNNConfig(width=4, hidden=8),
    "ctc_transformer": CTCTransformerConfig(channels=(4, 4, 8), blocks=(1, 1), dim=16, depth=1, heads=2),
    "parseq": PARSeqConfig(embed_dim=24, encoder_depth=1, encoder_heads=2, decoder_heads=2),
    "moran": MORANConfig(hidden=8),
    "aster": ASTERConfig(hidden=16, max_steps=30),
}


def focus_of(config, seed=0):
    torch.manual_seed(seed)
    return TextFocus(build_recognizer(config), load_distances())


def batch_of(labels, seed=0, **changes):
    generator = torch.Generator().manual_seed(seed)
    hr = torch.rand(len(labels), 3, 32, 128, generator=generator)
    return Batch(tuple(labels), hr[:, :, ::2, ::2], hr, tuple(labels), **changes)


@pytest.mark.parametrize("name", RECOGNIZERS)
def test_hr_itself_is_looked_at_alike_and_only_sr_is_taught(name):
    focus = focus_of(RECOGNIZERS[name]).train()
    training = {type(module) for module in focus.modules() if module.training}
    assert training <= {torch.nn.LSTM, torch.nn.GRU}  # which cuDNN differentiates in training mode only
    batch = batch_of(["Hotel", "a-1", ""])
    same = focus(batch.hr, batch)
    assert float(same.attention) == pytest.approx(0.0, abs=1e-6)
    sr = (0.5 * batch.hr).requires_grad_(True)
    seen = focus(sr, batch)
    (seen.attention + seen.confusion).backward()
    assert float(seen.attention.detach()) > 0
    assert float(seen.confusion.detach()) > 0
    assert torch.isfinite(sr.grad).all()
    assert sr.grad[0].any()
    assert all(parameter.grad is None for parameter in focus.parameters())
    assert focus.counts(batch) == (
        (2, 7) if name in ("crnn", "ctc_transformer") else (3, 10)
    )  # CTC has nothing to say of an empty word


def test_telescope_gives_the_published_form():
    """All heads, steps and places of the padded texts count in the attention, valid characters in the other term."""
    torch.manual_seed(0)
    recognizer = build_recognizer(TelescopeConfig()).eval()
    focus = TextFocus(recognizer, load_distances())
    batch = batch_of(["ab!", "C"])
    sr = 0.3 + 0.4 * batch.hr
    with torch.no_grad():
        seen = focus(sr, batch)
        taught = [recognizer.forward_teacher_forced(recognizer.prepare(side), ["ab", "c"]) for side in (sr, batch.hr)]
    assert taught[0].attention.shape == (2, 16, 3, 8, 32)
    assert torch.equal(seen.attention, attention_difference(taught[0].attention, taught[1].attention))
    valid = taught[0].targets >= 0
    weights = confusion_weights(load_distances())
    expected = weighted_cross_entropy(taught[0].logits[valid], taught[0].targets[valid], weights)
    assert float(seen.confusion) == pytest.approx(float(expected), rel=1e-5)
    assert focus.counts(batch) == (2, 5)
    longer = batch_of(["ab!", "C"], longest_label=6)
    with torch.no_grad():
        padded = focus(sr, longer)  # a part of a batch whose longest word has six characters
    assert float(padded.confusion) == pytest.approx(float(seen.confusion), rel=1e-4)
    assert not torch.equal(padded.attention, seen.attention)


@pytest.mark.parametrize("term", ["attention", "confusion"])
@pytest.mark.parametrize(("name", "scale"), [("crnn", 1.6), ("parseq", 1.0), ("moran", 1.2), ("aster", 1.3)])
def test_the_derivative_is_that_of_finite_differences(name, scale, term):
    focus = focus_of(RECOGNIZERS[name]).double()
    batch = batch_of(["Open"])
    batch = Batch(batch.ids, batch.lr.double(), batch.hr.double(), batch.labels)
    with torch.no_grad():  # random weights hardly look at the picture; larger ones do
        for parameter in focus.recognizer.parameters():
            parameter.mul_(scale)
    generator = torch.Generator().manual_seed(5)
    sr = torch.rand(batch.hr.shape, dtype=torch.float64, generator=generator).requires_grad_(True)

    def total(x):
        return getattr(focus(x, batch), term)

    total(sr).backward()
    slope = float(sr.grad.norm())
    step = 1e-4 * sr.grad / slope
    with torch.no_grad():
        difference = float(total(sr + step) - total(sr - step)) / 2e-4
    assert slope > 1e-6
    assert difference == pytest.approx(slope, rel=1e-2)


def test_words_that_are_too_long_are_left_out():
    focus = focus_of(RECOGNIZERS["parseq"])
    seen = focus(batch_of(["x" * 26, "ab"]).hr, batch_of(["x" * 26, "ab"], longest_label=26))
    assert focus.counts(batch_of(["x" * 26, "ab"])) == (1, 3)
    alone = focus(batch_of(["ab"], longest_label=26).hr[:1], batch_of(["ab"], longest_label=26))
    assert torch.isfinite(seen.confusion)
    assert torch.isfinite(alone.confusion)
    none = focus(batch_of(["x" * 26]).hr, batch_of(["x" * 26]))
    assert (focus.counts(batch_of(["x" * 26])), float(none.attention)) == ((0, 0), 0.0)
    ctc = focus_of(RECOGNIZERS["crnn"])
    assert ctc.counts(batch_of(["x" * 13, "x" * 14, "ab" * 13])) == (2, 39)  # 26 steps; a repeat needs one between


def test_case_is_kept_where_the_recognizer_knows_it():
    assert focus_of(RECOGNIZERS["crnn"]).target_text("It's-5 O") == "its5o"
    assert focus_of(RECOGNIZERS["aster"]).target_text("It's-5 O") == "Its5O"


def test_one_cell_of_attention_counts_alike_on_every_grid():
    """The published mean runs over 256 places; fewer places must not make the same shift dearer."""
    torch.manual_seed(0)
    narrow = TextFocus(build_recognizer(RECOGNIZERS["crnn"]), load_distances())
    batch = batch_of(["abc", "d"])
    sr = 0.5 * batch.hr
    with torch.no_grad():
        seen, taught = (
            narrow(sr, batch),
            [
                narrow.recognizer.forward_teacher_forced(narrow.recognizer.prepare(side), ["abc", "d"]).attention
                for side in (sr, batch.hr)
            ],
        )
    moved = (taught[0] - taught[1]).abs().flatten(3).sum(dim=3).mean()
    assert float(seen.attention) == pytest.approx(float(moved) / 256, rel=1e-4)


def test_stand_ins_are_named_and_missing_ones_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    notes = []
    with pytest.raises(WeightsError, match=r"focus_recognizer: telescope: no weights here"):
        open_text_focus(LossConfig(), notes.append, offline=True)
    open_text_focus(LossConfig(focus_recognizer="crnn-light-synth"), notes.append)
    assert "crnn from crnn-light-synth.safetensors stands in for Telescope, by its CTC alignment" in notes[0]
    path = tmp_path / "aster.safetensors"
    network = build_recognizer(RECOGNIZERS["aster"])
    save_checkpoint(path, network, kind="recognizer", config=network.config, card={})
    both = open_text_focus(LossConfig(focus_recognizer=(str(path), "crnn-light-synth"), attention=0.0), notes.append)
    assert [(focus.recognizer.config.kind, focus.attends) for focus in both] == [("aster", False), ("crnn", False)]
    assert "aster from aster.safetensors stands in for Telescope, by its teacher-forced attention" in notes[1]


def test_our_own_takes_the_place_of_a_recognizer_that_only_a_person_can_fetch(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    notes = []
    paper = available_focus(LossConfig(), notes.append)
    assert paper == LossConfig(focus_recognizer="crnn-synth")
    both = LossConfig(focus_recognizer=("telescope", "crnn-light-synth"))
    assert available_focus(both, notes.append).focus_recognizer == ("crnn-synth", "crnn-light-synth")
    assert len(notes) == 2
    assert "no telescope weights are here, so crnn-synth, our own, takes their place" in notes.pop()
    notes.clear()
    with pytest.raises(WeightsError, match=r"loss\.focus_recognizer: telescop: no weights of this name"):
        available_focus(LossConfig(focus_recognizer="telescop"), notes.append)
    tsrn = LossConfig(focus_recognizer="tsrn")  # no recognizer, so nothing takes its place
    assert available_focus(tsrn, notes.append) is tsrn
    for named in (LossConfig(focus_recognizer="crnn-light-synth"), LossConfig(focus_recognizer="parseq")):
        assert available_focus(named, notes.append) is named  # available, or to be fetched
    path = tmp_path / "cache" / "telescope.safetensors"
    path.parent.mkdir()
    network = build_recognizer(TelescopeConfig())
    save_checkpoint(path, network, kind="recognizer", config=network.config, card={})
    assert available_focus(LossConfig(), notes.append).focus_recognizer == "telescope"
    assert not notes
