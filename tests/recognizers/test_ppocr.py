"""PP-OCR's recognizer: equal to the published file, cut to an alphabet of ours, a prior that knows places."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from glyphsr.config.recognizers import PPOCRConfig
from glyphsr.errors import WeightsError
from glyphsr.recognizers.ppocr.network import PPOCR
from glyphsr.recognizers.protocols import ColumnRecognizer, CTCRecognizer
from glyphsr.text.charset import PRINTABLE_95
from glyphsr.weights.hub import resolve
from glyphsr.weights.loading import load_recognizer
from glyphsr.weights.onnx_file import read_onnx
from glyphsr.weights.published import recognizer_from_official

from ..conftest import draw_word

spec = find_spec("rapidocr")
assert spec is not None
assert spec.origin is not None
PUBLISHED = Path(spec.origin).parent / "models" / "PP-OCRv6_rec_small.onnx"
"""The published file, as the package ``rapidocr`` ships it."""


@pytest.fixture(scope="module")
def session():
    return onnxruntime.InferenceSession(str(PUBLISHED))


@pytest.mark.parametrize(("seed", "width"), [(0, 160), (1, 328)])
def test_the_whole_head_equals_onnxruntime(session, seed, width):
    state, characters = read_onnx(PUBLISHED)
    network = recognizer_from_official(state, config=PPOCRConfig(alphabet=characters))
    picture = np.random.default_rng(seed).standard_normal((2, 3, 48, width)).astype(np.float32)
    expected = session.run(None, {"x": picture})[0]
    with torch.no_grad():
        found = network(torch.from_numpy(picture))[0].softmax(dim=2).transpose(0, 1).numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4


def test_the_bundled_weights_are_the_published_ones_cut_to_ascii(session):
    network = load_recognizer(resolve("ppocr-v6-small", offline=True))
    _, characters = read_onnx(PUBLISHED)
    picture = np.random.default_rng(2).standard_normal((1, 3, 48, 200)).astype(np.float32)
    kept = [0, *(characters.index(char) + 1 for char in PRINTABLE_95)]
    expected = session.run(None, {"x": picture})[0][0][:, kept]
    with torch.no_grad():
        found = network(torch.from_numpy(picture))[0].softmax(dim=2)[:, 0].numpy()
    # Stored in half precision, and without the other 18,614 classes in the softmax.
    assert np.abs(found - expected / expected.sum(axis=1, keepdims=True)).max() < 0.02


@pytest.mark.parametrize("text", ["2.85", "$40.07", "AX-7322", "Grass Roots"])
def test_points_hyphens_and_spaces_are_read(text):
    network = load_recognizer(resolve("ppocr-v6-small", offline=True))
    picture = torch.from_numpy(draw_word(text, 40).astype(np.float32) / 255).permute(2, 0, 1)[None]
    assert network.read(picture)[0].text == text


def test_it_can_be_a_prior_a_reader_and_a_teacher():
    torch.manual_seed(0)
    network = PPOCR().eval()
    assert isinstance(network, CTCRecognizer)
    assert isinstance(network, ColumnRecognizer)
    pictures = torch.rand(2, 3, 16, 64)
    found = network.probabilities(pictures)
    assert found.shape == (2, 2 * 96, network.steps_of(16, 64)) == (2, 192, 24)
    assert torch.allclose(found.sum(dim=1), torch.full((2, 24), 2.0), atol=1e-4)
    alone = network.probabilities(pictures[1:])
    assert torch.allclose(found[1:], alone, atol=1e-5)


def test_every_parameter_learns():
    torch.manual_seed(0)
    network = PPOCR()
    symbols, columns = network(network.prepare(torch.rand(2, 3, 16, 48)))
    (symbols.square().mean() + (columns - 1).square().mean()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() and p.grad.any() for p in network.parameters())


def test_files_that_are_no_onnx_are_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"model\.onnx"):
        load_recognizer(path)
    with pytest.raises(WeightsError, match="no class for"):
        read_onnx(PUBLISHED, "a\N{MUSICAL SYMBOL G CLEF}")
