"""Trains the package's judges: rendered words, then CRNN, MORAN and ASTER, each with a card.

    python recipes/recognizers.py --words ../shared/data/iiit5k-lr/train-hr [--out runs] [--only crnn] [--install]
    python recipes/recognizers.py --words ../shared/data/iiit5k-lr/train-hr --first aster-4  # the package's, further

After an interruption the same command continues; what is done is kept.
The recipe is configs/recognizers/*.yaml; --steps and --count shorten it, --fonts names other fonts than the system's,
--set changes all runs. With --first the package's weights stand for what the runs before that one left.
OUT/<kind>-synth.safetensors are the results, and with --install the package's weights.
"""

import argparse
import sys

from common import CONFIGS, parser_for, recipe, register, trained

import glyphsr
from glyphsr.config.reader import load
from glyphsr.config.synth import SynthConfig
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.errors import GlyphSRError
from glyphsr.weights.checkpoints import read_checkpoint, save_checkpoint
from glyphsr.weights.loading import load_recognizer
from glyphsr.weights.registry import BUNDLED_FOLDER, sha256_of

RUNS = {
    "crnn": ("crnn", "crnn-2", "crnn-3", "crnn-4"),
    "moran": ("moran", "moran-2"),
    "aster": ("aster", "aster-2", "aster-3", "aster-4"),
}
"""The runs of each kind, one on top of the other."""

WORDS = {"judges": "judge-words", "judges-2": "judge-words-2", "judges-3": "judge-words-3"}
"""The rendered words' configurations, and where they are."""


def main() -> None:
    parser = parser_for(__doc__ or "")
    parser.add_argument("--count", type=int, help="rendered words of each set")
    parser.add_argument("--fonts", action="append", default=[], help="font file, folder or builtin; repeatable")
    parser.add_argument("--steps", type=int, help="of each run")
    parser.add_argument("--only", choices=list(RUNS), action="append", help="repeatable")
    runs = [name for names in RUNS.values() for name in names[1:]]
    parser.add_argument("--first", choices=runs, help="of its kind alone, this run and those behind it")
    options = parser.parse_args()
    if options.first and options.only:
        parser.error("--first: is of one kind already; give it without --only")
    if options.first:
        options.only = [kind for kind, names in RUNS.items() if options.first in names]
    common = {"precision": options.precision, "workers": options.workers, "device": options.device, "notify": print}

    for kind in options.only or RUNS:
        bundled = BUNDLED_FOLDER / f"{kind}-synth.safetensors"
        chosen = RUNS[kind][RUNS[kind].index(options.first) if options.first else 0 :]
        for name in chosen:
            config = recipe(f"recognizers/{name}", options, options.steps)
            if name == options.first and config.recognizer_weights:
                config = config.model_copy(update={"recognizer_weights": str(bundled)})
            for words, folder in WORDS.items():
                if any(getattr(source, "path", None) == str(options.out / folder) for source in config.data.sources):
                    render(words, folder, options)
            best = trained(config, options.out / f"{name}-synth", common)
        recognizer, card = load_recognizer(best), read_checkpoint(best, tensors=False).card
        files = " and ".join(f"configs/recognizers/{name}.yaml" for name in chosen)
        card |= {
            "name": f"{kind}-synth",
            "data": "rendered words and IIIT 5K-Word training words",
            "recipe": f"recipes/recognizers.py with {files}" + (", from the package's former" if options.first else ""),
            "not": f"the published {kind}; numbers on IIIT5K-LR are in docs/weights.md",
        }
        target = bundled if options.install else options.out / bundled.name
        save_checkpoint(target, recognizer.half(), kind="recognizer", config=recognizer.config, card=card)
        if options.install:
            register(target)
        print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, sha256 {sha256_of(target)}")


def render(name: str, folder: str, options: argparse.Namespace) -> None:
    """Rendered words, where they are not there yet."""
    settings = load(SynthConfig, CONFIGS / "words" / f"{name}.yaml")
    fonts = tuple(options.fonts) or settings.render.fonts
    drawn = settings.render.model_copy(update={"fonts": fonts})
    settings = settings.model_copy(update={"count": options.count or settings.count, "render": drawn})
    words = options.out / folder
    if not words.exists():
        made = glyphsr.synthesize(words, config=settings, notify=print)
        print(f"{words}: {made.samples} words of {made.fonts} fonts in {made.seconds:.0f} s")
    if len(PairedLmdb(words)) != settings.count:
        sys.exit(
            f"{words}: holds {len(PairedLmdb(words))} words, not {settings.count}; remove it or give another --out"
        )


if __name__ == "__main__":
    try:
        main()
    except GlyphSRError as error:  # an interruption too: the same command continues
        sys.exit(str(error))
