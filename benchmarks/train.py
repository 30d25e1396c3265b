"""Speed of a training step, as ratios measured in one run.

    python benchmarks/train.py [--batch 8] [--steps 4] [--threads 2] [--device cpu] [--precision fp32]

Ours is `glyphsr train`'s own loop; the other one is the same network with the same weights and the same losses, written
plainly: samples are decoded, resized and put together one by one with PIL, torchvision's deformable convolution, a
text-focus recognizer whose weights are differentiated too and which is run over HR with a graph, HOG by a scatter, Adam
as it comes. Telescope and PARSeq have random weights, on which speed does not depend. The losses of both on one batch
are compared first.
"""

import argparse
import io
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.ops import deform_conv2d
from torchvision.transforms.functional import to_tensor

from glyphsr.config.data import DataConfig, LmdbSource
from glyphsr.config.recognizers import TelescopeConfig
from glyphsr.config.training import TrainConfig, ValidationConfig
from glyphsr.data.dataloader import iterate_batches
from glyphsr.data.glyph_lmdb import number_of
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.losses.confusion import load_distances
from glyphsr.losses.text_focus import confusion_weights
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.nn.layers.deformable import DepthwiseDeformableConv
from glyphsr.recognizers.telescope.network import Telescope
from glyphsr.text.charset import filter_lower
from glyphsr.text.endings import IGNORED
from glyphsr.text.slots import SlotCodec
from glyphsr.training.build import build_trainer
from glyphsr.training.trainer import Trainer
from glyphsr.types import Batch, GlyphTargets
from glyphsr.weights.checkpoints import save_checkpoint

PAPER_STEPS, PAPER_BATCH = 72_200, 48
CODEC = SlotCodec()


class PlainDeformableConv(nn.Module):
    """torchvision's, with the weights of ours."""

    def __init__(self, ours: DepthwiseDeformableConv) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(ours.weight.detach().clone()), nn.Parameter(ours.bias.detach().clone())

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        return deform_conv2d(x, offset, self.weight, self.bias, padding=1, mask=mask)


def make_plain(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, DepthwiseDeformableConv):
            setattr(module, name, PlainDeformableConv(child))
        else:
            make_plain(child)


class PlainData:
    """One sample after the other, nothing kept."""

    def __init__(self, root: Path) -> None:
        self.pairs, self.glyphs = PairedLmdb(root), PairedLmdb(root.with_name(root.name + "-glyphs"))

    def _picture(self, key: str, source: PairedLmdb, mode: str) -> Image.Image:
        return Image.open(io.BytesIO(source.get(key) or b"")).convert(mode)

    @staticmethod
    def _with_mask(image: Image.Image, size: tuple[int, int]) -> Tensor:
        image = image.resize(size, Image.Resampling.BICUBIC)
        gray = np.array(image.convert("L"))
        mask = Image.fromarray(np.where(gray > gray.mean(), 0, 255).astype(np.uint8))
        return torch.cat([to_tensor(image), to_tensor(mask)])

    def sample(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor, str]:
        number = number_of(index)
        hr = self._picture(f"image_hr-{number}", self.pairs, "RGB")
        lr = self._picture(f"image_lr-{number}", self.pairs, "RGB")
        label = (self.pairs.get(f"label-{number}") or b"").decode()
        line = self._picture(f"glyph_line-{number}", self.glyphs, "L")
        stacked = self._picture(f"glyph_chars-{number}", self.glyphs, "L")
        meta = json.loads(self.glyphs.get(f"glyph_meta-{number}") or b"{}")
        chars = torch.zeros(16, 16, 64)
        kept = [i for i, char in enumerate(meta["text"]) if filter_lower(char)][:15]
        for slot, i in enumerate(kept):
            top = i * line.height
            own = stacked.crop((0, top, line.width, top + line.height)).resize((64, 16), Image.Resampling.BOX)
            chars[slot] = to_tensor(own)[0]
        small = to_tensor(line.resize((64, 16), Image.Resampling.BOX))
        return self._with_mask(lr, (64, 16)), self._with_mask(hr, (128, 32)), small, chars, label

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor, Tensor, Tensor, list[str]]:
        rows = [self.sample(i) for i in indices]
        lr, hr, line, chars = (torch.stack([row[k] for row in rows]) for k in range(4))  # type: ignore[misc]
        return lr, hr, line, chars, [row[4] for row in rows]


