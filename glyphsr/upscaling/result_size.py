"""Refuses results that would fill the memory."""

import math

from glyphsr.errors import PictureError
from glyphsr.images.reader import Picture
from glyphsr.safe_reading.limits import PICTURE_PIXELS

TOGETHER = 1.2
"""Of the limit of one picture, what a result and the picture it is made of may have together; both are in memory."""


def check_result(picture: Picture, size: tuple[int, int], name: str) -> None:
    """Refuse a result that is too large, or too large beside the picture it is made of.

    Args:
        picture: Before.
        size: ``(height, width)`` after.
        name: Of the picture, for the message.

    Raises:
        PictureError: Naming the factor that would do, and the variable that sets the limit.
    """
    given, made = picture.rgb.shape[0] * picture.rgb.shape[1], size[0] * size[1]
    limit, weight = PICTURE_PIXELS.value, picture.weight
    needed = math.ceil(weight * max(made, (given + made) / TOGETHER))
    if needed <= limit:
        return

    left = min(limit, TOGETHER * limit - weight * given) / weight
    factor = math.floor(100 * math.sqrt(max(0, left) / given)) / 100
    smaller = f"give --scale {factor:g}" if factor else "crop it"
    counted = "" if weight == 1 else f", each of which counts as {weight} for its transparency or its bits"
    raise PictureError(
        f"{name}: would become {size[1]} x {size[0]} pixels{counted}; at most {limit:,} are made, "
        f"{int(TOGETHER * limit):,} with those given: {smaller}, or set {PICTURE_PIXELS.variable}={needed}"
    )
