"""Speed and memory of ``upscale``, as ratios measured in one run.

    python benchmarks/upscale.py [--lines 200] [--many 2000] [--threads 2]

Lines are drawn with PIL's own font: a folder of height 16, TextZoom's LR height, and a mixed one of heights 16 to 48.
A 48 pixel line is nine times the work of a 16 pixel one and fills both cores alone, so batching gains little there.
"""

import argparse
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from glyphsr import upscale_files
from glyphsr.config.model import ModelConfig
from glyphsr.config.rendering import BUILTIN_FONT, RenderConfig
from glyphsr.data.rendering.words import WordRenderer
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.loading import load_model

REPEATS = 3


def seconds(work: Callable[[], object]) -> float:
    """Best of a few runs, after one to warm up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


LOW = (16,)
MIXED = (16, 16, 16, 20, 24, 32, 48)


def draw_lines(count: int, heights: tuple[int, ...]) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    renderer = WordRenderer(RenderConfig(fonts=(BUILTIN_FONT,), height=48))
    lines = []
    for _ in range(count):
        image = renderer.render(rng).image
        height = int(rng.choice(heights))
        width = max(8, round(image.shape[1] * height / image.shape[0]))
        lines.append(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    return lines


def save(lines: list[Image.Image], folder: Path, count: int) -> None:
    folder.mkdir()
    for i in range(count):
        lines[i % len(lines)].save(folder / f"{i:05d}.png")


def compare_batching(name: str, lines: list[Image.Image], upscaler: Upscaler) -> None:
    arrays = [np.asarray(line, np.float32) / 255 for line in lines]
    work = [Line(a, (2 * a.shape[0], 2 * a.shape[1])) for a in arrays]
    one_by_one = seconds(lambda: [upscaler.upscale_lines([line]) for line in work])
    batched = seconds(lambda: upscaler.upscale_lines(work))
    print(f"{len(work)} lines {name}, one by one {len(work) / one_by_one:8.1f} lines/s")
    print(f"{len(work)} lines {name}, batched    {len(work) / batched:8.1f} lines/s")
    print(f"batched against one by one      {one_by_one / batched:8.2f}x   (must 1.5x at height 16)")


def compare_networks(compact: SuperResolver) -> None:
    paper = SuperResolver.from_config(ModelConfig()).eval()
    for batch in (1, 48):
        lr = torch.rand(batch, 3, 16, 64)
        with torch.inference_mode():
            slow = seconds(lambda lr=lr: paper(lr))
            fast = seconds(lambda lr=lr: compact(lr))
        print(f"batch {batch:2d}: paper size + PARSeq {batch / slow:7.1f}/s, compact {batch / fast:7.1f}/s")
        print(f"compact against paper size      {slow / fast:8.2f}x   (must 3x)")


def peak_mib(command: list[str]) -> float:
    """Peak resident memory of a command, from a helper process of its own, since the maximum never falls."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def compare_memory(lines: list[Image.Image], few: int, many: int, root: Path) -> None:
    peaks = []
    for count in (few, many):
        source, target = root / f"in{count}", root / f"out{count}"
        save(lines, source, count)
        peaks.append(peak_mib([sys.executable, "-m", "glyphsr_cli", "upscale", str(source), "-o", str(target)]))
        print(f"peak memory of a folder of {count:5d} lines {peaks[-1]:8.0f} MiB")
    print(f"memory ratio                    {peaks[1] / peaks[0]:8.2f}x   (must be flat)")


def time_start(root: Path, line: Image.Image) -> None:
    line.save(root / "one.png")
    for name, arguments in (
        ("--help", ["--help"]),
        ("one line, cold", ["upscale", str(root / "one.png"), "--overwrite"]),
    ):
        command = [sys.executable, "-m", "glyphsr_cli", *arguments]
        took = seconds(lambda command=command: subprocess.run(command, check=True, capture_output=True))
        print(f"{name:31s} {took:8.2f} s   (must {'0.3' if name == '--help' else '4'} s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--many", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads, Python {platform.python_version()}")
    lines = draw_lines(options.lines, LOW)
    upscaler = Upscaler(device="cpu")
    compare_batching("height 16", lines, upscaler)
    compare_batching("heights 16-48", draw_lines(options.lines, MIXED), upscaler)
    compare_networks(load_model("compact").model)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        time_start(root, lines[0])
        save(lines, root / "files", options.lines)
        took = seconds(lambda: upscale_files([root / "files"], root / "done", overwrite=True, device="cpu"))
        print(f"{options.lines} files, read to written {options.lines / took:8.1f} lines/s")
        compare_memory(lines, options.lines, options.many, root)
    print(f"peak memory of this process     {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MiB")


if __name__ == "__main__":
    main()
