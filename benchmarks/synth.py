"""Speed and memory of rendered data sets, and of degrading many at once against one by one.

    python benchmarks/synth.py speed [--words 12000] [--workers 2]
    python benchmarks/synth.py degrade [--pictures 96]
    python benchmarks/synth.py memory [--words 5000 50000]

``speed`` gives words per second from end to end, start of the processes included, and in the steady state behind the
first fifth. ``memory`` is the greatest sum of what all processes hold for themselves (anonymous pages; the mapped file
is the kernel's to drop).
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

import glyphsr
from glyphsr.config.degradation import DegradationConfig
from glyphsr.config.rendering import RenderConfig
from glyphsr.config.synth import SynthConfig
from glyphsr.data.degradation.apply import degrade, degrade_each
from glyphsr.data.degradation.parameters import draw_numbers, sample_params
from glyphsr.data.rendering.words import WordRenderer
from glyphsr.dataset_tools.synthesize import SynthResult
from glyphsr.images.resize import resize_like_pil

ROUNDS = 7


def measure_speed(arguments: argparse.Namespace) -> None:
    WordRenderer(RenderConfig())  # fonts are looked at once per machine
    for glyphs in (False, True):
        result, steady = timed_synthesis(SynthConfig(count=arguments.words, glyphs=glyphs, workers=arguments.workers))
        print(
            f"{'with' if glyphs else 'without'} masks: {result.made / result.seconds:.0f} words/s from end to end, "
            f"{steady:.0f} in the steady state ({arguments.words} words, {arguments.workers} processes, "
            f"{result.fonts} fonts)"
        )


def timed_synthesis(config: SynthConfig) -> tuple[SynthResult, float]:
    """What was made, and words per second behind the first fifth."""
    times: list[tuple[int, float]] = []
    started = time.perf_counter()

    def note(done: int, total: int) -> None:
        times.append((done, time.perf_counter() - started))

    with tempfile.TemporaryDirectory() as folder:
        result = glyphsr.synthesize(Path(folder) / "set", config=config, progress=note)
    first = next(row for row in times if row[0] >= config.count / 5)
    last = times[-1]
    return result, (last[0] - first[0]) / (last[1] - first[1])


def least_time(run: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def measure_degradation(arguments: argparse.Namespace) -> None:
    """The default degradation of 128 x 32 pictures."""
    cv2.setNumThreads(0)
    config, count = DegradationConfig(), arguments.pictures
    renderer = WordRenderer(RenderConfig())
    pictures = [resize_like_pil(renderer.word(0, i).image, (32, 128)) for i in range(count)]

    def one_by_one() -> None:
        rng = np.random.default_rng(1)
        for picture in pictures:
            degrade(picture, config, rng)

    def in_chunks() -> None:
        params = sample_params(config, draw_numbers(np.random.default_rng(1), count), height=32)
        list(degrade_each(pictures, params, config))

    alone = least_time(one_by_one)
    print(f"{count} pictures; best of {ROUNDS}")
    for name, run in (("degrade, one by one", one_by_one), ("degrade_each", in_chunks)):
        own = least_time(run)
        print(f"{name:20s} {own / count * 1e6:6.0f} us a picture {alone / own:5.1f}x")


def own_memory(pid: int) -> int:
    """Bytes that a process and all below it hold for themselves."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                total = int(line.split()[1]) * 1024
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, ProcessLookupError):
        return 0
    return total + sum(own_memory(int(child)) for child in children)


def measure_memory(arguments: argparse.Namespace) -> None:
    for words in arguments.words:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            command = [sys.executable, "-m", "glyphsr_cli", "data", "synth", "-o", f"{folder}/set", "-q", "--glyphs"]
            process = subprocess.Popen([*command, "--count", str(words)])
            peak = 0
            while process.poll() is None:
                peak = max(peak, own_memory(process.pid))
                time.sleep(0.1)
            size = sum(path.stat().st_size for path in Path(folder).rglob("*.mdb"))
            print(
                f"{words} words with masks: {peak / 2**20:.0f} MiB of memory, {size / 2**20:.0f} MiB on disk, "
                f"exit code {process.returncode}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    part = commands.add_parser("speed")
    part.add_argument("--words", type=int, default=12_000)
    part.add_argument("--workers", type=int, default=2)
    part.set_defaults(run=measure_speed)
    part = commands.add_parser("degrade")
    part.add_argument("--pictures", type=int, default=96)
    part.set_defaults(run=measure_degradation)
    part = commands.add_parser("memory")
    part.add_argument("--words", type=int, nargs="+", default=[5_000, 50_000])
    part.add_argument("--folder", type=Path)
    part.set_defaults(run=measure_memory)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
