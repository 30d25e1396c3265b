"""Measures how much more readable words become, judged by OCR engines.

    python benchmarks/reading_gain.py --data-root iiit5k-lr/test [-R easyocr -R tesseract -R rapidocr]
        [--draw all] [--guard off] [--given] [--squash] [--sharp] [--limit N] [--json FILE]

Every LR picture of the subsets is upscaled in line mode; each reader reads bicubic, ours and HR. A reading counts where
its letters and digits, without case, are the label's.

    gap closed = (ours - bicubic) / (HR - bicubic)
    broken     = words that are read in bicubic and not in ours, as a fraction of those read in bicubic
    unchanged  = words whose result differs from bicubic by less than 1.5 grey levels on average

--given gives the network the true text. --squash brings LR to 64 x 16 first, as TextZoom's protocol does.
--sharp upscales the HR pictures: bicubic is then the HR picture itself. The last column is what the text prior reads in
LR, with its word list.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.images.resize import FloatImage, resize
from glyphsr.ocr.readers import Reader, open_reader
from glyphsr.text.charset import filter_lower
from glyphsr.upscaling.line import Line, UpscaledLine
from glyphsr.upscaling.upscaler import Upscaler

SUBSETS = ("easy", "medium", "hard")
CHUNK = 64
SAME = 1.5 / 255
ROWS = 32
"""Height at which results are read, and that of HR pictures."""


@dataclass(frozen=True)
class Scores:
    """Fractions of a subset, or their means over the subsets."""

    bicubic: float
    ours: float
    hr: float
    broken: float
    unchanged: float
    prior: float

    @property
    def gap_closed(self) -> float:
        """Fraction of the distance between bicubic and HR."""
        return (self.ours - self.bicubic) / (self.hr - self.bicubic) if self.hr > self.bicubic else float("nan")


@dataclass(frozen=True, eq=False)
class Word:
    """A word and what is made of it."""

    label: str
    """Its letters and digits, in lower case."""
    line: Line
    hr: FloatImage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, help="folder of the LMDBs easy, medium and hard")
    parser.add_argument("-R", "--recognizer", action="append", help="who reads; default rapidocr")
    parser.add_argument("-w", "--weights", default="compact")
    parser.add_argument("--draw", default="sure", choices=["sure", "all"])
    parser.add_argument("--guard", default="auto", choices=["auto", "off", "warn", "revert"])
    parser.add_argument("--lexicon", default="english")
    parser.add_argument("--strength", type=float)
    parser.add_argument("--given", action="store_true")
    parser.add_argument("--squash", action="store_true")
    parser.add_argument("--sharp", action="store_true")
    parser.add_argument("--limit", type=int, help="words of each subset")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    upscaler = Upscaler(
        options.weights,
        draw=options.draw,
        guard=options.guard,
        lexicon=options.lexicon,
        strength=options.strength,
        device="cpu",
    )

    words = {subset: list(read_words(options.data_root / subset, options)) for subset in SUBSETS}
    made = {subset: upscaled(upscaler, own) for subset, own in words.items()}
    report = {}
    for name in options.recognizer or ["rapidocr"]:
        reader = open_reader(name, torch.device("cpu"))
        table = {subset: score(reader, words[subset], made[subset], sharp=options.sharp) for subset in SUBSETS}
        table["mean"] = mean_of(list(table.values()))
        tell(name, table)
        report[name] = {part: vars(scores) | {"gap_closed": scores.gap_closed} for part, scores in table.items()}
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


def read_words(path: Path, options: argparse.Namespace) -> Iterator[Word]:
    pairs = PairedLmdb(path)
    for i in range(min(len(pairs), options.limit or len(pairs))):
        sample = pairs[i]
        assert sample.lr is not None
        lr, hr = (sample.hr if options.sharp else sample.lr), sample.hr
        if options.squash:
            lr, hr = (
                cv2.resize(x, size, interpolation=cv2.INTER_CUBIC) for x, size in ((lr, (64, 16)), (hr, (128, 32)))
            )
        rgb = as_floats(lr)
        text = sample.label if options.given else None
        yield Word(filter_lower(sample.label), Line(rgb, (2 * rgb.shape[0], 2 * rgb.shape[1]), text), as_floats(hr))


def as_floats(picture: NDArray[np.uint8]) -> FloatImage:
    return np.asarray(picture / np.float32(255), np.float32)


def upscaled(upscaler: Upscaler, words: Sequence[Word]) -> list[UpscaledLine]:
    lines = [word.line for word in words]
    return [
        line for first in range(0, len(lines), CHUNK) for line in upscaler.upscale_lines(lines[first : first + CHUNK])
    ]


def score(reader: Reader, words: Sequence[Word], made: Sequence[UpscaledLine], *, sharp: bool) -> Scores:
    plain = [word.line.rgb if sharp else resize(word.line.rgb, word.line.size).clip(0, 1) for word in words]
    bicubic = rights(reader, plain, words)
    ours = rights(reader, [line.rgb for line in made], words)
    hr = rights(reader, [word.hr for word in words], words)
    prior = [
        filter_lower(line.reading.text if line.reading else "") == word.label
        for line, word in zip(made, words, strict=True)
    ]
    same = [line.change < SAME for line in made]
    broken = (bicubic & ~ours).sum() / max(1, bicubic.sum())
    figures = (bicubic.mean(), ours.mean(), hr.mean(), broken, np.mean(same), np.mean(prior))
    return Scores(*(float(figure) for figure in figures))


def rights(reader: Reader, pictures: Sequence[FloatImage], words: Sequence[Word]) -> NDArray[np.bool_]:
    tensors = [torch.from_numpy(at_rows(picture).copy()).permute(2, 0, 1) for picture in pictures]
    readings = reader.read(tensors)
    return np.array([filter_lower(own.text) == word.label for own, word in zip(readings, words, strict=True)])


def at_rows(picture: FloatImage) -> FloatImage:
    height, width = picture.shape[:2]
    return picture if height == ROWS else resize(picture, (ROWS, max(1, round(width * ROWS / height)))).clip(0, 1)


def mean_of(scores: Sequence[Scores]) -> Scores:
    return Scores(*(float(np.mean(column)) for column in zip(*(vars(own).values() for own in scores), strict=True)))


def tell(name: str, table: dict[str, Scores]) -> None:
    print(f"\n{name:10s} bicubic    ours      HR  broken  unchanged  prior reads")
    for part, own in table.items():
        row = f"{part:10s} {own.bicubic:7.1%} {own.ours:7.1%} {own.hr:7.1%} {own.broken:7.1%}"
        row += f" {own.unchanged:10.1%} {own.prior:12.1%}"
        print(row + (f"   gap closed {own.gap_closed:.1%}" if part == "mean" else ""))


if __name__ == "__main__":
    main()
