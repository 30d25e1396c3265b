"""What a report of ``upscale`` says of a line or a page, from what was made of it."""

from typing import Any

import numpy as np

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.guard.guard import Verdict
from glyphsr.upscaling.line import UpscaledLine
from glyphsr.upscaling.pages import UpscaledPage
from glyphsr.upscaling.report import RegionReport


def fields_of(result: UpscaledLine | UpscaledPage, strength: float) -> dict[str, Any]:
    """How it was made, what was read, and what the guard says; ``strength`` is the network's."""
    return _page_fields(result, strength) if isinstance(result, UpscaledPage) else _line_fields(result, strength)


def _line_fields(result: UpscaledLine, strength: float) -> dict[str, Any]:
    """What a report says of a picture that is one line."""
    confidence = float(np.prod([reading.confidence for reading in result.readings])) if result.readings else None
    return {
        "method": "network" if result.plan else "bicubic",
        "windows": len(result.plan.starts) if result.plan else 0,
        "strength": strength if result.plan else 0.0,
        "prior_text": " | ".join(reading.text for reading in result.readings) if result.readings else None,
        "prior_confidence": None if confidence is None else round(confidence, 4),
        **_verdict_fields(result.verdict),
    }


def _page_fields(result: UpscaledPage, strength: float) -> dict[str, Any]:
    """What it says of a page."""
    enlarged = any(region.line is not None for region in result.regions)
    regions = tuple(
        RegionReport(
            box=region.quad.round(2).tolist(),
            text_height=region.text_height,
            action=region.action,
            prior_text=region.reading,
            **_verdict_fields(region.verdict),
        )
        for region in result.regions
    )
    return {
        "method": "network" if enlarged else "lanczos",
        "strength": strength if enlarged else 0.0,
        "regions": regions,
    }


def notes_of(result: UpscaledLine | UpscaledPage, config: UpscaleConfig) -> list[str]:
    """Why the network did not see a picture, or was not told its text."""
    if isinstance(result, UpscaledLine):
        if result.plan is None:
            return ["too small to hold text; enlarged by bicubic"]
        split = bool(config.text) and len(result.plan.starts) > 1
        return ["so long a line is not told its text"] if split else []
    if not result.regions:
        return ["no text found; enlarged by Lanczos alone"]
    left = sum(region.line is None for region in result.regions)
    notes = [f"{left} of {len(result.regions)} lines left to plain enlargement"] if left else []
    if config.text and len(result.regions) > 1:
        notes.append(
            f"--text is not used, since there are {len(result.regions)} lines; give --boxes with a text for each"
        )
    return notes


def _verdict_fields(verdict: Verdict | None) -> dict[str, Any]:
    """What a report says of the guard's reading."""
    if verdict is None:
        return {}
    return {
        "guard_reader": verdict.reader,
        "read_before": verdict.before.text,
        "read_before_confidence": round(verdict.before.confidence, 4),
        "read_after": verdict.after.text,
        "read_after_confidence": round(verdict.after.confidence, 4),
        "guard": verdict.action,
        "guard_reason": verdict.reason,
        "guard_ms": verdict.milliseconds,
    }
