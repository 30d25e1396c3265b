"""Does learning glyphs help? Trains configs/glyph-claim.yaml with its glyph losses and without, on the same words.

    python benchmarks/glyph_claim.py WORDS [--out claim] [--rendered 12000] [--steps 1800]

WORDS is a folder of HR word pictures with a label file. Rendered words join them; masks of both are made by `glyphsr
extract` without any checkpoint. The runs lie in OUT/with and OUT/without; measure both with `glyphsr eval`, or with a
reader of your own, on words that neither has seen.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import glyphsr
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.data.pair_loader import resize
from glyphsr.data.rendering import render_word
from glyphsr.types import Sample

HEIGHT = 48
SEED = 77


def rendered(count: int) -> Iterator[Sample]:
    """Words as the rendered source draws them, stored so that masks can be made of them."""
    for i in range(count):
        sample = render_word(np.random.default_rng([SEED, i]), name=f"rendered/{i}")
        width = max(16, round(sample.hr.shape[1] * HEIGHT / sample.hr.shape[0] / 2) * 2)
        hr = resize(sample.hr, (HEIGHT, width))
        yield Sample(sample.id, hr, sample.label, resize(hr, (HEIGHT // 2, width // 2)))


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
        write_pairs(sets[0], rendered(arguments.rendered))
    if not sets[1].exists():
        shutil.copytree(arguments.words, sets[1])
    for path in sets:
        glyphsr.extract(str(path), config=ExtractConfig(segmenter="ink", localizer="cuts"))
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
