"""Measures the guard: of the words that upscaling broke, how many it mends, and how much of the gain it costs.

    python benchmarks/guard.py --data-root iiit5k-lr/test [--readers rapidocr tesseract] [--guards NAME ...]
        [--draws N --seed S] [--harmless]

Each reader, or each of the guards, guards while each other reader judges. Broken is a word that the judge reads in
bicubic and not in ours. Of the 1,509 test words so few are broken that one of them more or less is a tenth: ``--draws``
has the package's own degradation make other LR pictures of each word's HR one, N at each of the three difficulties.
Intervals are of 2,000 resamples of the words, with all their pictures, less those in which nothing is broken or gained.
``--harmless`` tells how many words a judge loses by what nobody sees: bicubic saved as JPEG of quality 95, and made 3%
darker.
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from glyphsr.config.degradation import LEVELS, DegradationConfig
from glyphsr.data.degradation.levels import degrade_at_levels
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.images.resize import FloatImage, resize
from glyphsr.ocr.readers import open_reader
from glyphsr.text.charset import comparable
from glyphsr.types import Reading
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler

CHUNK = 100
RESAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, help="folder of easy, medium and hard")
    parser.add_argument("--readers", nargs="+", default=["rapidocr", "tesseract"])
    parser.add_argument("--guards", nargs="+", help="default the readers")
    parser.add_argument("--limit", type=int, help="words of each subset")
    parser.add_argument("--draws", type=int, default=0, help="degradations of each HR picture at each difficulty")
    parser.add_argument("--seed", type=int, default=0, help="of these degradations")
    parser.add_argument("--harmless", action="store_true")
    arguments = parser.parse_args()

    labels, lines, word_of = zip(*read_words(arguments), strict=True)
    before = [resize(line.rgb, line.size).clip(0, 1) for line in lines]
    after = [line.rgb for line in Upscaler(guard="off").upscale_lines(lines)]
    guards = arguments.guards or arguments.readers
    judges = {name: Remembering(name) for name in {*arguments.readers, *guards}}
    right = {
        name: (judges[name].right(before, labels), judges[name].right(after, labels)) for name in arguments.readers
    }

    print(f"{len(set(word_of))} words, {len(labels)} pictures")
    for judge, (was, _) in right.items() if arguments.harmless else ():
        for name, change in HARMLESS.items():
            lost = was & ~judges[judge].right([change(picture) for picture in before], labels)
            print(
                f"{judge}, {name}: loses {lost.sum()} of {was.sum()} that it reads in bicubic, {lost.mean():.2%} of all"
            )
    print("guard       judge        bicubic  ours  guarded   broken  guarded  fewer   gain  guarded   kept")
    for guard, judge in itertools.product(guards, arguments.readers):
        if guard == judge:
            continue
        upscaler = Upscaler(guard="revert", guard_reader=guard)
        assert upscaler.guard is not None
        upscaler.guard.reader = judges[guard]
        guarded = upscaler.upscale_lines(lines)
        was, now = right[judge]
        result = judges[judge].right([line.rgb for line in guarded], labels)
        counts = counted(was, now, result)
        broken, left, gain, kept = counts.mean(axis=0)
        fewer, stays = fractions(counts.sum(axis=0))
        print(
            f"{guard:11s} {judge:11s} {was.mean():8.1%} {now.mean():6.1%} {result.mean():7.1%} {broken:8.2%} "
            f"{left:8.2%} {fewer:6.0%} {gain:+7.1%} {kept:+7.1%} {stays:6.0%}"
        )
        (fewer_least, stays_least), (fewer_most, stays_most) = interval(counts, np.array(word_of))
        print(f"  fewer {fewer_least:.0%} to {fewer_most:.0%}, kept {stays_least:.0%} to {stays_most:.0%}")
        actions = Counter(line.verdict.action for line in guarded if line.verdict is not None)
        print("  " + ", ".join(f"{action} {count / len(lines):.1%}" for action, count in actions.most_common()))


def read_words(arguments: argparse.Namespace) -> list[tuple[str, Line, int]]:
    """Label, picture and number of the word of each picture."""
    rng = np.random.default_rng(arguments.seed)
    found: list[tuple[str, Line, int]] = []
    number = 0
    for subset in LEVELS:
        words = PairedLmdb(arguments.data_root / subset)
        for i in range(min(len(words), arguments.limit or len(words))):
            sample = words[i]
            again = degrade_at_levels(sample.hr, DegradationConfig(), rng, draws=arguments.draws)
            stored = [] if sample.lr is None else [sample.lr]
            for picture in [picture for _, drawn in again for picture in drawn] or stored:
                lr = np.asarray(picture / np.float32(255), np.float32)
                found.append((comparable(sample.label), Line(lr, (2 * lr.shape[0], 2 * lr.shape[1])), number))
            number += 1
    return found


def counted(was: NDArray[np.bool_], now: NDArray[np.bool_], result: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``(N, 4)``: broken, still broken with the guard, gain, and gain with it, of pictures read in three ways."""
    return np.stack([was & ~now, was & ~result, now * 1.0 - was, result * 1.0 - was], axis=1)


