"""Scores consecutive samples: what an evaluation does with each chunk, in its own process or in one of a cluster."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from glyphsr.config.evaluation import EvalConfig
from glyphsr.data.pair_loader import PairChunk, planes, to_tensor
from glyphsr.evaluation.accumulators import FidelityAccumulator, Outcome, score_reading, stack_outputs
from glyphsr.evaluation.methods import Method, open_methods
from glyphsr.evaluation.report import Problem
from glyphsr.ocr.readers import Reader, open_readers
from glyphsr.system.devices import resolve_device
from glyphsr.types import Reading, Sample


@dataclass
class RowScores:
    """What became of a chunk's pictures in one row of the table."""

    fidelity: FidelityAccumulator | None
    """``None`` where the pictures have another size than the HR side."""
    seconds: float
    """That making the pictures took."""
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    """By judge, in the order of the samples."""
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    """Likewise."""
    reading_seconds: dict[str, float] = field(default_factory=dict)
    """By judge."""


@dataclass
class ChunkScores:
    """What became of consecutive samples; no picture is kept."""

    ids: list[str]
    labels: list[str]
    rows: dict[str, RowScores]
    problems: list[Problem]
    bad: int
    """How many of the samples could not be used."""


class ChunkScorer:
    """The rows of a table and the judges that read them.

    Args:
        methods: Make the pictures of each row.
        judges: Read them.
        notices: What the user is to know of the judges.
    """

    def __init__(self, methods: Sequence[Method], judges: Sequence[Reader], notices: Sequence[str] = ()) -> None:
        self.methods, self.judges, self.notices = methods, judges, list(notices)

    @classmethod
    def open(cls, config: EvalConfig) -> Self:
        """Load what the settings name.

        Raises:
            ConfigError: If a setting cannot be used.
            WeightsError: If weights are missing, damaged or do not fit.
        """
        judges, notices = open_readers(config.recognizer, resolve_device(config.device), offline=config.offline)
        return cls(open_methods(config), judges, notices)

    def score(self, chunk: PairChunk) -> ChunkScores:
        """Make and judge the pictures of a chunk."""
        problems = [Problem(item.id, item.problem) for item in chunk.bad]
        scores = ChunkScores(chunk.ids, chunk.labels, {}, problems, len(chunk.bad))
        samples = chunk.samples
        if not samples:
            return scores

        scores.problems += self._long_labels(samples)
        truth = _truth(chunk)
        for method in self.methods:
            scores.rows[method.info.name] = self._row(method, chunk, truth)
        return scores

    def _row(self, method: Method, chunk: PairChunk, truth: Tensor | list[Tensor]) -> RowScores:
        start = time.perf_counter()
        pictures = _pictures(method, chunk, truth)
        seconds = time.perf_counter() - start

        has_size_of_hr = method.info.name != "lr"
        row = RowScores(_fidelity(pictures, truth) if has_size_of_hr else None, seconds)

        outputs = stack_outputs(pictures)
        # Every judge reads the very same pictures.
        for judge in self.judges:
            name = judge.info.name
            start = time.perf_counter()
            row.readings[name] = judge.read(outputs)
            row.reading_seconds[name] = time.perf_counter() - start
            row.outcomes[name] = [
                score_reading(text, label) for text, label in zip(row.readings[name], chunk.labels, strict=True)
            ]
        return row

    def _long_labels(self, samples: Sequence[Sample]) -> list[Problem]:
        problems = []
        for sample in samples:
            for judge in self.judges:
                limit = judge.too_long(sample.label)
                if limit is not None:
                    message = (
                        f"label {sample.label!r} is longer than the {limit} characters that {judge.info.name} reads; "
                        "counts as wrong, as in the published evaluation; leave the sample out or ask another judge"
                    )
                    problems.append(Problem(sample.id, message, scored=True))
        return problems


def _truth(chunk: PairChunk) -> Tensor | list[Tensor]:
    """HR sides in [0, 1]: ``(B, 3, 32, 128)`` by the published protocol, else ``(3, H, W)`` each."""
    if isinstance(chunk.hr, Tensor):
        return planes(chunk.hr)
    return [to_tensor([image])[0] for image in chunk.hr]


def _pictures(method: Method, chunk: PairChunk, truth: Tensor | list[Tensor]) -> Tensor | list[Tensor]:
    if isinstance(truth, Tensor) and isinstance(chunk.lr, torch.Tensor):
        return method.paper_protocol(planes(chunk.lr), truth)
    return method.standard_protocol(chunk.samples)


def _fidelity(pictures: Tensor | list[Tensor], truth: Tensor | list[Tensor]) -> FidelityAccumulator:
    found = FidelityAccumulator()
    if isinstance(pictures, Tensor) and isinstance(truth, Tensor):
        found.add_batch(pictures, truth)
    else:
        found.add_images(list(pictures), list(truth))
    return found
