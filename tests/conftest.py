"""Small real things that tests share: a tiny model on disk, rendered words, an LMDB of four pairs."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.recognizers import CRNNConfig
from glyphsr.data.lmdb_pairs import close_deleted
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.recognizers.crnn.network import CRNN
from glyphsr.types import Sample
from glyphsr.weights.checkpoints import save_checkpoint

# Of several workers (pytest-xdist) each has one core. Processes that tests start have as many threads as the test
# itself: sums in another order are other numbers.
THREADS = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
torch.set_num_threads(THREADS)
os.environ["OMP_NUM_THREADS"] = str(THREADS)

ROOT = Path(__file__).parent.parent


def draw_word(text: str, height: int = 32) -> np.ndarray:
    """A word in PIL's built-in font, dark on light, ``(height, W, 3)`` uint8."""
    font = ImageFont.load_default(size=0.75 * height)
    width = int(font.getlength(text)) + height // 2
    image = Image.new("RGB", (width, height), (230, 225, 210))
    ImageDraw.Draw(image).text((height // 4, 0), text, (30, 20, 60), font=font)
    return np.asarray(image)


@pytest.fixture(autouse=True)
def closed_sets():
    """A test's folders are deleted after it, and new files may get the numbers of theirs."""
    yield
    close_deleted()


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    """Two SRBs of width 8, residual, any height 12..48, with a light CRNN prior."""
    off = GPMConfig(line=False, char=False, cls=False)
    network = GlyphSRConfig(
        num_srbs=2,
        width=8,
        prior_width=4,
        prior_hidden=(8, 8, 8),
        gfm_from=None,
        gpm=off,
        image_channels=3,
        output="residual",
        min_height=12,
        max_height=48,
        window_aspect=4.0,
    )
    return ModelConfig(network=network, prior=CRNNConfig(width=4, hidden=8, input_width=None, standardise=True))


@pytest.fixture(scope="session")
def tiny_weights(tiny_config, tmp_path_factory) -> Path:
    """A checkpoint of the tiny model whose network visibly changes the picture."""
    torch.manual_seed(7)
    model = SuperResolver.from_config(tiny_config)
    torch.nn.init.normal_(model.network.head.weight, std=0.01)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(path, model, kind="super_resolver", config=tiny_config, card={"strength": 0.5})
    return path


@pytest.fixture(scope="session")
def crnn_file(tmp_path_factory) -> Path:
    """A published CRNN's file, with random weights."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("published") / "crnn.pth"
    torch.save(CRNN().state_dict(), path)
    return path


@pytest.fixture(scope="session")
def words() -> list[Sample]:
    """Four words of different widths, with LR sides."""
    samples = []
    for i, text in enumerate(["OPEN", "Hotel", "42", "crossing"]):
        hr = draw_word(text)
        lr = np.asarray(Image.fromarray(hr).resize((hr.shape[1] // 2, 16), Image.Resampling.BICUBIC))
        samples.append(Sample(id=f"words/{i}", hr=hr, lr=lr, label=text))
    return samples


@pytest.fixture(scope="session")
def tiny_lmdb(words, tmp_path_factory) -> Path:
    """Four pairs written by our own writer."""
    path = tmp_path_factory.mktemp("data") / "train"
    write_pairs(path, words)
    return path


@pytest.fixture(scope="session")
def word_folder(words, tmp_path_factory) -> Path:
    """The same words as PNG files with annotations, three times over."""
    path = tmp_path_factory.mktemp("folder")
    rows = []
    for i, sample in enumerate(words * 3):
        Image.fromarray(sample.hr).save(path / f"{i}.png")
        rows.append({"file": f"{i}.png", "label": sample.label})
    (path / "annotations.json").write_text(json.dumps(rows))
    return path


@pytest.fixture
def picture(tmp_path) -> Path:
    """One small RGB PNG."""
    path = tmp_path / "word.png"
    Image.fromarray(draw_word("STOP", 20)).save(path)
    return path


@pytest.fixture
def named_words(tmp_path):
    """Four HR words whose names carry their texts."""
    folder = tmp_path / "words"
    folder.mkdir()
    for i, text in enumerate(["OPEN", "Hotel", "42", "exit"]):
        Image.fromarray(draw_word(text, 40)).save(folder / f"{text}_{i}.png")
    return folder
