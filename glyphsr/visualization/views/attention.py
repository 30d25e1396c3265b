"""Where a recognizer looks for each character of a known text."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from glyphsr.config.visualize import VisualizeConfig
from glyphsr.errors import ConfigError
from glyphsr.extraction.recognizer_attention import RecognizerAttention
from glyphsr.glyphs.attention import enlarge
from glyphsr.glyphs.word import Rejection, prepare_word
from glyphsr.ocr.readers import RecognizerReader, open_reader
from glyphsr.system.devices import resolve_device
from glyphsr.visualization.views.words import ShownWord
from glyphsr.viz.colours import laid_over
from glyphsr.viz.panels import Panel, Row

MOST = 16
"""Characters that are shown of a word."""


class AttentionViewer:
    """A recognizer that is given the text.

    Args:
        config: Whose attention: the first of ``recognizer``.

    Raises:
        ConfigError: If it is an OCR engine, or cannot show where it looks.
        WeightsError: If its weights are not available.
    """

    def __init__(self, config: VisualizeConfig) -> None:
        device = resolve_device(config.device)
        judge = open_reader(config.recognizer[0], device, offline=config.offline)
        if not isinstance(judge, RecognizerReader):
            raise ConfigError(f"--recognizer {config.recognizer[0]}: an OCR engine does not show where it looks")
        self.info = judge.info
        self.source = RecognizerAttention(judge.network, config.extract.key_points.heads, device)
        self.notices = [judge.info.notice] if judge.info.notice else []

    def rows(self, words: Iterable[ShownWord]) -> Iterator[Row]:
        """One row per word, one panel per character; of pictures without HR the LR side is looked at.

        Raises:
            ConfigError: If a word has no text.
        """
        for word in words:
            if not word.label:
                raise ConfigError(f"{word.title}: --what attention wants to know what it shows; give --text")
            yield self._row(word, word.label)

    def _row(self, word: ShownWord, label: str) -> Row:
        picture = word.hr if word.hr is not None else word.lr
        panels = [Panel("HR" if word.hr is not None else "LR", picture)]

        try:
            prepared = prepare_word(picture, label)
        except Rejection as reason:
            return Row(f"{word.title} · {label}", tuple(panels), word.subset, str(reason))

        maps = self.source.attend([prepared])[0]

        for char, found in list(zip(prepared.text, maps, strict=True))[:MOST]:
            # No map: the reason stands in its place.
            if isinstance(found, str):
                panels.append(Panel(f"{char}: {found}", prepared.image))
                continue

            # Each map by its own peak: steps of a sure reading are narrow and strong, of others wide and weak.
            spread = enlarge(np.asarray(found, np.float32), (prepared.image.shape[0], prepared.image.shape[1]))
            panels.append(Panel(char, laid_over(prepared.image, spread / max(float(spread.max()), 1e-6))))

        return Row(f"{word.title} · {label}", tuple(panels), word.subset, Path(self.info.name).name)
