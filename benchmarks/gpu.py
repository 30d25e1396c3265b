"""Speed on one GPU: lines/s of the networks, training steps, SAM extraction. One run, a few minutes.

    python benchmarks/gpu.py [--device cuda] [--smallest]

Each precision and layout is compared with float32 first. ``--smallest`` runs every part once in its smallest form, on a
CPU too, which shows that the script works and nothing else.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glyphsr.config.data import DataConfig, LmdbSource
from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.recognizers import CRNNConfig, TelescopeConfig
from glyphsr.config.training import TrainConfig, ValidationConfig
from glyphsr.data.dataloader import iterate_batches
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.glyphs.anchors import prompts_of
from glyphsr.glyphs.segmentation_localizer import CutsLocalizer
from glyphsr.glyphs.word import prepare_word
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.recognizers.telescope.network import Telescope
from glyphsr.sam.predictor import SamPredictor
from glyphsr.sam.shape import PUBLISHED, SamShape, build_sam
from glyphsr.training.build import build_trainer
from glyphsr.weights.checkpoints import save_checkpoint
from glyphsr.weights.loading import load_model

PAPER_STEPS, PAPER_BATCH = 72_200, 48

Forward = Callable[[], Tensor]

SMALL_SAM = SamShape(32, 2, 2, (1,), grid=8, prompt_dim=16, decoder_mlp=32, iou_hidden=16)


class Bench:
    """A device and how often to measure on it."""

    def __init__(self, device: str, *, smallest: bool) -> None:
        self.device = torch.device(device)
        self.smallest = smallest
        self.repeats = 1 if smallest else 20

    def seconds(self, work: Callable[[], object]) -> float:
        """Median of some runs, after some to warm up."""
        for _ in range(1 if self.smallest else 5):
            work()
        times = []
        for _ in range(self.repeats):
            self._wait()
            start = time.perf_counter()
            work()
            self._wait()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def published_model(*, smallest: bool) -> SuperResolver:
    torch.manual_seed(0)
    if not smallest:
        return SuperResolver.from_config(ModelConfig()).eval()
    gpm = GPMConfig(width=8)
    network = GlyphSRConfig(num_srbs=2, width=8, prior_width=8, prior_hidden=(8, 8, 8), gfm_from=2, gpm=gpm)
    return SuperResolver.from_config(ModelConfig(network=network, prior=CRNNConfig(width=4, hidden=8))).eval()


def forward_ways(model: SuperResolver, lr: Tensor, guide: Tensor, bench: Bench) -> Iterator[tuple[str, Forward]]:
    """The network in float32, halves, channels last, and replayed as a CUDA graph or compiled."""
    picture = model.network_input(lr)

    def run() -> Tensor:
        sr: Tensor = model.network(picture, guide).sr
        return sr

    def half() -> Tensor:
        with torch.autocast(bench.device.type, dtype=torch.bfloat16):
            return run()

    yield "fp32", run
    yield "bf16", half
    model.to(memory_format=torch.channels_last)
    yield "fp32, channels last", run
    yield "bf16, channels last", half
    if bench.device.type == "cuda":
        yield "bf16, CUDA graph", _graphed(half)
        compiled = torch.compile(model.network)
        start = time.perf_counter()
        compiled(picture, guide)
        print(f"    torch.compile starts up in {time.perf_counter() - start:.1f} s")

        def by_compiler() -> Tensor:
            with torch.autocast("cuda", dtype=torch.bfloat16):
                sr: Tensor = compiled(picture, guide).sr
                return sr

        yield "bf16, compiled", by_compiler


def _graphed(work: Callable[[], Tensor]) -> Callable[[], Tensor]:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = work()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay


def measure_networks(bench: Bench, batches: Sequence[int]) -> None:
    models = {"published size": published_model(smallest=bench.smallest), "compact": load_model("compact").model}
    for name, model in models.items():
        model.to(bench.device)
        assert model.prior is not None
        for batch in batches:
            lr = torch.rand(batch, 3, 16, 64, device=bench.device)
            with torch.no_grad():
                guide = model.prior(lr)
                prior = bench.seconds(lambda lr=lr, model=model: model.prior(lr))
                print(f"{name}, batch {batch:4d}, prior fp32          {batch / prior:10.0f} lines/s")
                expected: Tensor | None = None
                for way, work in forward_ways(model, lr, guide, bench):
                    found = work().float().clone()
                    expected = found if expected is None else expected
                    off = float((found - expected).abs().max())
                    rate = batch / bench.seconds(work)
                    shown = f"{name}, batch {batch:4d}, {way:20s} {rate:10.0f} lines/s"
                    print(f"{shown}   differs by {off:.0e}", flush=True)


def measure_training(bench: Bench, batch: int, folder: Path) -> None:
    """Whole steps with every loss of the paper and random weights, and what the paper's schedule would take."""
    telescope = Telescope(TelescopeConfig())
    weights = folder / "telescope.safetensors"
    save_checkpoint(weights, telescope, kind="recognizer", config=telescope.config, card={})
    sources = (LmdbSource(path=str(SAMPLE_ROOT / "train")),)
    config = TrainConfig(
        data=DataConfig(sources=sources, held_out=0.0),
        steps=10_000,
        batch_size=batch,
        validation=ValidationConfig(words=1, samples=0),
    )
    loss = config.loss.model_copy(update={"focus_recognizer": str(weights)})
    if bench.smallest:
        loss = loss.model_copy(update={"text_focus": 0.0})
    model = published_model(smallest=bench.smallest).config
    config = config.model_copy(update={"loss": loss, "model": model})
    for precision in ("fp32", "bf16"):
        trainer = build_trainer(config, folder, device=str(bench.device), precision=precision, workers=0)  # type: ignore[arg-type]
        found = iterate_batches(trainer.batches, first_step=0, last_step=10_000)
        step = bench.seconds(lambda trainer=trainer, found=found: trainer.stepper.step(next(found), 10))
        hours = PAPER_STEPS * step * PAPER_BATCH / batch / 3600
        print(
            f"training, {precision}, batch {batch}: {batch / step:8.1f} images/s; "
            f"{PAPER_STEPS} steps of {PAPER_BATCH}: {hours:.1f} h",
            flush=True,
        )


