"""The text prior of a word: what the recognizer behind the network expects where."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from glyphsr.config.visualize import VisualizeConfig
from glyphsr.data.pair_loader import to_tensor
from glyphsr.errors import ConfigError
from glyphsr.recognizers.protocols import ColumnRecognizer, CTCRecognizer
from glyphsr.system.devices import resolve_device
from glyphsr.text.diff import marked
from glyphsr.visualization.views.words import ShownWord
from glyphsr.viz.panels import Panel, Row
from glyphsr.viz.prior_chart import prior_chart
from glyphsr.weights.loading import load_model

BLANK, END, OTHER = "blank", "end", "other"


class PriorViewer:
    """A network's text prior.

    Args:
        config: Whose.

    Raises:
        ConfigError: If the network has no prior.
        WeightsError: If weights are not available.
    """

    def __init__(self, config: VisualizeConfig) -> None:
        if len(config.weights) != 1:
            raise ConfigError("--weights: expected one network for --what prior")

        model = load_model(config.weights[0], config.prior_weights or None, offline=config.offline).model
        if model.prior is None:
            raise ConfigError(f"--weights {config.weights[0]}: is not guided by a text prior")
        self.device = resolve_device(config.device)
        self.prior = model.prior.to(self.device)
        self.recognizer = model.prior.recognizer

    def rows(self, words: Iterable[ShownWord]) -> Iterator[Row]:
        """One row per word: the probabilities of its characters along the line."""
        for word in words:
            yield self._row(word)

    @torch.inference_mode()
    def _row(self, word: ShownWord) -> Row:
        probabilities = self.prior(to_tensor([word.lr]).to(self.device))[0, :, 0].float().cpu()  # (K, T)
        reading = self.recognizer.decode(probabilities[None])[0]

        parts = {"text prior": probabilities}
        if isinstance(self.recognizer, ColumnRecognizer):  # two heads, one above the other
            symbols, columns = probabilities.chunk(2)
            parts = {"CTC": symbols, "whose ink each column shows": columns}

        panels = []

        for name, part in parts.items():
            drawing = self._chart(word.lr, part.numpy())
            panels.append(Panel(name, drawing, is_smooth=True))

        # What it reads stands under the first chart.
        says = ((f"reads, {reading.confidence:.2f}", tuple(marked(reading.text, word.label))),)
        panels[0] = Panel(panels[0].caption, panels[0].image, says, is_smooth=True)

        title = f"{word.title} · {word.label}" if word.label is not None else word.title
        return Row(title, tuple(panels), word.subset)

    def _chart(self, lr: NDArray[np.uint8], part: NDArray[np.float32]) -> NDArray[np.uint8]:
        return prior_chart(lr, part, self._names(len(part)))

    def _names(self, count: int) -> list[str]:
        """Of the classes: blank before the characters where it reads by CTC, else the end of text."""
        first = BLANK if isinstance(self.recognizer, CTCRecognizer) else END
        names = [first, *self.recognizer.charset]
        return (names + [OTHER] * count)[:count]
