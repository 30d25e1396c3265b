"""A text that is given guides the network instead of what its prior reads."""

import numpy as np
import pytest
import torch

from glyphsr.models.text_conditioning import condition_on_texts
from glyphsr.weights.loading import load_model

from ..conftest import draw_word


def test_a_given_text_decides_what_the_prior_says_and_the_picture_where():
    model = load_model("compact", offline=True).model
    lr = torch.from_numpy(draw_word("STOP", 16).astype(np.float32) / 255).permute(2, 0, 1)[None]
    recognizer = model.prior.recognizer
    with torch.inference_mode():
        own = model.prior(lr)
        for text in ("STOP", "SHOP"):
            prior = model.prior(lr, [text])
            assert recognizer.decode(prior.squeeze(2))[0].text == text
            assert torch.allclose(prior.sum(dim=1), torch.full_like(prior.sum(dim=1), 2.0), atol=1e-3)
        assert model.prior(lr, [None]).equal(own)
        assert model.prior(lr, ["x" * 99]).equal(own)  # no room for it
        assert model.prior(lr, ["\N{SNOWMAN}"]).equal(own)  # nothing that it knows


def test_rows_are_conditioned_as_if_alone():
    seen = torch.rand(3, 5, 12, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    texts = [[1, 2, 3], [4], [2, 2]]
    together, fits = condition_on_texts(seen, texts)
    assert fits.all()
    for row, text in enumerate(texts):
        alone, _ = condition_on_texts(seen[row : row + 1], [text])
        assert torch.allclose(together[row], alone[0], atol=1e-6)
    assert torch.allclose(together.sum(dim=1), torch.ones(3, 12), atol=1e-5)


@pytest.mark.parametrize(("text", "fits"), [([1, 1, 2], True), ([1, 1, 1], False), ([], False)])
def test_a_text_that_does_not_fit_changes_nothing(text, fits):
    seen = torch.full((1, 3, 4), 1 / 3)  # between equal characters there is a blank
    found, fit = condition_on_texts(seen, [text])
    assert fit.tolist() == [fits]
    assert found.equal(seen) is not fits
