"""Scores networks and baselines on subsets of a data set, by judges that read and by fidelity."""

import json
import math
import platform
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from glyphsr._version import VERSION
from glyphsr.config.evaluation import EvalConfig
from glyphsr.data.pair_loader import PairChunk, iterate_chunks, planes, to_tensor
from glyphsr.data.sources import SAMPLE_NOTICE, uses_sample_set
from glyphsr.errors import ConfigError
from glyphsr.evaluation.accumulators import (
    FidelityAccumulator,
    Outcome,
    RecognitionAccumulator,
    score_reading,
    stack_outputs,
    summarise,
    summarise_cer,
)
from glyphsr.evaluation.methods import Method, open_methods
from glyphsr.evaluation.report import Comparison, EvaluationReport, FidelityScore, Problem, ReadingScore, SubsetInfo
from glyphsr.evaluation.subsets import open_subsets
from glyphsr.metrics.mcnemar import mcnemar
from glyphsr.ocr.readers import Reader, open_readers
from glyphsr.system.atomic_files import atomic_path
from glyphsr.system.devices import resolve_device
from glyphsr.types import ProgressCallback, Reading, Sample

CHUNK = 48
"""Samples that are read, scored and pooled together: the published batch size."""


class _Evaluation:
    """State of one run."""

    def __init__(self, config: EvalConfig, progress: ProgressCallback | None, records: IO[str] | None) -> None:
        self.config = config
        self.progress = progress
        self.records = records

        self.squash = config.protocol == "paper"
        # Everything that may be refused is opened before the first picture is made.
        self.subsets, self.problems = open_subsets(config)
        self.judges, self.notices = open_readers(
            config.recognizer, resolve_device(config.device), offline=config.offline
        )

        if uses_sample_set(config.split, config.data_root):
            self.notices.insert(0, f"{SAMPLE_NOTICE}; its numbers mean nothing beside TextZoom's")

        self.methods = open_methods(config)
        self.notices += no_independent_judges(self.methods, self.judges)

        # Sums by row, judge and number of the subset.
        self.reading: dict[tuple[str, str, int], RecognitionAccumulator] = defaultdict(RecognitionAccumulator)
        self.fidelity: dict[tuple[str, int], FidelityAccumulator] = defaultdict(FidelityAccumulator)
        self.seconds: dict[str, float] = defaultdict(float)

        self.parts: list[SubsetInfo] = []
        self.done = 0
        self.total = sum(self._wanted(subset.size) for subset in self.subsets)

    def _wanted(self, size: int) -> int:
        return min(size, self.config.limit or size)

    def run(self) -> None:
        for number, subset in enumerate(self.subsets):
            scored = bad = 0
            for source in subset.sources:
                end = self._wanted(subset.size) - scored - bad  # how many of this source
                for chunk in iterate_chunks(source, CHUNK, squash=self.squash, workers=self.config.workers):
                    # Whole chunks are read, though `--limit` may end within one.
                    kept = chunk.until(end)
                    if not kept.ids and not kept.bad:
                        break

                    self.problems += [Problem(item.id, item.problem) for item in kept.bad]
                    self._score(number, subset.name, kept)
                    scored, bad = scored + len(kept.ids), bad + len(kept.bad)
                    self.done += len(kept.ids) + len(kept.bad)
                    if self.progress:
                        self.progress(self.done, self.total)

            paths = tuple(str(source.path) for source in subset.sources)
            self.parts.append(SubsetInfo(subset.name, paths, scored, bad))

    def _score(self, number: int, name: str, chunk: PairChunk) -> None:
        samples = chunk.samples
        if not samples:
            return

        self._note_long_labels(samples)

        truth = self._truth(chunk)
        for method in self.methods:
            row = method.info.name
            start = time.perf_counter()
            pictures = self._pictures(method, chunk, truth)
            self.seconds[row] += time.perf_counter() - start
            if row != "lr":  # another size than the HR side
                self._measure(self.fidelity[row, number], pictures, truth)

            outputs = stack_outputs(pictures)
            # Every judge reads the very same pictures.
            readings = {judge.info.name: self._read(judge, outputs, row) for judge in self.judges}
            outcomes = {
                judge: [score_reading(text, sample.label) for text, sample in zip(texts, samples, strict=True)]
                for judge, texts in readings.items()
            }
            for judge, found in outcomes.items():
                for outcome in found:
                    self.reading[row, judge, number].add(outcome)

            # One line per picture, for whoever looks into single words.
            if self.records is not None:
                shown = {"protocol": self.config.protocol, "subset": name, "row": row}
                records = _records(shown, samples, readings, outcomes, self.fidelity.get((row, number)))
                self.records.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)

    @staticmethod
    def _truth(chunk: PairChunk) -> Tensor | list[Tensor]:
        if isinstance(chunk.hr, Tensor):
            return planes(chunk.hr)
        return [to_tensor([image])[0] for image in chunk.hr]

    @staticmethod
    def _pictures(method: Method, chunk: PairChunk, truth: Tensor | list[Tensor]) -> Tensor | list[Tensor]:
        if isinstance(truth, Tensor) and isinstance(chunk.lr, Tensor):
            return method.paper_protocol(planes(chunk.lr), truth)
        return method.standard_protocol(chunk.samples)

    @staticmethod
    def _measure(
        accumulator: FidelityAccumulator, pictures: Tensor | list[Tensor], truth: Tensor | list[Tensor]
    ) -> None:
        if isinstance(pictures, Tensor) and isinstance(truth, Tensor):
            accumulator.add_batch(pictures, truth)
        else:
            accumulator.add_images(list(pictures), list(truth))

    def _read(self, judge: Reader, pictures: list[Tensor], row: str) -> list[Reading]:
        start = time.perf_counter()
        readings = judge.read(pictures)
        self.seconds[f"{row}\0{judge.info.name}"] += time.perf_counter() - start
        return readings

    def _note_long_labels(self, samples: list[Sample]) -> None:
        for sample in samples:
            for judge in self.judges:
                limit = judge.too_long(sample.label)
                if limit is not None:
                    message = (
                        f"label {sample.label!r} is longer than the {limit} characters that {judge.info.name} reads; "
                        "counts as wrong, as in the published evaluation; leave the sample out or ask another judge"
                    )
                    self.problems.append(Problem(sample.id, message, scored=True))

    def report(self, seconds: float) -> EvaluationReport:
        counts = [part.images for part in self.parts]

        return EvaluationReport(
            protocol=self.config.protocol,
            parts=tuple(self.parts),
            rows=tuple(method.info for method in self.methods),
            judges=tuple(judge.info for judge in self.judges),
            reading=tuple(self._reading_scores(counts)),
            fidelity=tuple(self._fidelity_scores(counts)),
            comparisons=tuple(self._comparisons()),
            problems=tuple(self.problems),
            notices=tuple(self.notices),
            seconds=seconds,
            config=self.config.model_dump(mode="json"),
            versions={
                "glyphsr": VERSION,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        )

    def _rate(self, key: str) -> float:
        return self.done / self.seconds[key] if self.seconds[key] else float("nan")

    def _reading_scores(self, counts: Sequence[int]) -> list[ReadingScore]:
        scores = []

        for judge in (judge.info.name for judge in self.judges):
            for row in (method.info.name for method in self.methods):
                accumulators = [self.reading[row, judge, number] for number in range(len(counts))]
                # The interval is of accuracy alone: the other figures are shown without one.
                accuracy = summarise(
                    [accumulator.correct for accumulator in accumulators],
                    counts,
                    resamples=self.config.bootstrap,
                    seed=self.config.seed,
                )

                similarity = summarise([accumulator.similarities for accumulator in accumulators], counts)
                rate = self._rate(f"{row}\0{judge}")

                scores.append(ReadingScore(row, judge, accuracy, summarise_cer(accumulators), similarity, rate))
        return scores

    def _fidelity_scores(self, counts: Sequence[int]) -> list[FidelityScore]:
        scores = []
        for row in (method.info.name for method in self.methods if method.info.name != "lr"):
            accumulators = [self.fidelity[row, number] for number in range(len(counts))]
            per_image = summarise([accumulator.psnr for accumulator in accumulators], counts)
            # Their PSNR is infinite, so they are counted instead of averaged.
            identical = sum(value == float("inf") for accumulator in accumulators for value in accumulator.psnr)
            # The published figure is a mean over batches of 48; the mean over pictures stands beside it.
            if self.squash:
                psnr_db = summarise([accumulator.batch_psnr for accumulator in accumulators], counts)
                ssim = summarise([accumulator.batch_ssim for accumulator in accumulators], counts)
            else:
                psnr_db, ssim = per_image, summarise([accumulator.ssim for accumulator in accumulators], counts)
            scores.append(FidelityScore(row, psnr_db, ssim, per_image, identical, self._rate(row)))
        return scores

    def _comparisons(self) -> list[Comparison]:
        """Each network with bicubic and with the first network."""
        # With bicubic, to show what a network adds; with the first network, to rank the others.
        networks = [method.info.name for method in self.methods if method.info.network]
        rows = [method.info.name for method in self.methods]
        pairs = [("bicubic", name) for name in networks if "bicubic" in rows]
        pairs += [(networks[0], name) for name in networks[1:]]

        found = []

        for judge in (judge.info.name for judge in self.judges):
            for first, second in pairs:
                a, b = (
                    [bool(hit) for number in range(len(self.parts)) for hit in self.reading[row, judge, number].correct]
                    for row in (first, second)
                )

                # Both rows read the same samples in the same order, so the test is paired.
                result = mcnemar(a, b)
                found.append(Comparison(judge, first, second, result.only_first, result.only_second, result.p_value))

        return found


def no_independent_judges(methods: Sequence[Method], judges: Sequence[Reader]) -> list[str]:
    """A line for each network and judge that read its words while it was trained."""
    return [
        f"{judge.info.name} is no independent judge of {method.info.name}, which was trained by what it reads"
        for method in methods
        for judge in judges
        if {judge.info.sha256, judge.info.name} & set(method.info.readers)
    ]


def _records(
    shown: dict[str, str],
    samples: list[Sample],
    readings: dict[str, list[Reading]],
    outcomes: dict[str, list[Outcome]],
    fidelity: FidelityAccumulator | None,
) -> Iterator[dict[str, Any]]:
    """What the per-image file says of one row's pictures; the last values of ``fidelity`` are theirs."""
    # Sums have no ids, but the last values are those of this chunk.
    first = -len(samples)
    for i, sample in enumerate(samples):
        record: dict[str, Any] = shown | {"id": sample.id, "label": sample.label}

        if fidelity is not None:
            values = {"psnr_db": fidelity.psnr[first + i], "ssim": fidelity.ssim[first + i]}
            record |= {key: round(value, 5) if math.isfinite(value) else None for key, value in values.items()}

        record["readings"] = {
            judge: {
                "text": texts[i].text,
                "confidence": round(texts[i].confidence, 5),
                "correct": outcomes[judge][i].correct,
            }
            for judge, texts in readings.items()
        }
        yield record


def run_evaluation(
    config: EvalConfig,
    *,
    per_image: Path | None = None,
    progress: ProgressCallback | None = None,
    overwrite: bool = False,
) -> EvaluationReport:
    """Score networks and baselines.

    Args:
        config: What, by whom and how.
        per_image: JSON lines with every picture's readings and fidelity, one per row and sample.
        progress: Called with the items done and their total.
        overwrite: Replace ``per_image`` if it exists.

    Raises:
        ConfigError: If a setting cannot be used.
        DataError: If no subset can be opened.
        WeightsError: If weights are missing, damaged or do not fit.
    """
    if per_image is not None and per_image.exists() and not overwrite:
        raise ConfigError(f"--per-image {per_image}: exists already; --overwrite replaces it")
    if per_image is not None and not per_image.parent.is_dir():
        raise ConfigError(f"--per-image {per_image}: the folder {per_image.parent} does not exist")

    start = time.perf_counter()
    with ExitStack() as stack:
        # The file appears under its name when all is in it.
        records = None
        if per_image is not None:
            temporary = stack.enter_context(atomic_path(per_image))
            records = stack.enter_context(temporary.open("w", encoding="utf-8"))

        evaluation = _Evaluation(config, progress, records)
        evaluation.run()
    return evaluation.report(time.perf_counter() - start)
