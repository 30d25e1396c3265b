"""Builds IIIT5K-LR, pairs of sharp and blurred real words, from the official files of IIIT 5K-Word.

    python recipes/iiit5k_lr.py IIIT5K --out iiit5k-lr [--count 503] [--seed 0]

IIIT5K is the unpacked archive (A. Mishra, K. Alahari, C. V. Jawahar, BMVC 2012; for research use): traindata.mat,
testdata.mat, trainCharBound.mat, testCharBound.mat, train/ and test/. It makes

    OUT/train        LMDB of the training words, the three difficulties in turn
    OUT/test/easy    LMDBs of COUNT test words each, all different
    OUT/test/medium
    OUT/test/hard
    OUT/train-hr     the training words of at most 96 rows, and annotations.json with the box of each character

in TextZoom's keys, HR 32 and LR 16 rows tall at the word's own aspect, with two more: char_boxes (JSON, HR pixels)
and source. The degradation is the package's own (glyphsr.data.degradation), at the difficulties whose blur is about
IIIT5K-LR's: figures measured on the result may be compared with those of docs/weights.md, but are not equal to them.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from glyphsr.config.degradation import LEVELS, DegradationConfig
from glyphsr.data.degradation.levels import degrade_at_levels
from glyphsr.data.lmdb_writer import LmdbWriter, encode_png
from glyphsr.errors import GlyphSRError
from glyphsr.images.resize import resize_like_pil

ROWS = 32
"""HR line height of the pairs."""

TALLEST = 96
"""Greatest height of the pictures of train-hr."""


@dataclass(frozen=True, eq=False)
class OfficialWord:
    """A word of IIIT 5K-Word."""

    name: str
    """As the official lists name it, such as ``train/1009_2.png``."""
    label: str
    boxes: NDArray[np.float64]
    """``(characters, 4)``: x, y, width, height in pixels of its picture."""
    picture: NDArray[np.uint8]
    """``(h, w, 3)`` RGB."""

    def resized(self, height: int, width: int) -> tuple[NDArray[np.uint8], list[list[float]]]:
        """The picture in another size, and its boxes there."""
        factors = np.array([width / self.picture.shape[1], height / self.picture.shape[0]] * 2)
        return resize_like_pil(self.picture, (height, width)), (self.boxes * factors).round(2).tolist()


def official_words(root: Path, part: str) -> Iterator[OfficialWord]:
    """The words of ``train`` or ``test``, in the order of the official lists."""
    listed = loadmat(root / f"{part}data.mat", squeeze_me=True, struct_as_record=False)[f"{part}data"]
    bounds = loadmat(root / f"{part}CharBound.mat", squeeze_me=True, struct_as_record=False)[f"{part}CharBound"]
    boxes = {str(word.ImgName): np.atleast_2d(np.asarray(word.charBB, np.float64)) for word in np.atleast_1d(bounds)}

    for word in np.atleast_1d(listed):
        name = str(word.ImgName)
        picture = cv2.imread(str(root / name), cv2.IMREAD_COLOR)
        if picture is None:
            sys.exit(f"{root / name}: expected a picture that the official list names")
        rgb = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        yield OfficialWord(name, str(word.GroundTruth), boxes.get(name, np.zeros((0, 4))), rgb)


def write_pairs(path: Path, words: Sequence[OfficialWord], levels: Sequence[str], rng: np.random.Generator) -> None:
    """An LMDB of pairs; the levels take turns."""
    config = DegradationConfig()
    with LmdbWriter(path) as writer:
        for number, word in enumerate(words):
            width = max(8, round(word.picture.shape[1] * ROWS / word.picture.shape[0] / 2) * 2)
            hr, boxes = word.resized(ROWS, width)
            versions = dict(degrade_at_levels(hr, config, rng, draws=1))
            lr = versions[levels[number % len(levels)]][0]
            more = {"char_boxes": json.dumps(boxes).encode(), "source": word.name.encode()}
            writer.add(hr=encode_png(hr), lr=encode_png(lr), label=word.label, extra=more)
    print(f"{path}: {len(words)} pairs")


def write_hr(folder: Path, words: Sequence[OfficialWord]) -> None:
    """A folder of pictures with annotations.json, which ``kind: folder`` sources read."""
    folder.mkdir(parents=True)

    rows = []

    for word in words:
        height, width = word.picture.shape[:2]
        shrink = min(1.0, TALLEST / height)

        picture, boxes = word.resized(round(height * shrink), max(1, round(width * shrink)))
        file = Path(word.name).name
        (folder / file).write_bytes(encode_png(picture))
        rows.append({"file": file, "label": word.label, "char_boxes": boxes})

    # The list comes last: what it names is there.
    listed = folder / "annotations.json.partial"
    listed.write_text(json.dumps(rows), encoding="utf-8")
    listed.replace(folder / "annotations.json")
    print(f"{folder}: {len(rows)} pictures")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="unpacked archive of IIIT 5K-Word")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=503, help="test words of each difficulty")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of test words and of the degradation")
    options = parser.parse_args()
    missing = [name for name in ("traindata.mat", "testdata.mat") if not (options.root / name).is_file()]
    if missing:
        sys.exit(f"{options.root}: has no {missing[0]}; expected the unpacked archive of IIIT 5K-Word")
    if options.out.exists():
        sys.exit(f"{options.out}: exists; name another folder or remove it")

    rng = np.random.default_rng(options.seed)
    train, test = (list(official_words(options.root, part)) for part in ("train", "test"))
    if len(test) < len(LEVELS) * options.count:
        sys.exit(f"--count: expected at most {len(test) // len(LEVELS)}, as there are {len(test)} test words")

    chosen = rng.permutation(len(test))
    write_hr(options.out / "train-hr", train)
    write_pairs(options.out / "train", train, list(LEVELS), rng)
    for number, level in enumerate(LEVELS):
        own = [test[i] for i in chosen[number * options.count : (number + 1) * options.count]]
        write_pairs(options.out / "test" / level, own, [level], rng)


if __name__ == "__main__":
    try:
        main()
    except GlyphSRError as error:
        sys.exit(str(error))
