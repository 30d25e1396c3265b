"""Measures the guard: of the words that upscaling broke, how many it mends, and how much of the gain it costs.

    python benchmarks/guard.py --data-root iiit5k-lr/test [--readers rapidocr tesseract]

Each reader guards while each other one judges. Broken is a word that the judge reads in bicubic and not in ours.
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.pipelines.judges import open_judge
from glyphsr.pipelines.lines import Pixels, resize
from glyphsr.pipelines.upscaling import Line, Upscaler
from glyphsr.text.charset import comparable
from glyphsr.types import Reading

CHUNK = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, help="folder of easy, medium and hard")
    parser.add_argument("--readers", nargs="+", default=["rapidocr", "tesseract"])
    parser.add_argument("--limit", type=int, help="words of each subset")
    arguments = parser.parse_args()

    labels: list[str] = []
    lines: list[Line] = []
    for subset in ("easy", "medium", "hard"):
        words = PairedLmdb(arguments.data_root / subset)
        for i in range(min(len(words), arguments.limit or len(words))):
            sample = words[i]
            assert sample.lr is not None
            lr = np.asarray(sample.lr / np.float32(255), np.float32)
            labels.append(comparable(sample.label))
            lines.append(Line(lr, (2 * lr.shape[0], 2 * lr.shape[1])))
    before = [resize(line.rgb, line.size).clip(0, 1) for line in lines]
    after = [line.rgb for line in Upscaler().upscale_lines(lines)]
    judges = {name: Remembering(name) for name in arguments.readers}
    right = {name: (judge.right(before, labels), judge.right(after, labels)) for name, judge in judges.items()}

    print(f"{len(labels)} words")
    print("guard       judge        bicubic  ours  guarded   broken  guarded  fewer   gain  guarded   kept")
    for guard, judge in itertools.permutations(arguments.readers, 2):
        upscaler = Upscaler(guard="revert", guard_reader=guard)
        assert upscaler.guard is not None
        upscaler.guard.judge = judges[guard]
        guarded = upscaler.upscale_lines(lines)
        was, now = right[judge]
        result = judges[judge].right([line.rgb for line in guarded], labels)
        broken, left = (was & ~now).mean(), (was & ~result).mean()
        gain, kept = now.mean() - was.mean(), result.mean() - was.mean()
        fewer, stays = 1 - left / max(broken, 1e-9), kept / gain if gain else 0.0
        print(
            f"{guard:11s} {judge:11s} {was.mean():8.1%} {now.mean():6.1%} {result.mean():7.1%} {broken:8.2%} "
            f"{left:8.2%} {fewer:6.0%} {gain:+7.1%} {kept:+7.1%} {stays:6.0%}"
        )
        actions = Counter(line.verdict.action for line in guarded if line.verdict is not None)
        print("  " + ", ".join(f"{action} {count / len(lines):.1%}" for action, count in actions.most_common()))


class Remembering:
    """A judge that reads each picture once; as guard it sees those that it judges."""

    def __init__(self, name: str) -> None:
        self.judge = open_judge(name, torch.device("cpu"))
        self.info, self.too_long = self.judge.info, self.judge.too_long
        self.known: dict[tuple[tuple[int, ...], bytes], Reading] = {}

    def read(self, images: Sequence[torch.Tensor]) -> list[Reading]:
        keys = [(tuple(image.shape), (image * 255).round().byte().numpy().tobytes()) for image in images]
        new = {key: image for key, image in zip(keys, images, strict=True) if key not in self.known}
        for first in range(0, len(new), CHUNK):
            part = list(new)[first : first + CHUNK]
            self.known.update(zip(part, self.judge.read([new[key] for key in part]), strict=True))
        return [self.known[key] for key in keys]

    def right(self, pictures: Sequence[Pixels], labels: Sequence[str]) -> NDArray[np.bool_]:
        """Which of the pictures it reads as labelled."""
        readings = self.read([torch.from_numpy(picture.copy()).permute(2, 0, 1) for picture in pictures])
        return np.array([comparable(reading.text) == label for reading, label in zip(readings, labels, strict=True)])


if __name__ == "__main__":
    main()
