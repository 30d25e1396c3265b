"""How glyph extraction works on a word: key points, anchors, candidates with their scores, chosen masks."""

from collections.abc import Iterable, Iterator

import numpy as np

from glyphsr.config.visualize import VisualizeConfig
from glyphsr.errors import ConfigError
from glyphsr.extraction.localizers import describe_localizer, open_localizer
from glyphsr.extraction.segmenters import describe_segmenter, open_segmenter
from glyphsr.glyphs.anchors import prompts_of
from glyphsr.glyphs.extraction import extract_words
from glyphsr.glyphs.protocols import Candidates, KeyPoints, Prompts
from glyphsr.glyphs.word import Rejection, Word, prepare_word
from glyphsr.visualization.views.words import ShownWord
from glyphsr.viz.gem_drawing import points_drawing
from glyphsr.viz.glyph_sheet import overlay
from glyphsr.viz.panels import Panel, Row

SHOWN_CANDIDATES = 2
"""Of each character, the surest."""

MOST = 12
"""Characters whose candidates are shown."""


class GemViewer:
    """Localizer and segmenter, loaded once.

    Args:
        config: Which.

    Raises:
        WeightsError: If weights are asked for and not available.
    """

    def __init__(self, config: VisualizeConfig) -> None:
        self.settings = config.extract.model_copy(update={"offline": config.offline})
        localizer, segmenter = describe_localizer(self.settings), describe_segmenter(self.settings)
        self.notices = [*localizer.notices, *segmenter.notices]
        self.localizer = open_localizer(localizer, self.settings)
        self.segmenter = open_segmenter(segmenter, self.settings)

    def rows(self, words: Iterable[ShownWord]) -> Iterator[Row]:
        """One row per word; pictures given as files are taken as HR.

        Raises:
            ConfigError: If a word has no text.
        """
        for word in words:
            if not word.label:
                raise ConfigError(f"{word.title}: --what gem wants to know what it shows; give --text")
            yield self._row(word, word.label)

    def _row(self, word: ShownWord, label: str) -> Row:
        picture = word.hr if word.hr is not None else word.lr
        title = f"{word.title} · {label}"
        try:
            prepared = prepare_word(picture, label, squeeze=self.settings.squeezes)
        except Rejection as reason:
            return Row(title, (Panel("HR", picture),), word.subset, f"rejected: {reason}")

        # Step by step as extraction does it, since its result no longer shows the candidates.
        points = self.localizer.locate([prepared])[0]
        on_ink = self.settings.anchor_order == "ink"
        prompts = prompts_of(prepared, points, self.settings.steps, on_ink=on_ink)
        candidates = self.segmenter.segment([prepared], [points], [prompts])[0]
        found = extract_words([prepared], self.localizer, self.segmenter, self.settings)[0]

        drawing = points_drawing(prepared.image, points.points, prompts.points, prompts.owners.tolist())
        panels = [
            Panel("HR", picture),
            Panel("key points, anchors", drawing),
            Panel(f"chosen, quality {found.quality:.2f}", overlay(picture, found.chars)),
            *self._candidates(prepared, points, prompts, candidates),
        ]
        # Reasons, each with its characters.
        reasons: dict[str, str] = {}
        for record in found.glyphs:
            if record.fallback:
                reasons[record.fallback] = reasons.get(record.fallback, "") + record.char

        return Row(title, tuple(panels), word.subset, ", ".join(f"{reason}: {who}" for reason, who in reasons.items()))

    @staticmethod
    def _candidates(word: Word, points: KeyPoints, prompts: Prompts, candidates: Candidates) -> Iterator[Panel]:
        owners = prompts.owners[candidates.prompts]
        for character, char in enumerate(word.text[:MOST]):
            own = np.flatnonzero(owners == character)
            best = own[np.argsort(-candidates.confidence[own], kind="stable")][:SHOWN_CANDIDATES]
            for index in best:
                caption = f"{char} by {points.sources[character]}: {candidates.confidence[index]:.2f}"
                yield Panel(caption, overlay(word.image, candidates.masks[index][None]))
