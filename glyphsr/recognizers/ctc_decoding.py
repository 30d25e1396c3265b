"""Readings from class probabilities: of recognizers whose texts end with a class of their own, and of CTC."""

import torch
from torch import Tensor

from glyphsr.text.ctc import BLANK, CTCCodec
from glyphsr.text.endings import EndedCodec, length_with_end
from glyphsr.types import Reading


def ended_readings(probabilities: Tensor, classes: Tensor, codec: EndedCodec) -> list[Reading]:
    """Texts and how sure they are.

    Args:
        probabilities: ``(B, T)`` of the chosen class of each step.
        classes: ``(B, T)`` int64, the chosen classes.
        codec: Knows the end.

    Returns:
        One reading per row; the confidence multiplies the steps of the text and its end.
    """
    readings = []
    for row, chosen in zip(probabilities, classes.tolist(), strict=True):
        length = length_with_end(chosen, codec.end)
        readings.append(Reading(codec.decode(chosen), row[:length].prod().item()))
    return readings


def best_paths(probabilities: Tensor, codec: CTCCodec) -> list[Reading]:
    """Best path of each image through CTC's class probabilities ``(B, K, T)``.

    The confidence multiplies the probabilities of the path's characters.
    """
    best, paths = probabilities.max(dim=1)  # (B, T) each
    readings = []
    for probability, path in zip(best, paths, strict=True):
        # One factor per character: the first step of each run.
        starts = (path != BLANK) & (path != torch.cat([path.new_full((1,), BLANK), path[:-1]]))
        confidence = probability[starts].prod().item() if starts.any() else 0.0
        readings.append(Reading(codec.decode(path.tolist()), confidence))
    return readings
