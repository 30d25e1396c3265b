"""A mark in each result that tells with which settings it was made."""

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

from glyphsr._version import VERSION
from glyphsr.config.upscale import UpscaleConfig

SETTINGS = (
    *("weights", "prior_weights", "scale", "width", "height", "strength", "lexicon", "draw", "guard", "guard_reader"),
    *("text", "mode", "boxes", "min_text_height", "max_text_height", "quality"),
)
"""Those that a result depends on; where and how fast it is computed are none of them."""

FILES = ("weights", "prior_weights", "lexicon", "boxes")
"""Settings that may name a file, whose content counts."""

USUALLY = 1 << 12
"""Bytes at the beginning of a file in which the mark is, unless a large ICC profile is before it."""

SEARCHED = 1 << 16
"""Bytes at both ends of a file in which the mark is looked for."""

MARK = re.compile(rb"glyphsr [\w.+!-]{1,40} \(([0-9a-f]{12})\)")


@lru_cache(maxsize=16)
def settings_mark(config: UpscaleConfig) -> str:
    """Twelve hexadecimal digits that are others for other settings, or another version."""
    values = {name: getattr(config, name) for name in SETTINGS}
    for name in FILES:
        path = Path(str(values[name])) if values[name] else None
        if path is not None and path.is_file():
            with path.open("rb") as file:
                # Other weights under the same name are other settings.
                values[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(json.dumps([VERSION, values], default=str).encode()).hexdigest()[:12]


def read_mark(path: Path) -> str | None:
    """The mark in a result; ``None`` in files of others, and of formats that have no place for it.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        # Mostly one short read, since whole folders are looked through.
        head = file.read(USUALLY)
        found = MARK.search(head) or MARK.search(head + file.read(SEARCHED - USUALLY))
        if found is None:  # WebP has it at the end
            size = file.seek(0, 2)
            file.seek(max(0, size - SEARCHED))
            found = MARK.search(file.read())
    return found[1].decode() if found else None
