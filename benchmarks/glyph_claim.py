"""Does learning glyphs help? Trains configs/glyph-claim.yaml with its glyph losses and without, on the same words.

    python benchmarks/glyph_claim.py WORDS [--out claim] [--rendered 12000] [--steps 1800]

WORDS is a folder of HR word pictures with a label file, whose masks are made by `glyphsr extract` without any
checkpoint. Rendered words with their exact masks join them. The runs lie in OUT/with and OUT/without; measure both with
`glyphsr eval`, or with a reader of your own, on words that neither has seen.
"""

import argparse
import shutil
from pathlib import Path

import glyphsr
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.reader import load
from glyphsr.config.rendering import RenderConfig
from glyphsr.config.synth import SynthConfig
from glyphsr.config.training import TrainConfig

HEIGHT = 48
SEED = 77


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("words", type=Path)
    parser.add_argument("--out", type=Path, default=Path("claim"))
    parser.add_argument("--rendered", type=int, default=12_000)
    parser.add_argument("--steps", type=int, default=1_800)
    parser.add_argument("--precision", default="bf16")
    arguments = parser.parse_args()
    sets = [arguments.out / "rendered", arguments.out / "words"]
    arguments.out.mkdir(parents=True, exist_ok=True)
    if not sets[0].exists():
        render = RenderConfig(height=HEIGHT)
        glyphsr.synthesize(sets[0], config=SynthConfig(count=arguments.rendered, seed=SEED, glyphs=True, render=render))
    if not sets[1].exists():
        shutil.copytree(arguments.words, sets[1])
    glyphsr.extract(str(sets[1]), config=ExtractConfig(segmenter="ink", localizer="cuts"))
    sources = (
        f"[{{kind: lmdb, path: '{sets[0]}', paired: false, weight: 0.75}}, "
        f"{{kind: folder, path: '{sets[1]}', weight: 0.25}}]"
    )
    settings = Path(__file__).parent.parent / "configs" / "glyph-claim.yaml"
    for name, extra in (("with", []), ("without", ["loss.glyph=0.0"])):
        chosen = [f"data.sources={sources}", f"steps={arguments.steps}", *extra]
        config = load(TrainConfig, settings, sets=chosen)
        result = glyphsr.train(config, out=arguments.out / name, precision=arguments.precision, notify=print)
        print(name, result.best, result.score.describe() if result.score else "")


if __name__ == "__main__":
    main()
