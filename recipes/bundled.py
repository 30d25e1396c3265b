"""Trains the weights in the package: masks of real words, text prior, network, confidence gate, card, in this order.

    python recipes/bundled.py --words WORDS [--pairs LMDB] [--out runs] [--install]

WORDS is a folder of HR word pictures with annotations.json, LMDB stored LR/HR pairs of the same words; docs/weights.md
says where to get them. Each piece continues where it was stopped, so the same command is given again after an
interruption; what is done is kept. The recipe is configs/compact-prior.yaml and compact.yaml; --prior-steps and
--network-steps shorten it, --set changes both. OUT/compact.safetensors is the result, and with --install the package's
weights. The gate's thresholds are chosen on training words that were held out, by what the prior itself reads there: no
engine that judges the result takes part.

On a CPU with AVX512-BF16 these settings of the allocator make it 1.7 times as fast:

    MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=100000000
"""

import sys
from pathlib import Path

import torch
from common import parser_for, recipe, register, trained

import glyphsr
from glyphsr.config.degradation import LEVELS
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.model import ConfidenceGateConfig
from glyphsr.errors import GlyphSRError
from glyphsr.text.lexicon import english
from glyphsr.training.gate_calibration import LabelledReading, choose_gate_thresholds, held_out_readings
from glyphsr.training.objectives.ocr import readers_of
from glyphsr.weights.checkpoints import save_checkpoint
from glyphsr.weights.export import export
from glyphsr.weights.loading import load_recognizer, load_super_resolver
from glyphsr.weights.registry import BUNDLED_FOLDER, sha256_of


def tell(readings: list[LabelledReading], chosen: ConfidenceGateConfig) -> None:
    """How much of the held-out words the change is applied to, and how often the prior is right there."""
    for level in LEVELS:
        rows = [reading for reading in readings if reading.level == level]
        held = [reading.right for reading in rows if reading.word_confidence <= chosen.low]
        right = sum(reading.right for reading in rows) / len(rows)
        line = f"{level}: prior reads {right:.1%} of {len(rows)}, nothing is changed in {len(held) / len(rows):.1%}"
        print(line + (f", of which {sum(held) / len(held):.1%} are read rightly" if held else ""))


def check_start(run: Path, prior_file: Path) -> None:
    """Refuse to continue a network that was trained with another prior."""
    last = run / "checkpoints" / "last.safetensors"
    if not last.is_file():
        return
    model, _ = load_super_resolver(last)
    assert model.prior is not None
    kept = model.prior.recognizer.state_dict()
    if not all(torch.equal(value, kept[key]) for key, value in load_recognizer(prior_file).state_dict().items()):
        sys.exit(f"{run}: was trained with another prior than {prior_file}; remove it to train the network again")


def main() -> None:
    parser = parser_for(__doc__ or "")
    parser.add_argument("--pairs", type=Path, help="LMDB of stored pairs of the same words")
    parser.add_argument("--prior-steps", type=int)
    parser.add_argument("--network-steps", type=int)
    parser.add_argument("--strength", type=float, default=1.0)
    options = parser.parse_args()
    common = {"precision": options.precision, "workers": options.workers, "device": options.device, "notify": print}

    masks = ExtractConfig(segmenter="ink", localizer="cuts")
    glyphsr.extract(str(options.words), out=options.out / "glyphs", config=masks)
    if options.pairs:
        glyphsr.extract(str(options.pairs), out=options.out / "pair-glyphs", config=masks)

    runs = {name: options.out / name for name in ("compact-prior", "compact")}
    prior = recipe("compact-prior", options, options.prior_steps)
    prior_file = trained(prior, runs["compact-prior"], common)
    network = recipe("compact", options, options.network_steps)
    check_start(runs["compact"], prior_file)
    model, checkpoint = load_super_resolver(trained(network, runs["compact"], common))

    readings = list(held_out_readings(model, network.data, lexicon=english()))
    confidence_gate = choose_gate_thresholds(readings)
    print(f"gate: {confidence_gate}")
    tell(readings, confidence_gate)

    config = model.config.model_copy(update={"confidence_gate": confidence_gate})
    card = checkpoint.card | {
        "name": "compact",
        "strength": options.strength,
        "readers": readers_of(network),
        "prior_steps": prior.steps,
        "network_steps": network.steps,
        "data": "rendered words and phrases, and IIIT 5K-Word training words, degraded on the fly",
        "begun_from": "PP-OCRv6 small by PaddlePaddle (Apache-2.0)",
        "recipe": "recipes/bundled.py with configs/compact-prior.yaml and compact.yaml",
        "not": "the paper's weights; numbers on IIIT5K-LR are in docs/weights.md",
    }
    target = (BUNDLED_FOLDER if options.install else options.out) / "compact.safetensors"
    save_checkpoint(target, model.half(), kind="super_resolver", config=config, card=card)
    if options.install:
        register(target)
        export(target, target.with_suffix(".onnx"), share_weights=True, overwrite=True)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, sha256 {sha256_of(target)}")


if __name__ == "__main__":
    try:
        main()
    except GlyphSRError as error:  # an interruption too: the same command continues
        sys.exit(str(error))
