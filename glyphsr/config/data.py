"""Where the words of a training run come from, and how they become batches."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from glyphsr.config.base import FORMERLY_SHARES, Config, formerly
from glyphsr.config.degradation import DegradationConfig
from glyphsr.config.ranges import Fraction, NonNegative
from glyphsr.config.rendering import RenderConfig

LineSide = Annotated[int, Field(ge=8)]
"""Pixels; networks take nothing smaller."""


class FolderSource(Config):
    """HR word pictures in a folder, with a label file or with their texts in their names."""

    kind: Literal["folder"] = "folder"
    path: str
    """Folder; a relative one is looked up from the working directory. ``${NAME}`` is an environment variable."""
    weight: NonNegative = 1.0
    """Fraction of the samples that come from here, relative to the other sources."""
    group: str | None = None
    """Regular expression: pictures in whose file names it finds the same are held out together, e.g. ``^[^_]+`` where
    ``1009_2.png`` is the second word of photograph 1009. Null holds out each by itself."""
    recombine: Annotated[Fraction, formerly("remix", now="recombine")] = 0.0
    """Fraction of the words of which a part is shown, or their characters in another order, where they have masks of
    their characters and a loss of the run learns from such."""
    color_jitter: Annotated[Fraction, formerly("recolour", now="color_jitter")] = 0.0
    """Fraction of the words that are shown in other colours."""
    warp: Annotated[Fraction, formerly("distort", now="warp")] = 0.0
    """Fraction of the words that are shown at another angle and cropped otherwise."""
    glyphs: str | None = None
    """Glyph LMDB of these words, or a folder that holds it; null looks for ``<name>-glyphs`` beside them."""

    @field_validator("group")
    @classmethod
    def _check_group(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"expected a regular expression, got {value!r}: {error}") from error
        return value


class LmdbSource(Config):
    """LR/HR pairs in TextZoom's LMDB layout."""

    kind: Literal["lmdb"] = "lmdb"
    path: str
    """The environment's folder, or ``train`` / ``train1`` ... under the data root. ``${NAME}`` is an environment
    variable."""
    weight: NonNegative = 1.0
    """Fraction of the samples that come from here, relative to the other sources."""
    group: str | None = None
    """As :attr:`FolderSource.group`, of the names that the environment keeps as ``source-%09d``; null holds out each
    sample by its number."""
    paired: bool = True
    """Use the stored LR side; else degrade the HR side on the fly."""
    glyphs: str | None = None
    """Glyph LMDB of these words, or a folder that holds it; null looks for ``<name>-glyphs`` beside them."""


class RenderedSource(Config):
    """Words rendered on the fly, with exact masks where masks are learned from."""

    kind: Literal["rendered"] = "rendered"
    weight: NonNegative = 1.0
    """Fraction of the samples that come from here, relative to the other sources."""
    render: RenderConfig = RenderConfig()
    """What to draw and how; HR pictures of other heights are made of these."""


Source = Annotated[FolderSource | LmdbSource | RenderedSource, Field(discriminator="kind")]


class DataConfig(Config):
    """Where words come from and how they become batches."""

    model_config = FORMERLY_SHARES

    sources: tuple[Source, ...] = ()
    """One or more sources, mixed by weight."""
    heights: Annotated[tuple[LineSide, ...], Field(min_length=1)] = (16,)
    """LR line heights; each batch has one of them, evenly often (repeat a height to see it more)."""
    line_width: LineSide | None = 64
    """LR width all words are squashed to (TextZoom's protocol), null to keep their aspect."""
    max_aspect: Annotated[float, Field(gt=1)] = 8.0
    """Longest word in line heights when the aspect is kept; longer ones are squashed to it."""
    aspect_jitter: Annotated[float, Field(ge=1)] = 1.0
    """Greatest factor by which a word's aspect is changed at random."""
    squashed_prob: Fraction = 0.0
    """Fraction of the batches whose words are squashed to four times their height, as TextZoom's protocol does. The
    others keep their aspect."""
    ramp_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the fraction of mild degradations falls from 1 to ``degradation.mild_prob``; CTC needs it."""
    held_out: Fraction = 0.1
    """Fraction of each folder or LMDB kept for validation and never trained on; rendered words need none kept."""
    degradation: DegradationConfig = DegradationConfig()
    blurred_fraction: Fraction = 0.0
    """Fraction of each batch that a recognizer sees as LR enlarged by bicubic; the rest it sees as HR."""
    glyph_source: Literal["extracted", "kmeans"] = "extracted"
    """Where masks to learn from come from: glyph LMDBs, or k-means line masks made on the fly (paper, Baseline 2)."""
    min_glyph_quality: Fraction = 0.0
    """Words whose masks were extracted with a lower quality teach no masks, only classes."""
