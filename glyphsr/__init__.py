"""GlyphSR: glyph-aware super-resolution of text images.

``upscale(image)``, ``upscale_page`` and ``Upscaler`` take a path, a PIL image or an array and return the picture with
what was done and read; ``read(image)`` gives the text before and after; ``upscale_files`` and
``read_files`` work on files and folders.
``train`` runs a training configuration, ``evaluate`` scores networks, ``reproduce`` makes the paper's tables,
``extract_glyphs`` finds the mask of each character of a word and ``extract`` those of a data set, ``synthesize``
renders data sets, ``visualize`` shows all of it. They are imported when first used, so that ``import glyphsr`` is
instant.
"""

from typing import TYPE_CHECKING, Any

from glyphsr import _version

if TYPE_CHECKING:
    from glyphsr.dataset_tools.synthesize import synthesize
    from glyphsr.evaluation.evaluate import evaluate
    from glyphsr.extraction.extract import extract, extract_glyphs
    from glyphsr.reproduction.reproduce import reproduce
    from glyphsr.training.train import train
    from glyphsr.upscaling.read_files import read_files
    from glyphsr.upscaling.reading import read
    from glyphsr.upscaling.result import UpscaleResult
    from glyphsr.upscaling.upscale import upscale, upscale_page
    from glyphsr.upscaling.upscale_files import upscale_files
    from glyphsr.upscaling.upscaler import Upscaler
    from glyphsr.visualization.visualize import visualize

__version__ = _version.VERSION

_HOMES = {
    "UpscaleResult": "glyphsr.upscaling.result",
    "Upscaler": "glyphsr.upscaling.upscaler",
    "evaluate": "glyphsr.evaluation.evaluate",
    "extract": "glyphsr.extraction.extract",
    "extract_glyphs": "glyphsr.extraction.extract",
    "read": "glyphsr.upscaling.reading",
    "read_files": "glyphsr.upscaling.read_files",
    "reproduce": "glyphsr.reproduction.reproduce",
    "synthesize": "glyphsr.dataset_tools.synthesize",
    "train": "glyphsr.training.train",
    "upscale": "glyphsr.upscaling.upscale",
    "upscale_files": "glyphsr.upscaling.upscale_files",
    "upscale_page": "glyphsr.upscaling.upscale",
    "visualize": "glyphsr.visualization.visualize",
}

__all__ = [
    "UpscaleResult",
    "Upscaler",
    "__version__",
    "evaluate",
    "extract",
    "extract_glyphs",
    "read",
    "read_files",
    "reproduce",
    "synthesize",
    "train",
    "upscale",
    "upscale_files",
    "upscale_page",
    "visualize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glyphsr' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
