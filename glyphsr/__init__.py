"""GlyphSR: glyph-aware super-resolution of text images.

``upscale(image)`` and ``Upscaler`` work on arrays and PIL images, ``upscale_files`` on files and folders, ``train``
runs a training configuration, ``evaluate`` scores networks. They are imported when first used, so that
``import glyphsr`` is instant.
"""

from typing import TYPE_CHECKING, Any

from glyphsr import _version

if TYPE_CHECKING:
    from glyphsr.pipelines.evaluation import evaluate
    from glyphsr.pipelines.training import train
    from glyphsr.pipelines.upscale_files import upscale_files
    from glyphsr.pipelines.upscaling import Upscaler, upscale

__version__ = _version.VERSION

_HOMES = {
    "Upscaler": "glyphsr.pipelines.upscaling",
    "evaluate": "glyphsr.pipelines.evaluation",
    "train": "glyphsr.pipelines.training",
    "upscale": "glyphsr.pipelines.upscaling",
    "upscale_files": "glyphsr.pipelines.upscale_files",
}

__all__ = ["Upscaler", "__version__", "evaluate", "train", "upscale", "upscale_files"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glyphsr' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
