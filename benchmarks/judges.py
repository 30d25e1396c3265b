"""Trains the package's judges: rendered words, then CRNN, MORAN and ASTER, each with a card.

    python benchmarks/judges.py --words ../shared/data/iiit5k-lr/train-hr [--out runs] [--only crnn] [--install]

Each piece goes on where it was stopped, so the same command is given again after an interruption; what is done is kept.
The recipe is configs/recognizers/*.yaml; --steps and --count shorten it, --fonts names other fonts than the system's,
--set changes all three. OUT/<kind>-synth.safetensors are the results, and with --install the package's weights.
"""

import sys

from recipes import parser_for, recipe, register, trained

import glyphsr
from glyphsr.config.degradation import DegradationConfig
from glyphsr.config.rendering import RenderConfig
from glyphsr.config.synth import SynthConfig
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.errors import GlyphSRError
from glyphsr.pipelines.models import load_recognizer
from glyphsr.weights.checkpoints import read_checkpoint, save_checkpoint
from glyphsr.weights.registry import BUNDLED_FOLDER, sha256_of

KINDS = ("crnn", "moran", "aster")
COUNT, SEED, DIFFICULTY = 400_000, 11, (0.0, 0.7)
"""Of the rendered words."""


def main() -> None:
    parser = parser_for(__doc__ or "")
    parser.add_argument("--count", type=int, default=COUNT, help="rendered words")
    parser.add_argument("--fonts", action="append", default=[], help="font file, folder or builtin; repeatable")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--only", choices=KINDS, action="append", help="repeatable")
    options = parser.parse_args()
    common = {"precision": options.precision, "workers": options.workers, "device": options.device, "notify": print}

    words = options.out / "judge-words"
    if not words.exists():
        settings = SynthConfig(
            count=options.count,
            seed=SEED,
            render=RenderConfig(fonts=tuple(options.fonts)),
            degradation=DegradationConfig(difficulty=DIFFICULTY),
        )
        made = glyphsr.synthesize(words, config=settings, notify=print)
        print(f"{words}: {made.samples} words of {made.fonts} fonts in {made.seconds:.0f} s")
    if len(PairedLmdb(words)) != options.count:
        sys.exit(f"{words}: holds {len(PairedLmdb(words))} words, not {options.count}; remove it or give another --out")
    for kind in options.only or KINDS:
        config = recipe(f"recognizers/{kind}", options, options.steps)
        best = trained(config, options.out / f"{kind}-synth", common)
        recognizer, card = load_recognizer(best), read_checkpoint(best, tensors=False).card
        card |= {
            "name": f"{kind}-synth",
            "data": f"{options.count} rendered words and IIIT 5K-Word training words",
            "recipe": f"benchmarks/judges.py with configs/recognizers/{kind}.yaml",
            "not": f"the published {kind}; numbers on IIIT5K-LR are in docs/weights.md",
        }
        target = (BUNDLED_FOLDER if options.install else options.out) / f"{kind}-synth.safetensors"
        save_checkpoint(target, recognizer.half(), kind="recognizer", config=recognizer.config, card=card)
        if options.install:
            register(target)
        print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, sha256 {sha256_of(target)}")


if __name__ == "__main__":
    try:
        main()
    except GlyphSRError as error:  # an interruption too: the same command goes on
        sys.exit(str(error))
