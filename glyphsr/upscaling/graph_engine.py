"""Runs an exported model by onnxruntime or OpenVINO; torch is not imported."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import WeightsError
from glyphsr.images.resize import FloatImage
from glyphsr.reading.ctc_paths import place_text
from glyphsr.reading.word_readings import WordReading, line_text, read_ended, read_words
from glyphsr.text.ctc import CTCCodec
from glyphsr.text.lexicon import Lexicon
from glyphsr.upscaling.engine import FloatBatch, PriorReading
from glyphsr.weights.exported import ExportedModel
from glyphsr.weights.runtimes import GraphRuntime, open_graph


class GraphEngine:
    """A model as two graphs: its prior and its network.

    Args:
        exported: What was exported.
        runtime: What runs it.
    """

    def __init__(self, exported: ExportedModel, runtime: GraphRuntime) -> None:
        self.name = exported.graph
        self.conditioned = exported.config.condition_on_reading
        self.network = open_graph(exported.graph, runtime)

        self.has_prior = exported.prior is not None
        self.reads_along_lines = False
        if exported.prior is not None:
            self.prior = open_graph(exported.prior.path, runtime)
            self.charset, self.reads_by = exported.prior.charset, exported.prior.reads_by
            self.codec = CTCCodec(self.charset)
            self.reads_along_lines = exported.prior.has_columns and exported.config.network.fixed_size is None

    def read(self, batch: FloatBatch, texts: Sequence[str | None], lexicon: Lexicon | None) -> list[PriorReading]:
        """As :meth:`glyphsr.upscaling.engine.Engine.read`."""
        found = self.prior(batch)  # (B, K, T)
        classes = len(self.charset) + 1
        if found.ndim != 3 or len(found) != len(batch) or not found.shape[2] or found.shape[1] % classes:
            raise WeightsError(f"{self.name}: its text prior gives {found.shape} for {batch.shape}; export it again")
        if not np.isfinite(found).all():
            raise WeightsError(f"{self.name}: its text prior gives NaN or infinity; export it again")
        return [self._reading(row, text, lexicon) for row, text in zip(found, texts, strict=True)]

    def _reading(self, row: NDArray[np.float32], text: str | None, lexicon: Lexicon | None) -> PriorReading:
        words = self._words(row, lexicon)
        if self.reads_by != "ctc":
            return PriorReading(row, row, words, is_given=False)
        # A text of the user's, or what was read, decides which characters come; the row says where.
        known = text or (line_text(words) if self.conditioned else None)
        return PriorReading(self._conditioned(row, known) if known else row, row, words, is_given=bool(text))

    def _words(self, row: NDArray[np.float32], lexicon: Lexicon | None) -> tuple[WordReading, ...]:
        if self.reads_by == "ctc":
            return tuple(read_words(row[: self.codec.num_classes], self.codec, lexicon))
        return read_ended(row, self.charset)

    def _conditioned(self, row: NDArray[np.float32], text: str) -> NDArray[np.float32]:
        """The probabilities of all heads, given the text; as they were where it does not fit."""
        inked = "".join(text.split())  # a space has no ink that a column could be on
        placed = []
        for number, head in enumerate(np.split(row, len(row) // self.codec.num_classes)):
            # The first head is of symbols, the second of columns.
            found = place_text(head, self.codec.encode(inked if number else text))
            if found is None:
                return row
            placed.append(found)
        return np.concatenate(placed)

    def super_resolve(self, batch: FloatBatch, guides: Sequence[NDArray[np.float32]]) -> list[FloatImage]:
        """As :meth:`glyphsr.upscaling.engine.Engine.super_resolve`."""
        # Guides (B, K, 1, T) as torch's network takes them.
        inputs = (batch, np.stack(guides)[:, :, None]) if guides else (batch,)
        made = self.network(*inputs)
        if made.shape != (len(batch), 3, 2 * batch.shape[2], 2 * batch.shape[3]):
            raise WeightsError(f"{self.name}: gives {made.shape} for {batch.shape}; export it again")
        return list(made.transpose(0, 2, 3, 1))
