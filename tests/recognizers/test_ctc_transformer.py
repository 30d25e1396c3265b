"""The low-resolution recognizer: any width, learns from CTC and columns, and guides a network."""

import numpy as np
import pytest
import torch

from glyphsr.config.recognizers import CTCTransformerConfig
from glyphsr.losses.columns import column_loss, column_targets
from glyphsr.losses.ctc import ctc_loss
from glyphsr.recognizers.ctc_transformer.network import CTCTransformer
from glyphsr.recognizers.protocols import AttentionRecognizer, CTCRecognizer
from glyphsr.types import GlyphTargets

SMALL = CTCTransformerConfig(channels=(8, 16, 24), blocks=(1, 1), dim=32, depth=2, heads=4)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return CTCTransformer(SMALL).eval()


@pytest.mark.parametrize(("height", "width"), [(16, 64), (16, 50), (12, 33), (40, 200), (16, 3)])
def test_steps_follow_the_aspect(network, height, width):
    images = torch.rand(2, 3, height, width)
    prepared = network.prepare(images)
    assert prepared.shape[2] == 16
    assert abs(prepared.shape[3] - max(8, width * 16 / height)) <= 1
    assert prepared.shape[3] == 2 * network.steps_of(height, width)
    probabilities = network.probabilities(images)
    assert probabilities.shape == (2, network.num_classes, network.steps_of(height, width))
    for rows in probabilities.split(network.num_symbols, dim=1):  # each head is a distribution of its own
        assert torch.allclose(rows.sum(dim=1), torch.ones_like(rows[:, 0]), atol=1e-5)


def test_prepared_pictures_have_mean_0_and_deviation_1_whatever_their_contrast(network):
    dark = torch.rand(1, 3, 16, 40)
    prepared = network.prepare(torch.cat([dark, 0.4 + 0.5 * dark]))
    assert torch.allclose(prepared.mean(dim=(1, 2, 3)), torch.zeros(2), atol=1e-5)
    assert prepared.std(dim=(1, 2, 3)).min() > 0.7
    assert network.prepare(torch.full((1, 3, 16, 40), 0.3)).abs().max() < 1e-4  # an empty one stays empty


def test_company_in_the_batch_is_of_no_matter(network):
    images = torch.rand(3, 3, 16, 48)
    alone = torch.cat([network.probabilities(image[None]) for image in images])
    assert torch.allclose(network.probabilities(images), alone, atol=1e-5)


def test_every_step_sees_the_whole_line(network):
    images = torch.rand(1, 3, 16, 120)
    other = images.clone()
    other[:, :, :, -8:] = 0
    prepared = network.prepare(images), network.prepare(other)
    changed = (network.encode(prepared[0]) - network.encode(prepared[1])).abs().amax(dim=2)[0]
    assert changed[:5].min() > 1e-6


def bars(text: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture of one bar for each character, as high as the character is late in the alphabet, and their masks."""
    chars = np.zeros((len(text), 16, 8 * len(text) + 8), np.float32)
    for i, char in enumerate(text):
        chars[i, 15 - 3 * "abcd".index(char) - 2 :, 8 * i + 6 : 8 * i + 10] = 1
    return torch.from_numpy(np.repeat(chars.max(axis=0)[None], 3, axis=0)), torch.from_numpy(chars)


def test_learns_what_it_reads_and_where():
    torch.manual_seed(0)
    network = CTCTransformer(SMALL).train()
    texts = ["abca", "dcba", "bbdd", "cada"]
    drawn = [bars(text) for text in texts]
    images = torch.stack([image for image, _ in drawn])
    chars = torch.stack([masks for _, masks in drawn])
    glyphs = GlyphTargets(chars.amax(dim=1, keepdim=True), chars, torch.ones(4, dtype=torch.bool))
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(60):
        logits, columns = network(network.prepare(images))
        targets = column_targets(glyphs, texts, network.codec, len(columns))
        loss = ctc_loss(logits, texts, network.codec) + column_loss(columns, targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    assert [reading.text for reading in network.read(images)] == texts
    placed = network.probabilities(images)[:, network.num_symbols :].argmax(dim=1)
    assert (placed == targets).float().mean() > 0.95
    assert network.decode(network.probabilities(images)) == network.read(images)


def test_tells_where_characters_are_like_any_ctc_recognizer(network):
    assert isinstance(network, CTCRecognizer)
    assert isinstance(network, AttentionRecognizer)
    prepared = network.prepare(torch.rand(2, 3, 16, 64))
    taught = network.forward_teacher_forced(prepared, ["ab", "a-b"])
    assert taught.attention.shape == (2, 1, 2, 1, network.steps_of(16, 64))
    assert taught.targets.tolist() == [network.codec.encode("ab")] * 2
    assert taught.logits.shape[2] == network.num_symbols


def test_heads_must_share_the_width():
    with pytest.raises(ValueError, match="multiple of heads, 8, got 20"):
        CTCTransformerConfig(dim=20)
