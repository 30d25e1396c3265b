"""A text that is given guides the network instead of what its prior reads."""

import numpy as np
import torch

from glyphsr.models.text_conditioning import condition_on_text
from glyphsr.weights.loading import load_model

from ..conftest import draw_word


def test_a_known_text_decides_what_the_prior_says_and_the_picture_where():
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
        assert model.prior(lr, ["!?"]).equal(own)  # nothing that it knows


def test_a_text_that_does_not_fit_has_no_prior():
    seen = torch.full((3, 4), 1 / 3)
    assert condition_on_text(seen, [1, 1, 2]) is not None
    assert condition_on_text(seen, [1, 1, 1]) is None  # between equal ones there is a blank