def measure_sam(bench: Bench, count: int) -> None:
    """Words a second with every prompt of the paper, random weights."""
    from glyphs import sample_words

    torch.manual_seed(0)
    shape = SMALL_SAM if bench.smallest else PUBLISHED["vit_h"]
    words = [prepare_word(*pair) for pair in sample_words(count)]
    located = CutsLocalizer().locate(words)
    asked = [prompts_of(word, own, (2.0, 4.0), on_ink=False).points for word, own in zip(words, located, strict=True)]
    images = [word.image for word in words]
    ways: list[tuple[str, dict[str, Any]]] = [("padded fp32", {}), ("padded bf16", {"dtype": torch.bfloat16})]
    ways.append(("crop bf16", {"dtype": torch.bfloat16, "layout": "crop"}))
    for name, options in ways:
        predictor = SamPredictor(build_sam(shape), shape, device=bench.device, **options)
        took = bench.seconds(lambda predictor=predictor: predictor.segment(images, asked))
        print(f"SAM {shape.type or 'small'}, {name}: {len(words) / took:8.2f} words/s", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--smallest", action="store_true", help="every part once, small: whether it runs at all")
    options = parser.parse_args(arguments)
    bench = Bench(options.device, smallest=options.smallest)
    where = torch.cuda.get_device_name(bench.device) if bench.device.type == "cuda" else "CPU"
    print(f"torch {torch.__version__}, {where}")
    measure_networks(bench, (2,) if options.smallest else (1, 48, 512))
    with tempfile.TemporaryDirectory() as folder:
        measure_training(bench, 2 if options.smallest else PAPER_BATCH, Path(folder))
    measure_sam(bench, 1 if options.smallest else 8)


if __name__ == "__main__":
    main()
