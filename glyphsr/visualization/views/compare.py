"""LR, bicubic, the networks' results, HR and what changed, with what judges read in each."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.evaluation import EvalConfig
from glyphsr.config.visualize import VisualizeConfig
from glyphsr.data.pair_loader import to_tensor
from glyphsr.evaluation.methods import NetworkMethod, open_methods
from glyphsr.images.resize import ByteImage, resize
from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.edit import edit_similarity
from glyphsr.ocr.readers import Reader, open_readers
from glyphsr.system.devices import resolve_device
from glyphsr.text.charset import filter_lower
from glyphsr.text.diff import marked
from glyphsr.upscaling.line import Line
from glyphsr.visualization.views.words import ShownWord
from glyphsr.viz.colours import difference
from glyphsr.viz.panels import Panel, Row

NONE = "none"
CHUNK = 48

BICUBIC, HR = "bicubic", "HR"
BROKEN, MENDED, RIGHT, WRONG = "broken", "mended", "both right", "both wrong"
"""What became of a word between bicubic and the first network, by the first judge."""


@dataclass(frozen=True, eq=False)
class Compared:
    """One word as a row, and how well the first judge reads the first network's result."""

    row: Row
    similarity: float
    """One minus the normalised edit distance; 1 where there is no label or no judge."""


class Comparer:
    """Networks and judges, loaded once.

    Args:
        config: Which.

    Raises:
        ConfigError: If a judge is unknown.
        WeightsError: If weights are not to be had.
    """

    def __init__(self, config: VisualizeConfig) -> None:
        settings = EvalConfig(
            weights=config.weights,
            prior_weights=config.prior_weights,
            baseline=("bicubic",),
            strength=config.strength,
            device=config.device,
            precision=config.precision,
            offline=config.offline,
        )
        self.networks = [row for row in open_methods(settings) if isinstance(row, NetworkMethod)]
        self.judges: list[Reader] = []
        self.notices: list[str] = []
        if config.recognizer != (NONE,):
            self.judges, self.notices = open_readers(
                config.recognizer, resolve_device(config.device), offline=config.offline
            )

    def compare(self, words: Iterable[ShownWord]) -> Iterator[Compared]:
        """One row per word, in order; some at a time, so that memory does not grow with the set."""
        remaining = iter(words)
        while chunk := list(islice(remaining, CHUNK)):
            yield from self._chunk(chunk)

    def draw(self, words: Sequence[ShownWord]) -> dict[str, list[ByteImage]]:
        """Bicubic and each network's results, at the size of HR or twice that of LR."""
        pictures: dict[str, list[ByteImage]] = {BICUBIC: [_enlarged(word) for word in words]}
        for network in self.networks:
            lines = [Line(_floats(word.lr), _size(word)) for word in words]
            pictures[network.info.name] = [_bytes(line.rgb) for line in network.upscaler.upscale_lines(lines)]
        return pictures

    def _chunk(self, words: Sequence[ShownWord]) -> Iterator[Compared]:
        pictures = self.draw(words)
        texts = {
            (name, judge.info.name): self._read(judge, images)
            for name, images in pictures.items()
            for judge in self.judges
        }
        with_hr = [i for i, word in enumerate(words) if word.hr is not None]
        truth = [word.hr for word in words if word.hr is not None]
        for judge in self.judges:
            texts[HR, judge.info.name] = dict(zip(with_hr, self._read(judge, truth).values(), strict=True))
        for i, word in enumerate(words):
            yield self._row(word, {name: images[i] for name, images in pictures.items()}, texts, i)

    @staticmethod
    def _read(judge: Reader, images: Sequence[ByteImage]) -> dict[int, str]:
        readings = judge.read([to_tensor([image])[0] for image in images]) if images else []
        return {i: reading.text for i, reading in enumerate(readings)}

    def _row(
        self, word: ShownWord, pictures: dict[str, ByteImage], texts: dict[tuple[str, str], dict[int, str]], i: int
    ) -> Compared:
        rows = [*pictures, *([HR] if word.hr is not None else [])]
        judges = [judge.info.name for judge in self.judges]
        readings = {name: {judge: texts[name, judge][i] for judge in judges} for name in rows}
        row = compared_row(word, pictures, readings)
        first = next(iter(readings[self.networks[0].info.name].values()), None) if self.networks else None
        return Compared(row, similarity(first, word.label))


def similarity(text: str | None, label: str | None) -> float:
    """How like a reading is to its label; 1 where one of them is not known."""
    return 1.0 if text is None or label is None else edit_similarity(filter_lower(text), filter_lower(label))


def compared_row(word: ShownWord, pictures: dict[str, ByteImage], readings: dict[str, dict[str, str]]) -> Row:
    """A word's panels: LR, the pictures as they come, HR, and the first network's change.

    Args:
        word: The word.
        pictures: By row, bicubic first, networks behind it; ``(H, W, 3)`` uint8 of one size.
        readings: By row and judge, for HR too where there is one.
    """

    def panel(name: str, image: ByteImage) -> Panel:
        found = readings.get(name, {})
        alone = len(found) == 1
        return Panel(
            name, image, tuple(("" if alone else who, tuple(marked(text, word.label))) for who, text in found.items())
        )

    names = list(pictures)
    panels = [Panel(f"LR {word.lr.shape[1]} x {word.lr.shape[0]}", word.lr)]
    panels += [panel(name, image) for name, image in pictures.items()]
    panels += [panel(HR, word.hr)] if word.hr is not None else []
    slider = None
    if len(names) > 1:
        panels.append(Panel("change, doubled", difference(pictures[names[0]], pictures[names[1]])))
        slider = (1, 2)
    title = f"{word.title} · {word.label}" if word.label is not None else word.title
    return Row(title, tuple(panels), word.subset, outcome(word.label, readings, names), slider)


def outcome(label: str | None, readings: dict[str, dict[str, str]], names: Sequence[str]) -> str:
    """What became of a word; nothing where there is no label, no judge or no network."""
    if label is None or len(names) < 2:
        return ""
    before, after = (next(iter(readings.get(name, {}).values()), None) for name in names[:2])
    if before is None or after is None:
        return ""
    was, is_now = words_match(before, label), words_match(after, label)
    return {(True, True): RIGHT, (True, False): BROKEN, (False, True): MENDED, (False, False): WRONG}[was, is_now]


def worst_rows(compared: Iterable[Compared], most: int) -> list[Row]:
    """The words that are read worst, the very worst first; equals stay in order."""
    found = heapq.nsmallest(most, compared, key=lambda item: item.similarity)
    return [replace(item.row, title=f"{item.row.title} · similarity {item.similarity:.2f}") for item in found]


def _size(word: ShownWord) -> tuple[int, int]:
    if word.hr is not None:
        return word.hr.shape[0], word.hr.shape[1]
    return 2 * word.lr.shape[0], 2 * word.lr.shape[1]


def _enlarged(word: ShownWord) -> ByteImage:
    return _bytes(resize(_floats(word.lr), _size(word)))


def _floats(image: ByteImage) -> NDArray[np.float32]:
    return image.astype(np.float32) / np.float32(255)


def _bytes(image: NDArray[np.float32]) -> ByteImage:
    return np.asarray((image.clip(0, 1) * 255).round(), np.uint8)
