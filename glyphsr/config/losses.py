"""Weights of the loss terms of a training run."""

from typing import Annotated, Literal

from pydantic import Field

from glyphsr.config.base import Config, formerly
from glyphsr.config.ranges import NonNegative


class LossConfig(Config):
    """Weights of the loss terms; 0 leaves a term out of the computation.

    The defaults are the paper's (eqs. 4 and 6): SR terms ``scale * (pixel + text_focus * (...) + hog * HOG)``, glyph
    terms ``glyph * (line + char + cls)``, each where the network has its task.
    """

    scale: NonNegative = 100.0
    """Factor on the SR terms as a whole; the lineage multiplies by 100."""
    pixel: NonNegative = 1.0
    """Mean squared error (paper, eq. 6)."""
    gradient: NonNegative = 0.0
    """Gradient profile: L1 between gradient magnitudes (TSRN, TPGSR)."""
    text_focus: NonNegative = 1.0
    """Factor on the two text-focus terms, attention and confusion (paper, eq. 6); with several recognizers each has its
    equal part."""
    attention: NonNegative = 10.0
    """L1 between where the focus recognizer looks on SR and on HR (Telescope)."""
    confusion: NonNegative = 5.0e-4
    """Cross-entropy of the focus recognizer on SR, weighted by how alike characters are (Telescope)."""
    focus_recognizer: str | Annotated[tuple[str, ...], Field(min_length=1)] = "telescope"
    """Name or file of the frozen recognizer behind the text-focus terms, or several; any other than Telescope stands in
    for it."""
    confusion_table: str | None = None
    """JSON table of distances between characters; null for the package's own."""
    stroke_table: str | None = None
    """Text file of the strokes of each character, for focus recognizers that read strokes (Text Gestalt, PEAN)."""
    hog: NonNegative = 0.1
    """L1 between histograms of oriented gradients (paper, eq. 6)."""
    hog_binning: Literal["hard", "soft"] = "hard"
    """Whether a gradient votes for the nearest bin of orientation, as published, or splits its vote between two."""
    hog_gradient: bool = True
    """Let the HOG term teach; false as in the lineage's released layer, whose value is only reported."""
    ocr: NonNegative = 0.0
    """CTC of frozen recognizers on SR against the true text, per character; each recognizer has its equal part."""
    ocr_recognizers: Annotated[tuple[str, ...], Field(min_length=1)] = ("ppocr-v6-small",)
    """Names or files of those; they have to read by CTC."""
    glyph: NonNegative = 1.0
    """Factor on the glyph terms as a whole (paper, eq. 4)."""
    line: NonNegative = 1.0
    """Mean squared error of the line map (paper, eq. 1)."""
    char: NonNegative = 1.0
    """Mean squared error of the character maps (paper, eq. 2)."""
    cls: NonNegative = 1.0
    """Cross-entropy of the character classes (paper, eq. 3)."""
    glyph_warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which all terms but those of the glyph maps grow from 0 to their weight, so that maps are of glyphs
    before they are fused and classified by."""
    text_prior: NonNegative = 0.0
    """L1 + KL between the prior on LR and a frozen teacher's on HR (TPGSR)."""
    ctc: NonNegative = 0.0
    """CTC of the prior on LR against the label; for CRNN and CTC-transformer priors."""
    network_reading: NonNegative = 0.0
    """What a network reads on its own way to the picture, against the label: CTC of the language model of RTSRN and
    C3-STISR and of PEAN's auxiliary reader, cross-entropy of LEMMA's reader."""
    prior_enhancement: NonNegative = 0.0
    """Of PEAN's enhancer, which is shown the prior of HR under noise: L1 to that prior, and CTC against the label."""
    columns: NonNegative = 0.0
    """Cross-entropy of whose ink each column of LR shows; where a CTC-transformer prior is trained alone."""
    reading: NonNegative = 1.0
    """Where a recognizer is trained: CTC, or cross-entropy of its decoder's characters, the mean of both directions
    where it has two."""
    auxiliary_ctc: Annotated[NonNegative, formerly("aid", now="auxiliary_ctc")] = 0.0
    """CTC on the columns that ASTER's or MORAN's decoder attends to, by a layer that is not kept: it teaches the
    encoder long before attention has found its place (joint CTC/attention, Kim, Hori, Watanabe 2017)."""

    @property
    def focus_recognizers(self) -> tuple[str, ...]:
        """Names or files of all of them."""
        return (self.focus_recognizer,) if isinstance(self.focus_recognizer, str) else self.focus_recognizer
