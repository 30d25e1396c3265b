"""Sums of an evaluation as it goes: a few numbers per picture, whatever the size of the set."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from glyphsr.evaluation.report import SubsetScores
from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.averages import bootstrap_interval, plain_mean, weighted_mean
from glyphsr.metrics.edit import edit_distance, edit_similarity
from glyphsr.metrics.psnr import batch_psnr, psnr
from glyphsr.metrics.ssim import ssim, standard_ssim
from glyphsr.text.charset import filter_lower
from glyphsr.types import Reading


@dataclass(frozen=True)
class Outcome:
    """One reading against its label."""

    correct: bool
    distance: int
    label_length: int
    similarity: float


def score_reading(reading: Reading, label: str) -> Outcome:
    """Compare as the published evaluation does: lower-cased letters and digits, empty equals empty."""
    text, truth = filter_lower(reading.text), filter_lower(label)
    return Outcome(
        words_match(reading.text, label), edit_distance(text, truth), len(truth), edit_similarity(text, truth)
    )


@dataclass
class RecognitionAccumulator:
    """Outcomes of one row with one judge on one subset."""

    correct: bytearray = field(default_factory=bytearray)
    distances: array[int] = field(default_factory=lambda: array("I"))
    label_length: int = 0
    similarities: array[float] = field(default_factory=lambda: array("d"))

    def add(self, outcome: Outcome) -> None:
        """Count one reading."""
        self.correct.append(outcome.correct)
        self.distances.append(outcome.distance)
        self.label_length += outcome.label_length
        self.similarities.append(outcome.similarity)


@dataclass
class FidelityAccumulator:
    """PSNR and SSIM of one row on one subset."""

    batch_psnr: list[float] = field(default_factory=list)
    """Of each batch of 48 in turn; the published figure is their plain mean."""
    batch_ssim: list[float] = field(default_factory=list)
    psnr: array[float] = field(default_factory=lambda: array("d"))
    ssim: array[float] = field(default_factory=lambda: array("d"))

    def extend(self, other: FidelityAccumulator) -> None:
        """Count what another has counted, after what is counted already."""
        self.batch_psnr += other.batch_psnr
        self.batch_ssim += other.batch_ssim
        self.psnr += other.psnr
        self.ssim += other.ssim

    def add_batch(self, pictures: Tensor, hr: Tensor) -> None:
        """Count one batch of the published protocol: ``(B, 3, H, W)`` each, nothing clipped."""
        each = ssim(pictures, hr)
        self.batch_psnr.append(float(batch_psnr(pictures, hr)))
        self.batch_ssim.append(float(each.mean()))
        self.psnr.extend(psnr(pictures, hr).tolist())
        self.ssim.extend(each.tolist())

    def add_images(self, pictures: Sequence[Tensor], hr: Sequence[Tensor]) -> None:
        """Count 8-bit pictures ``(3, H, W)`` in [0, 1] one by one."""
        for picture, truth in zip(pictures, hr, strict=True):
            self.psnr.append(float(psnr(picture[None], truth[None])))
            # As saved: 8 bits.
            pair = [(x.permute(1, 2, 0) * 255).round().byte().numpy() for x in (picture, truth)]
            self.ssim.append(standard_ssim(*pair))


def _mean(values: Sequence[float]) -> float:
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]  # tiny pictures have no standard SSIM
    finite = known[np.isfinite(known)]  # a picture equal to the HR side says nothing of the others
    if len(known) and not len(finite):
        return float("inf")
    return float(finite.mean()) if len(finite) else float("nan")


def summarise(
    groups: Sequence[Sequence[float]], counts: Sequence[int], *, resamples: int = 0, seed: int = 0
) -> SubsetScores:
    """Means of each subset's values, both averages, and the interval of the weighted one."""
    # Subsets without samples are listed, but count in no average.
    means = [_mean(group) for group in groups]
    scored = [(mean, count) for mean, count in zip(means, counts, strict=True) if count]

    interval = None
    if resamples:
        interval = bootstrap_interval(
            [np.asarray(group, np.float64) for group in groups], resamples=resamples, seed=seed
        )

    return SubsetScores(
        tuple(means),
        weighted_mean([mean for mean, _ in scored], [count for _, count in scored]),
        plain_mean([mean for mean, _ in scored]),
        interval,
    )


def summarise_cer(accumulators: Sequence[RecognitionAccumulator]) -> SubsetScores:
    """CER of each subset; the weighted average is over all characters of all labels."""
    lengths = [accumulator.label_length for accumulator in accumulators]
    # Edits of all texts over characters of all labels, so that long words count more.
    rates = [
        sum(accumulator.distances) / length if length else float("nan")
        for accumulator, length in zip(accumulators, lengths, strict=True)
    ]
    known = [rate for rate, length in zip(rates, lengths, strict=True) if length]
    return SubsetScores(tuple(rates), weighted_mean(known, [length for length in lengths if length]), plain_mean(known))


def stack_outputs(pictures: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Pictures one by one, whether they came as a batch or as a list."""
    return list(torch.unbind(pictures)) if isinstance(pictures, Tensor) else list(pictures)
