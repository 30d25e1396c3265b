"""What the guard makes of upscaled lines: kept, or as bicubic has them."""

from collections.abc import Sequence
from dataclasses import replace

from glyphsr.guard.comparison import has_digits
from glyphsr.guard.guard import Guard
from glyphsr.images.resize import resize
from glyphsr.upscaling.line import Line, UpscaledLine


def guard_lines(guard: Guard, lines: Sequence[Line], upscaled: Sequence[UpscaledLine]) -> list[UpscaledLine]:
    """Each line that the guard looks at with its verdict, as bicubic where it took the change back.

    Args:
        guard: Looks at lines that a network saw; in mode ``auto`` at those of pages, those with digits, and those whose
            text is given.
        lines: What was upscaled.
        upscaled: What became of it.
    """
    seen = [
        i
        for i, (line, result) in enumerate(zip(lines, upscaled, strict=True))
        if result.plan is not None and (guard.mode != "auto" or _is_delicate(line, result))
    ]
    # Before is the plain enlargement: what the user would have without the network.
    plain = [resize(lines[i].rgb, lines[i].size).clip(0, 1) for i in seen]
    readings = [upscaled[i].reading for i in seen]
    verdicts = guard.review(
        plain,
        [upscaled[i].rgb for i in seen],
        given=[lines[i].text for i in seen],
        prior_text=[reading.text if reading else None for reading in readings],
    )

    guarded = list(upscaled)
    for i, picture, verdict in zip(seen, plain, verdicts, strict=True):
        guarded[i] = replace(upscaled[i], verdict=verdict)
        if verdict.action == "reverted":
            guarded[i] = replace(guarded[i], rgb=picture, change=0.0)
    return guarded


def _is_delicate(line: Line, result: UpscaledLine) -> bool:
    """Whether a wrong character would do harm that nobody notices."""
    reading = result.reading
    return line.on_page or line.text is not None or (reading is not None and has_digits(reading.text, reading.raw))
