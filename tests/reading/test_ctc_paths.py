"""Texts over all paths: the same numbers as torch's, without torch."""

import numpy as np
import pytest
import torch

from glyphsr.models.text_conditioning import condition_on_texts
from glyphsr.reading.ctc_paths import IMPOSSIBLE, log_likelihoods, place_text
from glyphsr.reading.gate import at_places

SEEN = torch.rand(6, 14, generator=torch.Generator().manual_seed(3), dtype=torch.float64).softmax(dim=0)
TEXTS = [[1, 2, 3], [4], [2, 2, 5], [1, 1, 1, 1, 1, 1, 1]]


def test_likelihoods_are_those_of_torchs_loss():
    steps = SEEN.shape[1]
    cost = torch.nn.functional.ctc_loss(
        SEEN.log().T[:, None].expand(-1, len(TEXTS), -1),
        torch.tensor([symbol for text in TEXTS for symbol in text]),
        torch.full((len(TEXTS),), steps),
        torch.tensor([len(text) for text in TEXTS]),
        reduction="none",
    )
    found = log_likelihoods(SEEN.log().numpy(), TEXTS)
    assert found == pytest.approx((-cost).numpy(), abs=1e-9)
    assert log_likelihoods(SEEN.log().numpy(), [[1] * 8])[0] <= IMPOSSIBLE / 2  # seven blanks between them


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_placed_as_in_training(text):
    expected, fits = condition_on_texts(SEEN[None].float(), [text])
    assert fits.all()
    assert place_text(SEEN.float().numpy(), text) == pytest.approx(expected[0].numpy(), abs=1e-5)


@pytest.mark.parametrize("text", [[], [1] * 8])
def test_what_does_not_fit_is_not_placed(text):
    assert place_text(SEEN.float().numpy(), text) is None


def test_values_between_places_are_those_that_torch_interpolates():
    values = np.random.default_rng(0).random((3, 7)).astype(np.float32)
    for count in (1, 5, 20):
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(values)[None], size=count, mode="linear", align_corners=False
        )
        places = (np.arange(count) + 0.5) * values.shape[1] / count - 0.5
        assert at_places(values, places) == pytest.approx(expected[0].numpy(), abs=1e-6)