def plain_hog(image: Tensor) -> Tensor:
    kernel = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]], device=image.device)
    channels = image.shape[1]
    weight_x = kernel.view(1, 1, 3, 3).repeat(channels, 1, 1, 1)
    weight_y = kernel.t().contiguous().view(1, 1, 3, 3).repeat(channels, 1, 1, 1)
    padded = F.pad(image, (1, 1, 1, 1), mode="reflect")
    gx, gy = F.conv2d(padded, weight_x, groups=channels), F.conv2d(padded, weight_y, groups=channels)
    norm = (gx**2 + gy**2 + 1e-12).sqrt()
    phase = torch.atan2(gx, gy) / math.pi * 4
    b, c, h, w = norm.shape
    out = torch.zeros(b, c, 4, h, w, device=image.device)
    out.scatter_add_(2, phase.view(b, c, 1, h, w).floor().long() % 4, norm.view(b, c, 1, h, w))
    out = out.unfold(3, 2, 2).unfold(4, 2, 2).sum(dim=[-1, -2])
    return F.normalize(out, p=2, dim=2, eps=1e-3)


class PlainLoop:
    """The lineage's way."""

    def __init__(self, model: SuperResolver, telescope: Telescope, config: TrainConfig, device: torch.device) -> None:
        self.model, self.telescope, self.config, self.device = (
            model.to(device),
            telescope.to(device).eval(),
            config,
            device,
        )
        assert model.prior is not None
        self.prior = model.prior.eval()
        self.network = model.network.train()
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=1e-3, betas=config.optimiser.betas)
        self.weights = confusion_weights(load_distances()).to(device)

    def losses(
        self, lr: Tensor, hr: Tensor, line: Tensor, chars: Tensor, labels: list[str] | tuple[str, ...]
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            prior = self.prior(lr[:, :3])
        out = self.network(lr, prior, with_glyphs=True)
        sr, glyphs = out.sr, out.glyphs
        texts = [filter_lower(label) for label in labels]
        seen = self.telescope.forward_teacher_forced(self._gray(sr), texts)
        true = self.telescope.forward_teacher_forced(self._gray(hr), texts)
        logits, targets = seen.logits[seen.targets != IGNORED], seen.targets[seen.targets != IGNORED]
        rows = self.weights[targets]
        exponentials = torch.exp(logits - logits.max(dim=1, keepdim=True).values) * rows
        probability = exponentials.gather(1, targets[:, None])[:, 0] / exponentials.sum(dim=1)
        classes = torch.tensor([CODEC.encode(label) for label in labels], device=self.device)
        return {
            "pixel": 100 * ((sr - hr) ** 2).mean(),
            "hog": 100 * 0.1 * (plain_hog(sr) - plain_hog(hr)).abs().mean(),
            "attention": 100 * 10 * (seen.attention - true.attention).abs().mean(),
            "confusion": 100 * 0.0005 * (-torch.log(probability)).mean(),
            "line": ((glyphs.line - line) ** 2).mean(),
            "char": ((glyphs.chars - chars) ** 2).mean(),
            "cls": F.cross_entropy(glyphs.classes.flatten(0, 1), classes.flatten(), ignore_index=IGNORED),
        }

    @staticmethod
    def _gray(image: Tensor) -> Tensor:
        return 0.299 * image[:, :1] + 0.587 * image[:, 1:2] + 0.114 * image[:, 2:3]

    def step(self, lr: Tensor, hr: Tensor, line: Tensor, chars: Tensor, labels: list[str]) -> float:
        lr, hr, line, chars = (tensor.to(self.device) for tensor in (lr, hr, line, chars))
        total = torch.stack(list(self.losses(lr, hr, line, chars, labels).values())).sum()
        self.optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 0.25)
        self.optimiser.step()
        return total.item()


