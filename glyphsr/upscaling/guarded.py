"""What the guard makes of upscaled lines: kept, as bicubic has them, or drawn anew."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from glyphsr.guard.guard import AS_BEFORE, VISIBLE, Guard
from glyphsr.images.resize import resize
from glyphsr.upscaling.line import Line, UpscaledLine


def guard_lines(
    guard: Guard,
    lines: Sequence[Line],
    upscaled: Sequence[UpscaledLine],
    draw: Callable[[Sequence[Line]], list[UpscaledLine]] | None,
) -> list[UpscaledLine]:
    """Each line with the guard's verdict, as bicubic where it took the change back, or drawn anew.

    Args:
        guard: Looks at each.
        lines: What was upscaled.
        upscaled: What became of it; lines that no network saw have no plan, and get no verdict.
        draw: Upscales lines whose text is given; ``None`` where the network cannot be told one.
    """
    seen = [i for i, result in enumerate(upscaled) if result.plan is not None]
    plain = [resize(lines[i].rgb, lines[i].size).clip(0, 1) for i in seen]
    readings = [upscaled[i].reading for i in seen]
    drawn = [reading.text if reading else None for reading in readings]
    verdicts = guard.review(plain, [upscaled[i].rgb for i in seen], [lines[i].text for i in seen], drawn)
    guarded = list(upscaled)
    for i, picture, verdict in zip(seen, plain, verdicts, strict=True):
        kept = picture if verdict.action in AS_BEFORE else upscaled[i].rgb
        guarded[i] = replace(upscaled[i], rgb=kept, verdict=verdict)
    if draw is None:
        return guarded
    agreed = [(i, verdict) for i, verdict in zip(seen, verdicts, strict=True) if verdict.agreed is not None]
    redrawn = draw([replace(lines[i], text=verdict.agreed) for i, verdict in agreed])
    anew = [
        (i, verdict, result)
        for (i, verdict), result in zip(agreed, redrawn, strict=True)
        if np.abs(result.rgb - upscaled[i].rgb).max() > VISIBLE
    ]
    seconds = guard.review_regenerated([verdict for _, verdict, _ in anew], [result.rgb for _, _, result in anew])
    for (i, _, result), second in zip(anew, seconds, strict=True):
        if second is not None:
            guarded[i] = replace(guarded[i], rgb=result.rgb, verdict=second)
    return guarded
