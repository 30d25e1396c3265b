"""The change over bicubic is held back where the prior is unsure of the word."""

import numpy as np
import pytest
import torch
from PIL import Image

from glyphsr.config.model import ModelConfig, RestraintConfig
from glyphsr.config.networks import GlyphSRConfig, GPMConfig, TSRNConfig
from glyphsr.config.recognizers import CRNNConfig, CTCTransformerConfig
from glyphsr.config.training import TrainConfig
from glyphsr.models.confidence_gate import dilation_of, gate, same_spelling, word_confidence
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.text.charset import CHARSETS
from glyphsr.text.ctc import CTCCodec
from glyphsr.training.run_folder import RunFolder
from glyphsr.training.samples import draw_samples
from glyphsr.training.validation import Pair
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.checkpoints import save_checkpoint

CONFIG = RestraintConfig(low=0.4, high=0.8, floor=0.1)


def prior(ink: str, sure: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """CTC that is so sure of its first class, and columns with ink at every ``#``."""
    first = torch.tensor(sure)
    columns = torch.tensor([[0.0, 1.0] if mark == "#" else [1.0, 0.0] for mark in ink]).T
    return torch.stack([first, 1 - first])[None], columns[None]


def test_certainty_multiplies_the_steps_of_a_word():
    found = word_confidence(*prior("##.#....#", [0.9, 0.8, 1.0, 0.5, 1.0, 0.3, 1.0, 1.0, 0.7]), dilation=1)[0]
    one = 0.9 * 0.8 * 0.5
    assert torch.allclose(found, torch.tensor([one, one, one, one, one, 0, 0, 0.7, 0.7]), atol=1e-6)


def test_steps_between_two_symbols_leave_no_doubt_of_the_text():
    """Whether a step is still the letter or the blank behind it is no matter; whether it is another letter is."""
    columns = torch.tensor([[0.0, 1.0]] * 4).T[None]
    sure = torch.tensor([[[0.0, 0.5, 1.0, 1.0], [1.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    unsure = torch.tensor([[[0.0, 0.5, 1.0, 0.5], [1.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5]]])
    assert torch.allclose(word_confidence(sure, columns, dilation=1), torch.ones(1, 4), atol=1e-4)
    assert torch.allclose(word_confidence(unsure, columns, dilation=1), torch.full((1, 4), 0.5), atol=1e-4)


def test_either_case_of_a_letter_is_the_same_text():
    columns = torch.tensor([[0.0, 1.0]] * 3).T[None]
    cases = torch.tensor([[[0.0, 0.0, 1.0], [0.5, 0.4, 0.0], [0.5, 0.6, 0.0]]])
    assert word_confidence(cases, columns, dilation=1).max() < 0.4
    assert torch.allclose(word_confidence(cases, columns, dilation=1, case_map=(0, 1, 1)), torch.ones(1, 3), atol=1e-4)


def test_a_word_has_no_say_in_its_neighbours():
    ink = "#" * 20 + "." * 6 + "#" * 20
    sure = word_confidence(*prior(ink, [1.0] * 23 + [0.5] * 23), dilation=1)
    share = gate(sure, CONFIG, 46 * 4)[0, 0, 0]
    assert share.shape == (184,)
    assert torch.allclose(share[:80], torch.ones(80), atol=1e-5)
    assert torch.allclose(share[100:], torch.full((84,), 0.1), atol=1e-5)


def test_a_word_as_unsure_as_can_be_is_a_word():
    assert word_confidence(*prior("#" * 90, [0.3] * 90), dilation=1).min() > 0


def test_nothing_read_is_nothing_changed():
    sure = word_confidence(*prior("....", [1.0] * 4), dilation=1)
    assert gate(sure, CONFIG, 16).unique().tolist() == [pytest.approx(0.1)]


def test_between_low_and_high_the_share_is_linear():
    share = gate(torch.tensor([[0.6]]), CONFIG, 4)
    assert torch.allclose(share, torch.full((1, 1, 1, 4), 0.1 + 0.9 * 0.5), atol=1e-5)


def test_reach_is_an_eighth_of_the_height_whatever_the_size():
    assert [dilation_of(32, size) for size in ((16, 64), (32, 128), (96, 384))] == [1, 1, 1]
    assert dilation_of(64, (16, 64)) == 2
    assert dilation_of(2, (16, 64)) == 1


def spelled(path: str) -> torch.Tensor:
    """CTC's probabilities ``(1, 4, T)`` along a path of ``a``, ``b``, ``c`` and blanks."""
    return torch.eye(4)[["-abc".index(char) for char in path]].T[None]


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("-a-b-c-", "aa-bb-c", True),  # other steps, the same word
        ("-a-b-c-", "-a-b---", False),  # a letter less
        ("-a-b-c-", "-b-a-c-", False),
        ("-aa-b--", "-a-ab--", False),  # a doubled letter
        ("-------", "-------", True),
        ("-------", "---a---", False),
    ],
)
def test_words_agree_that_are_spelled_alike(first, second, alike):
    found = same_spelling(spelled(first), spelled(second), spelled("aaaaaaa"), dilation=0)
    assert found.tolist() == [[alike] * 7]


def test_case_is_of_no_matter_and_steps_may_be_others():
    first, second = spelled("-a-b-c-"), spelled("--aa---bb---cc")
    assert same_spelling(first, second, spelled("aaaaaaa"), dilation=0).all()
    other = spelled("--aa---bb---bb")
    assert not same_spelling(first, other, spelled("aaaaaaa"), dilation=0).any()
    assert same_spelling(first, other, spelled("aaaaaaa"), dilation=0, case_map=(0, 1, 2, 2)).all()
    assert same_spelling(first[:0], second[:0], first[:0], dilation=0).shape == (0, 7)
    codec = CTCCodec(CHARSETS[62])
    classes = codec.encode("aZ9")
    assert codec.decode([codec.lower_case[index] for index in classes]) == "az9"


def test_only_the_word_that_is_spelled_otherwise_is_held_back():
    ink = spelled("aaaaa------bbbbb")
    first, second = spelled("-a-b-------a-c--"), spelled("-a-b-------a-b--")
    assert same_spelling(first, second, ink, dilation=1)[0].tolist() == [True] * 6 + [False] * 10
    sure = word_confidence(first, ink, dilation=1) * same_spelling(first, second, ink, dilation=1)
    share = gate(sure, CONFIG, 64)[0, 0, 0]
    assert torch.allclose(share[:20], torch.ones(20), atol=1e-5)
    assert torch.allclose(share[30:], torch.full((34,), 0.1), atol=1e-5)


READER = CTCTransformerConfig(channels=(8, 8, 8), blocks=(1, 1), dim=16, depth=1, heads=2)


def model(restraint, reader=READER) -> SuperResolver:
    torch.manual_seed(0)
    off = GPMConfig(line=False, char=False, cls=False)
    network = GlyphSRConfig(
        num_srbs=1,
        width=8,
        prior_width=4,
        prior_hidden=(8, 8, 8),
        gfm_from=None,
        gpm=off,
        image_channels=3,
        output="residual",
        min_height=12,
        max_height=48,
    )
    built = SuperResolver.from_config(ModelConfig(network=network, prior=reader, restraint=restraint))
    torch.nn.init.normal_(built.network.head.weight, std=0.05)
    return built.eval()


def test_an_unsure_prior_leaves_bicubic_in_use_but_not_in_training():
    lr = torch.rand(2, 3, 16, 48)  # noise: nothing can be read in it, least of all by random weights
    plain = torch.nn.functional.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)
    restraint = RestraintConfig(low=0.5, high=0.9)
    free = model(None)(lr)
    held = model(restraint)(lr)
    part = model(restraint.model_copy(update={"floor": 0.25}))(lr)
    assert (free.sr - plain).abs().max() > 0.01
    assert free.gate is None
    assert torch.allclose(held.sr, plain, atol=1e-6)
    assert not held.gate.any()
    assert torch.allclose(part.sr, plain + 0.25 * (free.sr - plain), atol=1e-5)
    assert (model(restraint).train()(lr).sr - plain).abs().max() > 0.01


def sure_prior(built: SuperResolver, steps: int) -> torch.Tensor:
    """Certain of one character that fills the picture."""
    sure = torch.zeros(1, built.prior.num_classes, 1, steps)
    sure[:, 3] = sure[:, built.prior.recognizer.num_symbols + 3] = 1.0
    return sure


def test_a_sure_prior_lets_everything_through():
    held, free = model(RestraintConfig()), model(None)
    lr = torch.rand(1, 3, 16, 48)
    sure = sure_prior(held, 24)
    assert torch.allclose(held(lr, sure).sr, free(lr, sure).sr, atol=1e-6)
    assert held(lr, sure).gate.min() == 1


def test_what_is_read_otherwise_in_the_result_is_not_drawn():
    lr = torch.rand(1, 3, 16, 48)
    rereading = model(RestraintConfig(reread=True))
    assert not rereading(lr, sure_prior(rereading, 24)).gate.any()  # its own weights never read that in noise
    reader = rereading.prior.recognizer
    for head in (reader.symbols, reader.columns):
        torch.nn.init.zeros_(head.weight)
        head.bias.data = 20.0 * torch.nn.functional.one_hot(torch.tensor(3), len(head.bias)).float()
    for steps in (24, 20):  # as many as the picture has, and others
        assert rereading(lr, sure_prior(rereading, steps)).gate.min() == 1


@pytest.mark.parametrize("size", [(16, 60), (20, 700), (96, 300)])
def test_lines_of_any_size_stay_bicubic_where_nothing_is_read(size, tmp_path):
    built = model(RestraintConfig(low=0.9, high=0.99))
    path = tmp_path / "held.safetensors"
    save_checkpoint(path, built, kind="super_resolver", config=built.config, card={})
    picture = np.random.default_rng(0).random((*size, 3)).astype(np.float32)
    asked = [Line(picture, (2 * size[0], 2 * size[1]))]
    found = Upscaler(path, device="cpu").upscale_lines(asked)[0].rgb
    plain = Upscaler(path, device="cpu", strength=0.0).upscale_lines(asked)[0].rgb
    assert np.abs(found - plain).max() < 0.01  # windows end where their bicubic knows no neighbours


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match=r"more than low, 0\.8, got 0\.8"):
        RestraintConfig(low=0.8, high=0.8)
    for settings in ({}, {"network": TSRNConfig(), "prior": READER}, {"prior": CRNNConfig()}):
        with pytest.raises(ValueError, match="restraint: expected null"):
            ModelConfig(restraint=RestraintConfig(), **settings)
    with pytest.raises(ValueError, match="expected searched with a parseq prior"):
        ModelConfig(network=GlyphSRConfig(prior_layout="aligned"))


def test_a_training_runs_samples_show_what_is_held_back(tmp_path):
    built = model(RestraintConfig(low=0.9, high=0.99))
    noise = np.random.default_rng(0).integers(0, 256, (16, 48, 3), np.uint8)
    pairs = [Pair(noise, np.zeros((32, 96, 3), np.uint8), "a")]

    def sheet(name: str) -> np.ndarray:
        folder = RunFolder(tmp_path / name)
        folder.open()
        draw_samples(built, pairs, TrainConfig(model=built.config), folder, 1)
        folder.close()
        return np.asarray(Image.open(tmp_path / name / "samples" / "step-000001.png"))

    held = sheet("held")
    built.config = built.config.model_copy(update={"restraint": None})
    free = sheet("free")
    torch.nn.init.zeros_(built.network.head.weight)
    plain = sheet("plain")
    assert np.array_equal(held, plain)
    assert not np.array_equal(free, plain)
