"""Measures the guard: of the words that upscaling broke, how many it takes back, and how much of the gain it costs.

    python benchmarks/guard.py --data-root iiit5k-lr/test [--readers rapidocr tesseract]

Each reader guards while each other one judges. Broken is a word that the judge reads in bicubic and not in ours.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np

from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.pipelines.guard import AS_BEFORE, Guard, Verdict
from glyphsr.pipelines.lines import Pixels, resize
from glyphsr.pipelines.upscaling import Line, Upscaler
from glyphsr.text.charset import comparable

CHUNK = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, help="folder of easy, medium and hard")
    parser.add_argument("--readers", nargs="+", default=["rapidocr", "tesseract"])
    parser.add_argument("--limit", type=int, help="words of each subset")
    arguments = parser.parse_args()

    labels: list[str] = []
    before: list[Pixels] = []
    lines: list[Line] = []
    for subset in ("easy", "medium", "hard"):
        words = PairedLmdb(arguments.data_root / subset)
        for i in range(min(len(words), arguments.limit or len(words))):
            sample = words[i]
            assert sample.lr is not None
            lr = sample.lr.astype(np.float32) / 255
            size = (2 * lr.shape[0], 2 * lr.shape[1])
            labels.append(comparable(sample.label))
            before.append(_saved(resize(lr, size).clip(0, 1)))
            lines.append(Line(lr, size))
    upscaled = Upscaler().upscale_lines(lines)
    after = [_saved(line.rgb) for line in upscaled]
    drawn = [line.readings[0].text if len(line.readings) == 1 else None for line in upscaled]

    verdicts = {name: _verdicts(Guard("revert", reader=name), before, after, drawn) for name in arguments.readers}
    print(f"{len(labels)} words, {', '.join(sorted({found[0].reader for found in verdicts.values()}))}")
    print("guard       judge        bicubic  ours  guarded   broken  guarded  fewer   gain  guarded   kept  reverted")
    for guard, judge in itertools.permutations(arguments.readers, 2):
        was, now = (
            np.array([comparable(reading.text) == label for reading, label in zip(readings, labels, strict=True)])
            for readings in ([v.before for v in verdicts[judge]], [v.after for v in verdicts[judge]])
        )
        reverted = np.array([verdict.action in AS_BEFORE for verdict in verdicts[guard]])
        guarded = np.where(reverted, was, now)
        broken, left = (was & ~now).mean(), (was & ~guarded).mean()
        gain, kept = now.mean() - was.mean(), guarded.mean() - was.mean()
        fewer, stays = 1 - left / max(broken, 1e-9), kept / gain if gain else 0.0
        print(
            f"{guard:11s} {judge:11s} {was.mean():8.1%} {now.mean():6.1%} {guarded.mean():7.1%} {broken:8.2%} "
            f"{left:8.2%} {fewer:6.0%} {gain:+7.1%} {kept:+7.1%} {stays:6.0%} {reverted.mean():8.1%}"
        )


def _saved(picture: Pixels) -> Pixels:
    """As an 8-bit file shows it."""
    return np.asarray((picture * 255).round() / 255, np.float32)


def _verdicts(guard: Guard, before: list[Pixels], after: list[Pixels], drawn: list[str | None]) -> list[Verdict]:
    return [
        verdict
        for first in range(0, len(before), CHUNK)
        for part in [slice(first, first + CHUNK)]
        for verdict in guard.look(before[part], after[part], drawn=drawn[part])
    ]


if __name__ == "__main__":
    main()
