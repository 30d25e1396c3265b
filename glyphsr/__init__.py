"""GlyphSR: glyph-aware super-resolution of text images.

``upscale(image)`` and ``Upscaler`` work on arrays and PIL images, ``upscale_files`` on files and folders, ``train``
runs a training configuration, ``evaluate`` scores networks, ``extract_glyphs`` finds the mask of each character of a
word and ``extract`` those of a data set, ``synthesize`` renders data sets, ``visualize`` shows all of it. They are
imported when first used, so that ``import glyphsr`` is instant.
"""

from typing import TYPE_CHECKING, Any

from glyphsr import _version

if TYPE_CHECKING:
    from glyphsr.pipelines.evaluation import evaluate
    from glyphsr.pipelines.extraction import extract, extract_glyphs
    from glyphsr.pipelines.synthesis import synthesize
    from glyphsr.pipelines.training import train
    from glyphsr.pipelines.upscale_files import upscale_files
    from glyphsr.pipelines.upscaling import Upscaler, upscale
    from glyphsr.pipelines.visualization import visualize

__version__ = _version.VERSION

_HOMES = {
    "Upscaler": "glyphsr.pipelines.upscaling",
    "evaluate": "glyphsr.pipelines.evaluation",
    "extract": "glyphsr.pipelines.extraction",
    "extract_glyphs": "glyphsr.pipelines.extraction",
    "synthesize": "glyphsr.pipelines.synthesis",
    "train": "glyphsr.pipelines.training",
    "upscale": "glyphsr.pipelines.upscaling",
    "upscale_files": "glyphsr.pipelines.upscale_files",
    "visualize": "glyphsr.pipelines.visualization",
}

__all__ = [
    "Upscaler",
    "__version__",
    "evaluate",
    "extract",
    "extract_glyphs",
    "synthesize",
    "train",
    "upscale",
    "upscale_files",
    "visualize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glyphsr' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
