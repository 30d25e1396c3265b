"""Table 2 of the paper at a compact size, and what detaching the character maps is worth.

    python benchmarks/table2.py --data-root iiit5k-lr [--out runs/table2] [--seeds 3] [--steps 240] [--limit 300]

The data root holds ``train`` with ``train-glyphs`` beside it (``glyphsr extract --lmdb train``), and the subsets
``easy``, ``medium`` and ``hard``. All four rows are trained seed by seed and scored after each seed; the same command
continues where it was stopped. Then the GlyphSR row is trained again with its maps attached and L_char at weight 1, and
the maps of both are compared with the exact masks of rendered words that no run has seen.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from glyphsr.config.data import DataConfig, RenderedSource
from glyphsr.config.reader import load
from glyphsr.config.rendering import RenderConfig
from glyphsr.config.training import TrainConfig
from glyphsr.data.sources import open_sources
from glyphsr.reproduction.report import Spread, shown
from glyphsr.reproduction.reproduce import reproduce
from glyphsr.reproduction.runs import Run
from glyphsr.training.distributed import DistributedContext
from glyphsr.training.glyph_supervision import mask_attacher
from glyphsr.training.objectives.super_resolution import target_slots
from glyphsr.training.train import train
from glyphsr.training.validation import Validator
from glyphsr.training.validation_pairs import held_out_pairs
from glyphsr.weights.loading import load_super_resolver
from glyphsr_cli import run_tables, tables

CONFIGS = Path(__file__).parent.parent / "configs"
GLYPHSR = CONFIGS / "ablation" / "table2-glyphsr.yaml"

COMPACT = (
    "model.prior={kind: crnn, charset_size: 62, width: 32, hidden: 128, input_width: null, standardise: true}",
    "model.network.width=24",
    "model.network.prior_width=16",
    "model.network.prior_hidden=[64, 32, 16]",
    "model.network.prior_layout=aligned",
    "model.network.block=convolutional",
    "model.network.head_kernel=5",
    "model.network.image_channels=3",
    "model.network.output=residual",
    "model.network.gpm.width=24",
    "prior_weights=crnn-light-synth",
    "loss.text_focus=0.0",
    "optimiser.warmup_steps=20",
    "batch_size=8",
    "save_every=20",
)
"""Settings of every row: five blocks and N_gly = 4 as in the paper, narrow and without recurrence, begun at bicubic."""

UNMENDED = ("model.network.detach_fusion=false", "model.network.gpm.detach_classes=false", "loss.char=1.0")
"""The character maps as the released code teaches them."""

RENDERED_WORDS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/table2"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--limit", type=int, help="Words of each subset to score; default all.")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--recognizer", "-R", action="append", help="Judge; default crnn and rapidocr.")
    arguments = parser.parse_args()
    validation = f"validation={{every: {arguments.steps}, words: 100, select_by: psnr, samples: 0}}"
    sets = [*COMPACT, f"steps={arguments.steps}", validation]
    torch.set_num_threads(1)

    for seeds in range(1, arguments.seeds + 1):
        found = reproduce(
            "table2",
            out=arguments.out,
            configs=CONFIGS,
            train=True,
            seeds=seeds,
            sets=sets,
            recognizer=tuple(arguments.recognizer or ("crnn", "rapidocr")),
            data_root=arguments.data_root,
            limit=arguments.limit,
            device="cpu",
            precision=arguments.precision,
            workers=0,
            offline=True,
            notify=_say,
        )
        assert found is not None
        (arguments.out / "table2.json").write_text(json.dumps(found.as_dict(), indent=2))
        print(tables.as_markdown([run_tables.reproduction_table(found)]), flush=True)

    for name, changes in (("with", ()), ("without", UNMENDED)):
        scores = [_maps(name, changes, seed, arguments, sets) for seed in range(arguments.seeds)]
        for figure in scores[0]:
            print(f"{name} the mending, {figure}: {shown(Spread.of([s[figure] for s in scores]), 4)}", flush=True)


def _maps(
    name: str, changes: Sequence[str], number: int, arguments: argparse.Namespace, sets: Sequence[str]
) -> dict[str, float]:
    """Train GlyphSR where it is missing, and compare its maps with the masks of rendered words."""
    base = load(TrainConfig, GLYPHSR, sets=[*sets, *changes])
    config = base.model_copy(update={"seed": base.seed + number})
    folder = GLYPHSR.stem if name == "with" else f"{GLYPHSR.stem}-unmended"
    run = Run("table2/glyphsr", config.seed, config, arguments.out / folder / f"seed-{config.seed}")
    if run.missing():
        settings: dict[str, Any] = {"device": "cpu", "workers": 0, "offline": True, "notify": _say}
        settings["precision"] = arguments.precision
        train(config, out=run.folder, resume="auto", data_root=arguments.data_root, **settings)
    return rendered_maps(run.weights, config)


def rendered_maps(weights: Path, config: TrainConfig) -> dict[str, float]:
    """How well a network's maps are the exact masks of rendered words, which none of its words were."""
    source = RenderedSource(render=RenderConfig(height=32))
    config = config.model_copy(
        update={
            "data": DataConfig(sources=(source,)),
            "validation": config.validation.model_copy(update={"words": RENDERED_WORDS}),
        }
    )
    attach = mask_attacher(config, _say)
    words = open_sources(config.data, held_out=True, attach_masks=attach)
    validator = Validator(
        held_out_pairs(words, config, target_slots(config)), config, DistributedContext("cpu", "fp32")
    )
    model, _ = load_super_resolver(weights)
    return validator.score(model).glyphs


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
