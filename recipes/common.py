"""What the recipes of the package's weights have in common: where their configurations look, and runs that are kept.

Not run by itself; bundled.py and judges.py are.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import torch

import glyphsr
from glyphsr.config.data import FolderSource, LmdbSource, RenderedSource
from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.training.resume import differences
from glyphsr.training.run_folder import read_state
from glyphsr.weights.checkpoints import read_checkpoint
from glyphsr.weights.registry import REGISTRY_FILE, sha256_of

CONFIGS = Path(__file__).parent.parent / "configs"
PAIRS = "${GLYPHSR_PAIRS}"
"""Stands in configurations for the LMDB of stored pairs, which a recipe can do without."""

RUNS = "runs/"
"""Where the configurations look for what other parts of the recipe have made."""


def parser_for(description: str) -> argparse.ArgumentParser:
    """The arguments of every recipe."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--words", type=Path, required=True, help="folder of HR word pictures with annotations.json")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--install", action="store_true", help="put the result and its hash into the package")
    return parser


def recipe(name: str, options: argparse.Namespace, steps: int | None) -> TrainConfig:
    """A configuration of the recipe, with words, masks and weights where the options say, and maybe fewer steps."""
    config = load(TrainConfig, CONFIGS / f"{name}.yaml", sets=options.set)

    def placed(name: str | None) -> str | None:
        return str(options.out / name.removeprefix(RUNS)) if name and name.startswith(RUNS) else name

    def found(source: FolderSource | LmdbSource | RenderedSource) -> FolderSource | LmdbSource | RenderedSource:
        if isinstance(source, FolderSource):
            return source.model_copy(update={"path": str(options.words), "glyphs": placed(source.glyphs)})
        if isinstance(source, LmdbSource):
            path = str(options.pairs) if source.path == PAIRS else placed(source.path)
            return source.model_copy(update={"path": path, "glyphs": placed(source.glyphs)})
        return source

    has_pairs = getattr(options, "pairs", None) is not None
    kept = [source for source in config.data.sources if has_pairs or getattr(source, "path", None) != PAIRS]
    changes = {
        "steps": steps or config.steps,
        "prior_weights": placed(config.prior_weights),
        "network_weights": placed(config.network_weights),
        "recognizer_weights": placed(config.recognizer_weights),
        "loss": config.loss.model_copy(update={"focus_recognizer": tuple(map(placed, config.loss.focus_recognizers))}),
        "data": config.data.model_copy(update={"sources": tuple(map(found, kept))}),
    }
    return config.model_copy(update=changes)


def named(config: TrainConfig) -> TrainConfig:
    """A configuration without what depends on where its words and weights lie."""
    readers = tuple(Path(reader).name for reader in config.loss.focus_recognizers if config.focuses)

    sources = tuple(
        source
        if isinstance(source, RenderedSource)
        else source.model_copy(update={"path": Path(source.path).name, "glyphs": None})
        for source in config.data.sources
    )

    changes = {
        "loss": config.loss.model_copy(update={"focus_recognizer": readers}),
        "prior_weights": None,
        "network_weights": None,
        "recognizer_weights": None,
        "data": config.data.model_copy(update={"sources": sources}),
    }

    return config.model_copy(update=changes)


def trained(config: TrainConfig, out: Path, options: dict[str, Any]) -> Path:
    """The best weights of a run, which begins or continues unless it has all its steps already."""
    last, best, state = (out / "checkpoints" / name for name in ("last.safetensors", "best.safetensors", "last.state"))
    if last.is_file() and best.is_file() and read_checkpoint(last, tensors=False).card["steps"] == config.steps:
        before = TrainConfig.model_validate_json(read_state(state, torch.device("cpu"))["config"])
        changed = list(differences(named(before), named(config)))
        if changed:
            sys.exit(f"{out}: was trained with another {changed[0]}; remove it or give another --out")
        print(f"{out}: has its {config.steps} steps")
        return best
    result = glyphsr.train(config, out=out, **options)
    print(f"{out}:", result.score.describe() if result.score else "")
    return result.best


def register(target: Path) -> None:
    """Tell the registry the hash of the package's new weights."""
    rows = REGISTRY_FILE.read_text(encoding="utf-8")
    before, name, after = rows.partition(f"\n{target.stem}:\n")
    if not name:
        sys.exit(f"{REGISTRY_FILE}: has no row {target.stem}; add one")
    changed = re.sub(r"sha256: [0-9a-f]{64}", f"sha256: {sha256_of(target)}", after, count=1)
    REGISTRY_FILE.write_text(before + name + changed, encoding="utf-8")
