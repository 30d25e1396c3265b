"""Trains the weights in the package: masks of the real words, text prior, network, restraint, card, in this order.

The network is trained in two parts, of which the second has recognizers read what it draws.

    python benchmarks/bundled.py --words ../shared/data/iiit5k-lr/train-hr [--out runs] [--install]

Each piece goes on where it was stopped, so the same command is given again after an interruption; what is done is kept.
The recipe is configs/compact-prior.yaml, compact.yaml and compact-reading.yaml; --prior-steps, --network-steps and
--reading-steps shorten it, --set changes all three. OUT/compact.safetensors is the result, and with --install the
package's weights. Restraint is chosen on training words that were held out, by what the prior itself reads there: no
engine that judges the result takes part.
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import glyphsr
from glyphsr.config.degradation import LEVELS
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.model import RestraintConfig
from glyphsr.config.reader import load
from glyphsr.config.training import FolderSource, TrainConfig
from glyphsr.errors import GlyphSRError
from glyphsr.pipelines.models import load_recognizer, load_super_resolver
from glyphsr.pipelines.restraint import JudgedReading, choose_restraint, held_out_readings
from glyphsr.pipelines.resuming import differences
from glyphsr.pipelines.run_folder import read_state
from glyphsr.pipelines.text_focus import readers_of
from glyphsr.weights.checkpoints import read_checkpoint, save_checkpoint
from glyphsr.weights.registry import BUNDLED_FOLDER, REGISTRY_FILE, sha256_of

CONFIGS = Path(__file__).parent.parent / "configs"
RUNS = "runs/"
"""Where the configurations look for each other's weights."""


def with_words(config: TrainConfig, path_of: Callable[[str], str], glyphs: str | None) -> TrainConfig:
    """A configuration with the words of its folders, and their masks, elsewhere."""
    sources = tuple(
        source.model_copy(update={"path": path_of(source.path), "glyphs": glyphs})
        if isinstance(source, FolderSource)
        else source
        for source in config.data.sources
    )
    return config.model_copy(update={"data": config.data.model_copy(update={"sources": sources})})


def recipe(name: str, options: argparse.Namespace, steps: int | None) -> TrainConfig:
    """A configuration of the recipe, with words and weights where the options say, and maybe fewer steps."""
    config = load(TrainConfig, CONFIGS / f"{name}.yaml", sets=options.set)

    def placed(weights: str | None) -> str | None:
        return str(options.out / weights.removeprefix(RUNS)) if weights and weights.startswith(RUNS) else weights

    readers = tuple(map(placed, config.loss.focus_recognizers))
    changes = {
        "steps": steps or config.steps,
        "prior_weights": placed(config.prior_weights),
        "network_weights": placed(config.network_weights),
        "loss": config.loss.model_copy(update={"focus_recognizer": readers}),
    }
    return with_words(config.model_copy(update=changes), lambda _: str(options.words), str(options.out / "glyphs"))


def tell(readings: list[JudgedReading], chosen: RestraintConfig) -> None:
    """How much of the held-out words the change is applied to, and how often the prior is right there."""
    for level in LEVELS:
        rows = [reading for reading in readings if reading.level == level]
        sure = [reading.right for reading in rows if reading.certainty >= chosen.high]
        right = sum(reading.right for reading in rows) / len(rows)
        line = f"{level}: prior reads {right:.1%} of {len(rows)}, whole change on {len(sure) / len(rows):.1%}"
        print(line + (f" with {sum(sure) / len(sure):.1%} right" if sure else ""))


def named(config: TrainConfig) -> TrainConfig:
    """A configuration without what depends on where its words and weights lie."""
    readers = tuple(Path(reader).name for reader in config.loss.focus_recognizers if config.focuses)
    loss = config.loss.model_copy(update={"focus_recognizer": readers})
    changes = {"loss": loss, "prior_weights": None, "network_weights": None}
    return with_words(config.model_copy(update=changes), lambda path: Path(path).name, None)


def trained(config: TrainConfig, out: Path, options: dict[str, Any]) -> Path:
    """The best weights of a run, which begins or goes on unless it has all its steps already."""
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


def check_start(run: Path, prior_file: Path, network_file: Path | None = None) -> None:
    """Refuse to go on with a network that began before what it starts from was trained further."""
    last = run / "checkpoints" / "last.safetensors"
    if not last.is_file():
        return
    if network_file is not None and last.stat().st_mtime < network_file.stat().st_mtime:
        sys.exit(f"{run}: was trained before {network_file} was; remove it to train it anew")
    model, _ = load_super_resolver(last)
    assert model.prior is not None
    kept = model.prior.recognizer.state_dict()
    if not all(torch.equal(value, kept[key]) for key, value in load_recognizer(prior_file).state_dict().items()):
        sys.exit(f"{run}: was trained with another prior than {prior_file}; remove it to train the network anew")


def register(target: Path) -> None:
    """Tell the registry the hash of the package's new weights."""
    rows = REGISTRY_FILE.read_text(encoding="utf-8")
    before, name, after = rows.partition(f"\n{target.stem}:\n")
    changed = re.sub(r"sha256: [0-9a-f]{64}", f"sha256: {sha256_of(target)}", after, count=1)
    REGISTRY_FILE.write_text(before + name + changed, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=Path, required=True, help="folder of HR word pictures with annotations.json")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--prior-steps", type=int)
    parser.add_argument("--network-steps", type=int)
    parser.add_argument("--reading-steps", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--install", action="store_true", help="put the result and its hash into the package")
    options = parser.parse_args()
    common = {"precision": options.precision, "workers": options.workers, "device": options.device, "notify": print}

    glyphsr.extract(
        str(options.words), out=options.out / "glyphs", config=ExtractConfig(segmenter="ink", localizer="cuts")
    )

    runs = {name: options.out / name for name in ("compact-prior", "compact", "compact-reading")}
    prior = recipe("compact-prior", options, options.prior_steps)
    prior_file = trained(prior, runs["compact-prior"], common)
    network = recipe("compact", options, options.network_steps)
    check_start(runs["compact"], prior_file)
    network_file = trained(network, runs["compact"], common)
    reading = recipe("compact-reading", options, options.reading_steps)
    check_start(runs["compact-reading"], prior_file, network_file)
    model, checkpoint = load_super_resolver(trained(reading, runs["compact-reading"], common))
    readings = list(held_out_readings(model, reading.data))
    restraint = choose_restraint(readings)
    print(f"restraint: {restraint}")
    tell(readings, restraint)
    config = model.config.model_copy(update={"restraint": restraint})
    card = checkpoint.card | {
        "name": "compact",
        "strength": options.strength,
        "readers": readers_of(reading.loss) if reading.focuses else [],
        "prior_steps": prior.steps,
        "network_steps": network.steps,
        "data": "rendered words and IIIT 5K-Word training words, degraded on the fly",
        "recipe": "benchmarks/bundled.py with configs/compact-prior.yaml, compact.yaml and compact-reading.yaml",
        "not": "the paper's weights; numbers on IIIT5K-LR are in docs/weights.md",
    }
    target = (BUNDLED_FOLDER if options.install else options.out) / "compact.safetensors"
    save_checkpoint(target, model.half(), kind="super_resolver", config=config, card=card)
    if options.install:
        register(target)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, sha256 {sha256_of(target)}")


if __name__ == "__main__":
    try:
        main()
    except GlyphSRError as error:  # an interruption too: the same command goes on
        sys.exit(str(error))
