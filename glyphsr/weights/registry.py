"""Weights by name: bundled in the package, or stored in the user's cache."""

import os
from pathlib import Path

import platformdirs

from glyphsr.errors import WeightsError

BUNDLED_FOLDER = Path(__file__).parent / "bundled"
DEFAULT = "compact"
"""Name of the weights that ``upscale`` uses when nothing else is asked for."""


def bundled_names() -> list[str]:
    """Names of the weights in the package."""
    return sorted(path.stem for path in BUNDLED_FOLDER.glob("*.safetensors"))


def cache_folder() -> Path:
    """``$GLYPHSR_CACHE``, else the user's cache directory."""
    given = os.environ.get("GLYPHSR_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("glyphsr"))


def find_weights(name: str | Path) -> Path:
    """The file that a path or a name stands for: an explicit path, else bundled, else in the cache.

    Raises:
        WeightsError: If there is none; the message lists the names.
    """
    path = Path(name)
    if path.suffix or len(path.parts) > 1:
        if not path.is_file():
            raise WeightsError(f"{path}: no such checkpoint")
        return path
    for folder in (BUNDLED_FOLDER, cache_folder()):
        candidate = folder / f"{name}.safetensors"
        if candidate.is_file():
            return candidate
    raise WeightsError(
        f"{name}: no weights of this name; bundled are {', '.join(bundled_names()) or 'none'}, or give a file"
    )