def timed(work: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare_losses(trainer: Trainer, plain: PlainLoop, batch: Batch) -> None:
    """Both on one batch with equal weights: the same terms."""
    lr = trainer.model.network_input(batch.lr)
    hr = trainer.model.network_input(batch.hr)
    glyphs = batch.glyphs
    assert isinstance(glyphs, GlyphTargets)
    trainer.stepper.objective.train()
    with torch.no_grad():
        ours = {name: float(term) for name, term in trainer.stepper.objective(batch).items()}
        theirs = {
            name: float(value) for name, value in plain.losses(lr, hr, glyphs.line, glyphs.chars, batch.labels).items()
        }
    print("losses of both loops on one batch:", ", ".join(f"{k} {ours[k]:.4f}/{theirs[k]:.4f}" for k in theirs))
    for name, value in theirs.items():
        # Rounding decides into which bin exactly horizontal edges fall, of which the brightness mask has many.
        tolerance = 2e-2 if name == "hog" else 1e-3
        if abs(ours[name] - value) > tolerance * max(1e-3, abs(value)):
            raise SystemExit(f"the loops do not compute the same losses: {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", help="of a third measurement of our loop")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    root = SAMPLE_ROOT / "train"
    with tempfile.TemporaryDirectory() as folder:
        telescope = Telescope(TelescopeConfig())
        weights = Path(folder) / "telescope.safetensors"
        save_checkpoint(weights, telescope, kind="recognizer", config=telescope.config, card={})
        config = TrainConfig(
            data=DataConfig(sources=(LmdbSource(path=str(root)),), held_out=0.0),
            steps=10_000,
            batch_size=arguments.batch,
            validation=ValidationConfig(words=1, samples=0),
        )
        config = config.model_copy(update={"loss": config.loss.model_copy(update={"focus_recognizer": str(weights)})})

        def make(precision: str) -> Trainer:
            return build_trainer(config, Path(folder), device=arguments.device, precision=precision, workers=0)  # type: ignore[arg-type]

        trainer = make("fp32")
        device = trainer.processes.device
        twin = SuperResolver.from_config(config.model)
        twin.load_state_dict(trainer.model.state_dict())
        make_plain(twin)
        plain = PlainLoop(twin, telescope, config, device)
        batches = iterate_batches(trainer.batches, first_step=0, last_step=10_000)
        if device.type == "cpu":
            compare_losses(trainer, plain, next(batches))
        data = PlainData(root)
        rng = np.random.default_rng(0)

        def plain_step() -> None:
            plain.step(*data.batch(rng.integers(0, len(data.pairs), arguments.batch).tolist()))

        loops: dict[str, Callable[[], object]] = {"plain loop": plain_step}
        loops["ours, fp32"] = lambda: trainer.stepper.step(next(batches), 10)
        if arguments.precision != "fp32":
            other = make(arguments.precision)
            more = iterate_batches(other.batches, first_step=0, last_step=10_000)
            loops[f"ours, {arguments.precision}"] = lambda: other.stepper.step(next(more), 10)
        for loop in loops.values():
            loop()
        times: dict[str, list[float]] = {name: [] for name in loops}
        for _ in range(arguments.steps):  # in turn, so that a busy machine slows all of them
            for name, loop in loops.items():
                times[name].append(timed(loop, device))
        print(f"torch {torch.__version__}, {device}, {arguments.threads} threads, batch {arguments.batch}")
        base = float(np.median(times["plain loop"]))
        for name, values in times.items():
            step = float(np.median(values))
            whole = PAPER_STEPS * step * PAPER_BATCH / arguments.batch / 3600
            print(
                f"{name:12s} {step:8.3f} s a step  {arguments.batch / step:8.1f} images/s  {base / step:5.2f}x   "
                f"{PAPER_STEPS} steps of {PAPER_BATCH}: {whole:.1f} h"
            )
        profile(trainer, next(batches))


def profile(trainer: Trainer, batch: Batch) -> None:
    """Where our step spends its time."""
    from torch.profiler import profile as profiler

    with profiler(record_shapes=False) as seen:
        trainer.stepper.step(batch, 10)
    table = seen.key_averages().table(sort_by="self_cpu_time_total", row_limit=12, max_name_column_width=40)
    print(table)


if __name__ == "__main__":
    main()
