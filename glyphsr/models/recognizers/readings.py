"""Readings of recognizers whose texts end with a class of their own."""

from torch import Tensor

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
