"""LR, bicubic, the networks' results, HR and what changed, with what judges read in each."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.config.evaluation import EvalConfig
from glyphsr.config.visualize import VisualizeConfig
from glyphsr.data.pair_loader import to_tensor
from glyphsr.evaluation.methods import NetworkMethod, enlarge, open_methods
from glyphsr.images.resize import ByteImage, resize
from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.edit import edit_similarity
from glyphsr.ocr.readers import Reader, open_readers
from glyphsr.system.devices import resolve_device
from glyphsr.text.charset import filter_lower
from glyphsr.text.diff import marked
from glyphsr.upscaling.line import Line
from glyphsr.visualization.views.words import ShownWord, squashed
from glyphsr.viz.colours import difference
from glyphsr.viz.panels import Panel, Row

if TYPE_CHECKING:
    from glyphsr.models.super_resolver import SuperResolver
    from glyphsr.weights.loading import LoadedModel

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
    is_rescued: bool = False
    """Read right in the first network's result by the first judge, and wrong before: by it in bicubic, and by the
    network's prior in LR."""


class Comparer:
    """Networks and judges, loaded once.

    Args:
        config: Which.

    Raises:
        ConfigError: If a judge is unknown.
        WeightsError: If weights are not available.
    """

    def __init__(self, config: VisualizeConfig) -> None:
        settings = EvalConfig(
            weights=config.weights,
            prior_weights=config.prior_weights,
            baseline=("bicubic",),
            strength=config.strength,
            device=config.device,
            runtime="torch",  # whose prior is asked, too
            precision=config.precision,
            offline=config.offline,
        )
        self.squash = config.protocol == "paper"
        self.finds = config.find is not None
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
        if self.squash:
            return {name: [_shown(one) for one in found] for name, found in self._by_paper(words).items()}
        pictures: dict[str, list[ByteImage]] = {BICUBIC: [_enlarged(word) for word in words]}
        for network in self.networks:
            lines = [Line(_floats(word.lr), _size(word)) for word in words]
            pictures[network.info.name] = [_bytes(line.rgb) for line in network.upscaler.upscale_lines(lines)]
        return pictures

    def _by_paper(self, words: Sequence[ShownWord]) -> dict[str, list[Tensor]]:
        """The same ``(3, 32, 128)`` as judges see it by the paper's protocol, not clipped."""
        lr = to_tensor([word.lr for word in words])
        found = {BICUBIC: enlarge(lr)}
        found |= {network.info.name: network.paper_protocol(lr, lr) for network in self.networks}
        return {name: list(pictures) for name, pictures in found.items()}

    def _chunk(self, words: Sequence[ShownWord]) -> Iterator[Compared]:
        if self.squash:
            words = [squashed(word) for word in words]
            tensors = self._by_paper(words)
            pictures = {name: [_shown(one) for one in found] for name, found in tensors.items()}
        else:
            pictures = self.draw(words)
            tensors = {name: [to_tensor([image])[0] for image in found] for name, found in pictures.items()}

        texts = {
            (name, judge.info.name): self._read(judge, found)
            for name, found in tensors.items()
            for judge in self.judges
        }
        # Pictures given as files may lack an HR side.
        with_hr = [i for i, word in enumerate(words) if word.hr is not None]
        truth = [word.hr for word in words if word.hr is not None]
        for judge in self.judges:
            sharp = [to_tensor([image])[0] for image in truth]
            texts[HR, judge.info.name] = dict(zip(with_hr, self._read(judge, sharp).values(), strict=True))

        # A rescued word is one that neither judge nor prior could read before.
        priors = self._prior_readings(words) if self.finds else [None] * len(words)
        for i, word in enumerate(words):
            found = self._row(word, {name: images[i] for name, images in pictures.items()}, texts, i)
            misread = priors[i] is None or not words_match(priors[i] or "", word.label or "")
            yield replace(found, is_rescued=found.row.outcome == MENDED and misread)

    def _prior_readings(self, words: Sequence[ShownWord]) -> list[str | None]:
        """What the first network's prior reads in LR; nothing where it has none."""
        prior = _model(self.networks[0]).prior if self.networks else None
        if prior is None:
            return [None] * len(words)
        device = next(prior.parameters()).device
        with torch.inference_mode():
            return [prior.recognizer.read(to_tensor([word.lr]).to(device))[0].text for word in words]

    @staticmethod
    def _read(judge: Reader, images: Sequence[Tensor]) -> dict[int, str]:
        readings = judge.read(list(images)) if images else []
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
        pictures: By row, bicubic first, networks after it; ``(H, W, 3)`` uint8 of one size.
        readings: By row and judge, for HR too where there is one.
    """

    def panel(name: str, image: ByteImage) -> Panel:
        found = readings.get(name, {})
        alone = len(found) == 1
        return Panel(
            name, image, tuple(("" if alone else who, tuple(marked(text, word.label))) for who, text in found.items())
        )

    # Bicubic is the first picture and the first network the second.
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
    # The first judge decides.
    before, after = (next(iter(readings.get(name, {}).values()), None) for name in names[:2])
    if before is None or after is None:
        return ""

    was, is_now = words_match(before, label), words_match(after, label)
    return {(True, True): RIGHT, (True, False): BROKEN, (False, True): MENDED, (False, False): WRONG}[was, is_now]


def rescued_rows(compared: Iterable[Compared], most: int) -> list[Row]:
    """The first so many words that were rescued."""
    return [item.row for item in islice((item for item in compared if item.is_rescued), most)]


def figure_row(row: Row) -> Row:
    """A row for print: without the change, and with LR enlarged by bicubic in place of both."""
    panels = [panel for panel in row.panels if not panel.caption.startswith(("LR ", "change"))]
    return replace(row, panels=tuple(panels))


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


def _shown(picture: Tensor) -> ByteImage:
    """``(3, H, W)`` as the 8-bit picture that a reader of the figure sees."""
    return _bytes(picture.permute(1, 2, 0).cpu().numpy())


def _model(row: NetworkMethod) -> "SuperResolver":
    return cast("LoadedModel", row.upscaler.loaded).model
