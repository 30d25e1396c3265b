"""Measures page mode on a photograph of 12 megapixels with 60 lines: time of its parts, against line mode, and memory.

    python benchmarks/pages.py [--lines 60] [--size 4000x3000]

The lines' boxes are given, so that no detector's time is in it; --detect finds them instead. The photograph is read
from a JPEG in memory, and the result made one.
"""

import argparse
import resource
import time
from collections.abc import Sequence

import cv2
import numpy as np

from glyphsr.config.rendering import RenderConfig
from glyphsr.data.rendering.words import WordRenderer
from glyphsr.images.perspective import widen
from glyphsr.images.reader import Picture, decode_picture
from glyphsr.images.text_boxes import TextBox
from glyphsr.images.writer import encode_picture
from glyphsr.upscaling.line import Line, UpscaledLine
from glyphsr.upscaling.pages import PageUpscaler
from glyphsr.upscaling.upscaler import Upscaler

HEIGHT = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=60)
    parser.add_argument("--size", default="4000x3000")
    parser.add_argument("--detect", action="store_true")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    picture, boxes = scene(width, height, arguments.lines)

    spent = 0.0

    class Timed(Upscaler):
        """Keeps the time that lines take."""

        def upscale_lines(self, lines: Sequence[Line]) -> list[UpscaledLine]:
            nonlocal spent
            started = time.perf_counter()
            done = super().upscale_lines(lines)
            spent += time.perf_counter() - started
            return done

    upscaler = Timed()
    upscaler.load()
    pages = PageUpscaler(upscaler, min_text_height=6, max_text_height=96)
    photograph = encode_picture(Picture(picture), "JPEG")
    small = [Line(picture[:HEIGHT, : 4 * HEIGHT], (2 * HEIGHT, 8 * HEIGHT))]
    upscaler.upscale_lines(small)  # libraries load
    if arguments.detect:
        pages.find(picture[:400, :400])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent, started = 0.0, time.perf_counter()
    read = decode_picture(photograph, "photograph").rgb
    opened = time.perf_counter()
    found = pages.find(read) if arguments.detect else boxes
    looked = time.perf_counter() - opened
    page = pages.upscale(read, (2 * height, 2 * width), found)
    done = time.perf_counter()
    encode_picture(Picture(page.rgb), "JPEG")
    total = time.perf_counter() - started
    files = total - (done - opened)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    enlarged = sum(region.result is not None for region in page.regions)
    print(f"{width} x {height}, {len(found)} lines, {enlarged} enlarged: {total:.2f} s, of which network {spent:.2f} s")
    print(
        f"network {spent / total:.0%}; detector {looked:.2f} s; reading and writing {files:.2f} s; "
        f"peak memory {memory / 1024:.0f} MiB, before the page {before / 1024:.0f} MiB"
    )
    in_page = spent / max(1, enlarged)
    lines = [pages._line(read, widen(box.quad) - 0.5, np.array([2.0, 2.0]), None) for box in found]
    del page
    started = time.perf_counter()
    Upscaler.upscale_lines(upscaler, lines)
    alone = (time.perf_counter() - started) / len(lines)
    print(f"per line: page mode {1000 * in_page:.1f} ms, line mode {1000 * alone:.1f} ms, {in_page / alone:.2f}x")


def scene(width: int, height: int, count: int) -> tuple[np.ndarray, list[TextBox]]:
    """A cloudy ground with rendered words on it, in a grid."""
    rng = np.random.default_rng(0)
    rough = rng.normal(0.5, 0.1, (height // 50, width // 50, 3)).astype(np.float32)
    picture = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    words = WordRenderer(RenderConfig(fonts=("builtin",), height=HEIGHT))
    columns = 4
    rows = -(-count // columns)
    boxes = []
    for i in range(count):
        image = words.word(0, i).image[:, : width // columns - 40]
        x, y = 20 + (i % columns) * (width // columns), 20 + (i // columns) * (height // rows)
        picture[y : y + HEIGHT, x : x + image.shape[1]] = image.astype(np.float32) / 255
        x1, y1 = x + image.shape[1], y + HEIGHT
        boxes.append(TextBox(np.array([(x, y), (x1, y), (x1, y1), (x, y1)], np.float64)))
    return picture, boxes


if __name__ == "__main__":
    main()
