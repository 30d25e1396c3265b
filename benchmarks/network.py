"""Speed of the networks in each runtime, against the published network as its released code runs it.

    python benchmarks/network.py [--threads 1,2] [--batches 1,16,48] [--clock wall|cpu] [--repeats 7] [--smallest]

Everything is timed in turn in one run, after outputs were found equal; medians count. ``--clock cpu`` counts the
processor's time instead of the wall's, which other programs on the machine do not disturb; with one thread only.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from released_form import ReleasedForm

from glyphsr import upscale_files
from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.recognizers import CRNNConfig, PARSeqConfig, PriorConfig
from glyphsr.config.rendering import BUILTIN_FONT, RenderConfig
from glyphsr.data.rendering.words import WordRenderer
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.checkpoints import save_checkpoint
from glyphsr.weights.export import export
from glyphsr.weights.exported import prior_beside
from glyphsr.weights.runtimes import PACKAGES, GraphRuntime, open_graph

TOLERANCE = 1e-3

Work = Callable[[], Any]


@dataclass(frozen=True)
class Settings:
    """How it is measured."""

    threads: Sequence[int]
    batches: Sequence[int]
    repeats: int
    clock: Callable[[], float]
    lines: int
    smallest: bool


def runtimes() -> list[GraphRuntime]:
    return [name for name, (package, _) in PACKAGES.items() if find_spec(package)]


def use_threads(count: int) -> None:
    torch.set_num_threads(count)
    os.environ["OMP_NUM_THREADS"] = str(count)  # which the graphs' runtimes are given


def medians(works: dict[str, Work], settings: Settings) -> dict[str, float]:
    """Seconds of each, timed in turn after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_number in range(settings.repeats + 1):
        for name, work in works.items():
            start = settings.clock()
            work()
            if round_number:
                times[name].append(settings.clock() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def check_equal(works: dict[str, Callable[[], np.ndarray]]) -> float:
    first, *others = (np.asarray(work()) for work in works.values())
    difference = max(float(np.abs(first - other).max()) for other in others)
    if difference > TOLERANCE:
        raise SystemExit(f"outputs differ by {difference:.1e}: {', '.join(works)}")
    return difference


def report(what: str, seconds: dict[str, float], items: int, difference: float | None = None) -> None:
    first = next(iter(seconds.values()))
    cells = [f"{name} {items / took:8.1f}/s {first / took:5.2f}x" for name, took in seconds.items()]
    equal = f"   differ by {difference:.0e}" if difference is not None else ""
    print(f"{what:34s} {'   '.join(cells)}{equal}", flush=True)


def random_model(settings: Settings, prior: PriorConfig) -> SuperResolver:
    """The published size with random weights that make every part count; small where the smallest run is asked for."""
    torch.manual_seed(0)
    network = GlyphSRConfig()
    if settings.smallest:
        gpm = GPMConfig(width=8)
        network = GlyphSRConfig(num_srbs=2, width=8, prior_width=8, prior_hidden=(8, 8, 8), gfm_from=2, gpm=gpm)
    model = SuperResolver.from_config(ModelConfig(network=network, prior=prior)).eval()
    with torch.no_grad():
        for parameter in model.network.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def exported(model: SuperResolver, folder: Path) -> Path:
    save_checkpoint(folder / "p.safetensors", model, kind="super_resolver", config=model.config, card={})
    export(folder / "p.safetensors", folder / "p.onnx", overwrite=True)
    return folder / "p.onnx"


def compare_published(settings: Settings, folder: Path) -> None:
    """The network alone; its prior is a small one, which is not run."""
    model = random_model(settings, CRNNConfig(width=4, hidden=8, charset_size=94))
    plain = ReleasedForm(model.config.network, model.network.num_classes).eval()
    plain.load_state_dict(model.network.state_dict())
    graph = exported(model, folder)
    model.to(memory_format=torch.channels_last)
    for threads in settings.threads:
        use_threads(threads)
        networks = {name: open_graph(graph, name) for name in runtimes()}
        for batch in settings.batches:
            lr = torch.rand(batch, 3, 16, 64)
            guide = torch.rand(batch, model.network.num_classes, 1, 26).softmax(dim=1)
            four = model.network_input(lr)
            works: dict[str, Work] = {
                "released form": lambda four=four, guide=guide: plain(four, guide)[0][:, :3].numpy(),
                "torch": lambda four=four, guide=guide: model.network(four, guide).sr[:, :3].numpy(),
            }
            pair = (lr.numpy(), guide.numpy())
            works |= {name: lambda run=run, pair=pair: run(*pair) for name, run in networks.items()}
            difference = check_equal(works)
            report(f"published network, {threads} thr, batch {batch}", medians(works, settings), batch, difference)


def compare_prior(settings: Settings, folder: Path) -> None:
    """The published network's text prior: PARSeq, small as published, every step of it decoded in the graphs."""
    small = PARSeqConfig(embed_dim=32, encoder_heads=2, encoder_depth=1, decoder_heads=2)
    model = random_model(replace(settings, smallest=True), small if settings.smallest else PARSeqConfig())
    graph = prior_beside(exported(model, folder))
    assert model.prior is not None
    recognizer = model.prior.recognizer
    for threads in settings.threads:
        use_threads(threads)
        for batch in settings.batches:
            lr = torch.rand(batch, 3, 16, 64)
            works: dict[str, Work] = {"torch": lambda lr=lr: recognizer.probabilities(lr).numpy()}
            graphs = {name: open_graph(graph, name) for name in runtimes()}
            works |= {name: lambda run=run, lr=lr: run(lr.numpy()) for name, run in graphs.items()}
            difference = check_equal(works)
            report(f"PARSeq prior, {threads} thr, batch {batch}", medians(works, settings), batch, difference)


def draw_lines(count: int) -> list[Image.Image]:
    """Words of height 16, TextZoom's LR height, in PIL's own font."""
    rng = np.random.default_rng(0)
    renderer = WordRenderer(RenderConfig(fonts=(BUILTIN_FONT,), height=48))
    images = [Image.fromarray(renderer.render(rng).image) for _ in range(count)]
    return [image.resize((max(8, image.width * 16 // image.height), 16), Image.Resampling.BICUBIC) for image in images]


def compare_compact(settings: Settings, lines: list[Image.Image]) -> None:
    """The model in the package, reading and gate included, without the guard."""
    arrays = [np.asarray(line, np.float32) / 255 for line in lines]
    wanted = [Line(array, (32, 2 * array.shape[1])) for array in arrays]
    for threads in settings.threads:
        use_threads(threads)
        ways = {name: Upscaler(runtime=name, device="cpu", guard="off") for name in ("torch", *runtimes())}
        for batch in settings.batches:
            groups = [wanted[i : i + batch] for i in range(0, len(wanted), batch)]

            def run(upscaler: Upscaler, groups: list[list[Line]] = groups) -> list[np.ndarray]:
                return [result.rgb for group in groups for result in upscaler.upscale_lines(group)]

            works: dict[str, Work] = {name: lambda way=way, run=run: run(way) for name, way in ways.items()}
            flat = {
                name: lambda work=work: np.concatenate([rgb.ravel() for rgb in work()]) for name, work in works.items()
            }
            difference = check_equal(flat)
            report(f"compact, {threads} thr, batch {batch}", medians(works, settings), len(wanted), difference)


def compare_upscale(settings: Settings, lines: list[Image.Image], folder: Path) -> None:
    """From files to files, everything on."""
    source = folder / "in"
    source.mkdir()
    for i, line in enumerate(lines):
        line.save(source / f"{i:04d}.png")
    for threads in settings.threads:
        use_threads(threads)
        works: dict[str, Work] = {
            name: lambda name=name: upscale_files(source, folder / name, runtime=name, device="cpu", overwrite=True)
            for name in ("torch", *runtimes())
        }
        report(f"upscale {len(lines)} files, {threads} thr", medians(works, settings), len(lines))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--batches", default="1,16,48")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--only", choices=("published", "prior", "compact", "upscale"))
    parser.add_argument(
        "--smallest", action="store_true", help="a network of width 8, four lines: whether it runs at all"
    )
    options = parser.parse_args(arguments)
    if options.smallest:
        options.threads, options.batches, options.repeats, options.lines = "1", "2", 1, 4
    threads, batches = ([int(text) for text in option.split(",")] for option in (options.threads, options.batches))
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    settings = Settings(threads, batches, options.repeats, clock, options.lines, options.smallest)

    print(f"torch {torch.__version__}, {platform.machine()}, {options.clock} clock; x: against the first of each row")
    with tempfile.TemporaryDirectory() as name, torch.inference_mode():
        if options.only in (None, "published"):
            compare_published(settings, Path(name))
        if options.only in (None, "prior"):
            compare_prior(settings, Path(name))
        lines = draw_lines(options.lines)
        if options.only in (None, "compact"):
            compare_compact(settings, lines)
        if options.only in (None, "upscale"):
            compare_upscale(settings, lines, Path(name))


if __name__ == "__main__":
    main()
