"""The loss of PEAN's prior enhancement module: priors of HR under noise, and their text."""

import torch
from torch import Tensor

from glyphsr.losses.ctc import ctc_loss
from glyphsr.models.pean.enhancer import PriorEnhancer
from glyphsr.models.text_prior import TextPriorGenerator
from glyphsr.text.charset import PRINTABLE_94, filter_lower
from glyphsr.text.ctc import CTCCodec
from glyphsr.training.objectives.terms import ForwardPass, WordTerm

CODEC = CTCCodec(PRINTABLE_94)
"""PARSeq's classes, its end of text in the place of the blank, as published."""


class PriorEnhancementTerm(WordTerm):
    """L1 of the enhanced prior to that of HR, and CTC of it against the label.

    Source: ``jdfxzzy/PEAN: model/tpem/model/model.py``.

    Args:
        weight: Factor on their sum.
        enhancer: Learns.
        generator: Reads HR; does not learn.
    """

    name = "prior_enhancement"

    def __init__(self, weight: float, enhancer: PriorEnhancer, generator: TextPriorGenerator) -> None:
        super().__init__(weight)
        self._parts = (enhancer, generator)  # in a tuple, so that both stay the model's

    def mean(self, seen: ForwardPass) -> Tensor:
        """Both."""
        enhancer, generator = self._parts
        assert seen.prior is not None
        # The target: what the prior reads on HR. (B, T, K)
        with torch.no_grad():
            clean = _steps(generator(seen.batch.hr))
        # The diffusion's input is detached, so that only the enhancer learns from this term.
        found = enhancer.recover(_steps(seen.prior).detach(), clean).float()

        # Read as letters and digits in lower case, like the scores.
        labels = [filter_lower(label) for label in seen.batch.labels]
        return (found - clean).abs().mean() + ctc_loss(found.transpose(0, 1), labels, CODEC)


def _steps(prior: Tensor) -> Tensor:
    """``(B, K, 1, T)`` -> ``(B, T, K)``."""
    return prior.squeeze(2).transpose(1, 2)
