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

from glyphsr._version import VERSION
from glyphsr.config.evaluation import EvalConfig
from glyphsr.data.sources import SAMPLE_NOTICE, uses_sample_set
from glyphsr.errors import ConfigError
from glyphsr.evaluation.accumulators import FidelityAccumulator, RecognitionAccumulator, summarise, summarise_cer
from glyphsr.evaluation.chunk_places import places_of, read_span, wanted_spans
from glyphsr.evaluation.chunk_scorer import ChunkScorer, ChunkScores, RowScores
from glyphsr.evaluation.methods import Method
from glyphsr.evaluation.ray_scores import scores_from_ray
from glyphsr.evaluation.report import Comparison, EvaluationReport, FidelityScore, ReadingScore, SubsetInfo
from glyphsr.evaluation.subsets import open_subsets
from glyphsr.metrics.mcnemar import mcnemar
from glyphsr.ocr.readers import Reader
from glyphsr.system.atomic_files import atomic_path
from glyphsr.types import ProgressCallback


class _Evaluation:
    """State of one run."""

    def __init__(self, config: EvalConfig, progress: ProgressCallback | None, records: IO[str] | None) -> None:
        self.config = config
        self.progress = progress
        self.records = records
        self.squash = config.protocol == "paper"
        # Everything that may be refused is opened before the first picture is made.
        self.subsets, self.problems = open_subsets(config)
        self.scorer = ChunkScorer.open(config)
        self.methods, self.judges, self.notices = self.scorer.methods, self.scorer.judges, self.scorer.notices
        if uses_sample_set(config.split, config.data_root):
            self.notices.insert(0, f"{SAMPLE_NOTICE}; its numbers mean nothing beside TextZoom's")
        self.notices += no_independent_judges(self.methods, self.judges)

        # Sums by row, judge and number of the subset.
        self.reading: dict[tuple[str, str, int], RecognitionAccumulator] = defaultdict(RecognitionAccumulator)
        self.fidelity: dict[tuple[str, int], FidelityAccumulator] = defaultdict(FidelityAccumulator)
        self.seconds: dict[str, float] = defaultdict(float)
        self.scored = [0] * len(self.subsets)
        self.bad = [0] * len(self.subsets)
        self.spans = wanted_spans(self.subsets, config.limit)
        self.total = sum(span.end for span in self.spans)

    @property
    def done(self) -> int:
        """Samples that were scored, or could not be used."""
        return sum(self.scored) + sum(self.bad)

    @property
    def parts(self) -> list[SubsetInfo]:
        """What was scored of each subset."""
        return [
            SubsetInfo(subset.name, tuple(str(source.path) for source in subset.sources), scored, bad)
            for subset, scored, bad in zip(self.subsets, self.scored, self.bad, strict=True)
        ]

    def run(self) -> None:
        for number, scores in self._scores():
            self._add(number, scores)
            if self.progress:
                self.progress(self.done, self.total)

    def _scores(self) -> Iterator[tuple[int, ChunkScores]]:
        """Number of the subset and scores of each chunk, in the order of the samples."""
        if self.config.engine == "ray":
            places = places_of(self.spans)
            for place, scores in zip(places, scores_from_ray(places, self.config), strict=True):
                yield place.span.subset, scores
            return
        for span in self.spans:
            for chunk in read_span(self.subsets, span, squash=self.squash, workers=self.config.workers):
                yield span.subset, self.scorer.score(chunk)

    def _add(self, number: int, scores: ChunkScores) -> None:
        """Count a chunk's scores, and write its records."""
        self.problems += scores.problems
        self.scored[number] += len(scores.ids)
        self.bad[number] += scores.bad

        for name, row in scores.rows.items():
            self.seconds[name] += row.seconds
            if row.fidelity is not None:
                self.fidelity[name, number].extend(row.fidelity)
            for judge, outcomes in row.outcomes.items():
                self.seconds[f"{name}\0{judge}"] += row.reading_seconds[judge]
                for outcome in outcomes:
                    self.reading[name, judge, number].add(outcome)

            # One line per picture, for whoever looks into single words.
            if self.records is not None:
                shown = {"protocol": self.config.protocol, "subset": self.subsets[number].name, "row": name}
                lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in _records(shown, scores, row))
                self.records.writelines(lines)

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
                # Both rows read the same samples in the same order, so the test is paired.
                a, b = (
                    [bool(hit) for number in range(len(self.parts)) for hit in self.reading[row, judge, number].correct]
                    for row in (first, second)
                )

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


def _records(shown: dict[str, str], scores: ChunkScores, row: RowScores) -> Iterator[dict[str, Any]]:
    """What the per-image file says of one row's pictures."""
    for i, (sample, label) in enumerate(zip(scores.ids, scores.labels, strict=True)):
        record: dict[str, Any] = shown | {"id": sample, "label": label}
        if row.fidelity is not None:
            values = {"psnr_db": row.fidelity.psnr[i], "ssim": row.fidelity.ssim[i]}
            record |= {key: round(value, 5) if math.isfinite(value) else None for key, value in values.items()}

        record["readings"] = {
            judge: {
                "text": readings[i].text,
                "confidence": round(readings[i].confidence, 5),
                "correct": row.outcomes[judge][i].correct,
            }
            for judge, readings in row.readings.items()
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
        records = None
        if per_image is not None:
            temporary = stack.enter_context(atomic_path(per_image))
            records = stack.enter_context(temporary.open("w", encoding="utf-8"))

        evaluation = _Evaluation(config, progress, records)
        evaluation.run()
    return evaluation.report(time.perf_counter() - start)
