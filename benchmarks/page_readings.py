"""What rapidocr reads on pages: plain bicubic enlargement against page mode, with and without the guard.

    python benchmarks/page_readings.py [--guard off warn revert] [--guard-reader NAME]

The examples' lines are read each by its own box, which page mode is given without their texts; scikit-image's pictures
as a whole, by lines that are found.
"""

import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from glyphsr.images.perspective import cut_out, widen
from glyphsr.images.reader import read_picture
from glyphsr.images.resize import FloatImage, resize
from glyphsr.images.text_boxes import TextBox, read_boxes
from glyphsr.ocr.rapidocr_engine import open_rapidocr
from glyphsr.text.charset import comparable
from glyphsr.upscaling.pages import PageUpscaler
from glyphsr.upscaling.upscaler import Upscaler

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = ("street", "receipt", "scan")
HEIGHTS = {"min_text_height": 6.0, "max_text_height": 96.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", nargs="+", choices=["off", "warn", "revert"], default=["off", "revert"])
    parser.add_argument("--guard-reader")
    arguments = parser.parse_args()
    engine = open_rapidocr()
    pages = {
        guard: PageUpscaler(Upscaler(guard=guard, guard_reader=arguments.guard_reader), **HEIGHTS)
        for guard in arguments.guard
    }

    def read(picture: FloatImage, *, whole: bool = False) -> list[str]:
        pixels = cv2.cvtColor((picture.clip(0, 1) * 255).round().astype(np.uint8), cv2.COLOR_RGB2BGR)
        found = engine(pixels, use_det=whole, use_cls=False, use_rec=True)
        return list(getattr(found, "txts", None) or ())

    for name in NAMES:
        picture = read_picture(EXAMPLES / f"{name}.png").rgb
        boxes = read_boxes(EXAMPLES / f"{name}.json")
        size = (2 * picture.shape[0], 2 * picture.shape[1])
        results = {"bicubic": resize(picture, size).clip(0, 1)}
        for guard, page in pages.items():
            done = page.upscale(picture, size, [TextBox(box.quad) for box in boxes])
            results[f"page, guard {guard}"] = done.rgb
            actions = Counter(
                region.result.verdict.action for region in done.regions if region.result and region.result.verdict
            )
            print(f"{name}: guard {guard}: {dict(actions)}")
            for region, box in zip(done.regions, boxes, strict=True):
                verdict = region.result.verdict if region.result else None
                if verdict and verdict.reason:
                    print(f"  {box.text!r}: {verdict.action}: {verdict.reason}")
        words = [(box.text or "").split() for box in boxes]
        for row, enlarged in results.items():
            lines = ["".join(read(cut_out(enlarged, widen(box.quad) * 2 - 0.5))) for box in boxes]
            exact = sum(_hits(line.split(), own) for line, own in zip(lines, words, strict=True))
            letters = sum(comparable(line) == comparable("".join(own)) for line, own in zip(lines, words, strict=True))
            total = sum(map(len, words))
            print(
                f"{name:8s} {row:20s} {exact} of {total} words, letters and digits of {letters} of {len(boxes)} lines"
            )
            for line, own in zip(lines, words, strict=True):
                if comparable(line) != comparable("".join(own)):
                    print(f"  {' '.join(own)!r} read as {line!r}")

    for name in ("page", "text"):
        picture = np.repeat(getattr(skimage.data, name)()[..., None], 3, axis=2).astype(np.float32) / 255
        size = (2 * picture.shape[0], 2 * picture.shape[1])
        print(f"{name}: bicubic: {read(resize(picture, size).clip(0, 1), whole=True)}")
        for guard, page in pages.items():
            found = page.find(picture)
            print(
                f"{name}: guard {guard}, {len(found)} lines: {read(page.upscale(picture, size, found).rgb, whole=True)}"
            )


def _hits(found: list[str], wanted: list[str]) -> int:
    have = Counter(found)
    return sum(min(count, have[word]) for word, count in Counter(wanted).items())


if __name__ == "__main__":
    main()
