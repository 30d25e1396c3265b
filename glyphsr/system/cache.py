"""Where what was fetched or found out once is kept."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``$GLYPHSR_CACHE``, else the user's cache directory."""
    given = os.environ.get("GLYPHSR_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("glyphsr"))
