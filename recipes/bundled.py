"""Trains the weights in the package: masks of the real words, text prior, network, restraint, card, in this order.

The network is trained in two parts, of which the second has recognizers read what it draws.

    python recipes/bundled.py --words ../shared/data/iiit5k-lr/train-hr [--out runs] [--install]

Each piece goes on where it was stopped, so the same command is given again after an interruption; what is done is kept.
The recipe is configs/compact-prior.yaml, compact.yaml and compact-reading.yaml; --prior-steps, --network-steps and
--reading-steps shorten it, --set changes all three. OUT/compact.safetensors is the result, and with --install the
package's weights. Restraint is chosen on training words that were held out, by what the prior itself reads there: no
engine that judges the result takes part.
"""

import sys
from pathlib import Path

import torch
from common import parser_for, recipe, register, trained

import glyphsr
from glyphsr.config.degradation import LEVELS
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.model import RestraintConfig
from glyphsr.errors import GlyphSRError
from glyphsr.training.gate_calibration import LabelledReading, choose_gate_thresholds, held_out_readings
from glyphsr.training.objectives.text_focus import readers_of
from glyphsr.weights.checkpoints import save_checkpoint
from glyphsr.weights.loading import load_recognizer, load_super_resolver
from glyphsr.weights.registry import BUNDLED_FOLDER, sha256_of


def tell(readings: list[LabelledReading], chosen: RestraintConfig) -> None:
    """How much of the held-out words the change is applied to, and how often the prior is right there."""
    for level in LEVELS:
        rows = [reading for reading in readings if reading.level == level]
        sure = [reading.right for reading in rows if reading.word_confidence >= chosen.high]
        right = sum(reading.right for reading in rows) / len(rows)
        line = f"{level}: prior reads {right:.1%} of {len(rows)}, whole change on {len(sure) / len(rows):.1%}"
        print(line + (f" with {sum(sure) / len(sure):.1%} right" if sure else ""))


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


def main() -> None:
    parser = parser_for(__doc__ or "")
    parser.add_argument("--prior-steps", type=int)
    parser.add_argument("--network-steps", type=int)
    parser.add_argument("--reading-steps", type=int)
    parser.add_argument("--strength", type=float, default=1.0)
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
    restraint = choose_gate_thresholds(readings)
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
        "recipe": "recipes/bundled.py with configs/compact-prior.yaml, compact.yaml and compact-reading.yaml",
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