def fractions(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(..., 2)`` of ``(..., 4)``: how many fewer words are broken, and which fraction of the gain stays, if any."""
    broken, left, gain, kept = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.stack([1 - left / broken, kept / gain], axis=-1)
    return np.where(np.stack([broken, gain], axis=-1) > 0, found, np.nan)


def interval(counts: NDArray[np.float64], word_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(2, 2)``: both fractions' least and most in 95% of the resamples."""
    words = int(word_of.max()) + 1
    each = np.stack([np.bincount(word_of, weights=column, minlength=words) for column in counts.T], axis=1)
    drawn = np.random.default_rng(0).multinomial(words, np.full(words, 1 / words), size=RESAMPLES).astype(np.float64)
    return np.asarray(np.nanpercentile(fractions(drawn @ each), [2.5, 97.5], axis=0), np.float64)


def as_jpeg(picture: FloatImage) -> FloatImage:
    """As it is read from a JPEG of quality 95."""
    pixels = cv2.cvtColor((picture * 255).round().astype(np.uint8), cv2.COLOR_RGB2BGR)
    read = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1], cv2.IMREAD_COLOR)
    assert read is not None
    return np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB) / np.float32(255), np.float32)


HARMLESS: dict[str, Callable[[FloatImage], FloatImage]] = {
    "JPEG": as_jpeg,
    "3% darker": lambda picture: picture * np.float32(0.97),
}
"""Changes that nobody sees."""


class Remembering:
    """A judge that reads each picture once; as guard it sees those that it judges."""

    def __init__(self, name: str) -> None:
        self.name, self.judge = name, open_reader(name, torch.device("cpu"))
        self.known: dict[tuple[tuple[int, ...], bytes], Reading] = {}

    def read(self, pictures: Sequence[FloatImage]) -> list[Reading]:
        keys = [(picture.shape, (picture.clip(0, 1) * 255).round().astype(np.uint8).tobytes()) for picture in pictures]
        new = {key: picture for key, picture in zip(keys, pictures, strict=True) if key not in self.known}
        for first in range(0, len(new), CHUNK):
            part = list(new)[first : first + CHUNK]
            tensors = [torch.from_numpy(np.ascontiguousarray(new[key])).permute(2, 0, 1) for key in part]
            self.known.update(zip(part, self.judge.read(tensors), strict=True))
        return [self.known[key] for key in keys]

    def right(self, pictures: Sequence[FloatImage], labels: Sequence[str]) -> NDArray[np.bool_]:
        """Which of the pictures it reads as labelled."""
        readings = self.read(pictures)
        return np.array([comparable(reading.text) == label for reading, label in zip(readings, labels, strict=True)])


if __name__ == "__main__":
    main()
