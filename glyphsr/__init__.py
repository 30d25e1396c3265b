"""GlyphSR: glyph-aware super-resolution of text images.

``upscale(image)`` and ``Upscaler`` work on arrays and PIL images, ``upscale_files`` on files and folders, ``train``
runs a training configuration, ``evaluate`` scores networks, ``reproduce`` makes the paper's tables, ``extract_glyphs``
finds the mask of each character of a word and ``extract`` those of a data set, ``synthesize`` renders data sets,
``visualize`` shows all of it. They are imported when first used, so that ``import glyphsr`` is instant.
"""

from typing import TYPE_CHECKING, Any

from glyphsr import _version

if TYPE_CHECKING:
    from glyphsr.dataset_tools.synthesize import synthesize
    from glyphsr.evaluation.evaluator import evaluate
    from glyphsr.extraction.extract import extract, extract_glyphs
    from glyphsr.reproduction.reproduce import reproduce
    from glyphsr.training.train import train
    from glyphsr.upscaling.files import upscale_files
    from glyphsr.upscaling.upscaler import Upscaler, upscale
    from glyphsr.visualization.visualize import visualize

__version__ = _version.VERSION

_HOMES = {
    "Upscaler": "glyphsr.upscaling.upscaler",
    "evaluate": "glyphsr.evaluation.evaluator",
    "extract": "glyphsr.extraction.extract",
    "extract_glyphs": "glyphsr.extraction.extract",
    "reproduce": "glyphsr.reproduction.reproduce",
    "synthesize": "glyphsr.dataset_tools.synthesize",
    "train": "glyphsr.training.train",
    "upscale": "glyphsr.upscaling.upscaler",
    "upscale_files": "glyphsr.upscaling.files",
    "visualize": "glyphsr.visualization.visualize",
}

__all__ = [
    "Upscaler",
    "__version__",
    "evaluate",
    "extract",
    "extract_glyphs",
    "reproduce",
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
