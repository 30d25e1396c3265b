"""Turns a run's checkpoint into weights for the package: half precision for storage, and a card with the facts.

    python benchmarks/publish.py runs/compact/checkpoints/best.safetensors compact --strength 0.8 --fact "data=..."

The card travels inside the file; ``glyphsr/weights/bundled/NAME.md`` is its readable form and is written by hand.
"""

import argparse
from pathlib import Path

from glyphsr.pipelines.models import load_super_resolver
from glyphsr.weights.checkpoints import save_checkpoint
from glyphsr.weights.registry import BUNDLED_FOLDER


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("name")
    parser.add_argument("--strength", type=float, required=True)
    parser.add_argument("--fact", action="append", default=[], metavar="KEY=TEXT")
    options = parser.parse_args()
    model, checkpoint = load_super_resolver(options.checkpoint)
    facts = dict(fact.split("=", 1) for fact in options.fact)
    card = checkpoint.card | facts | {"name": options.name, "strength": options.strength}
    target = BUNDLED_FOLDER / f"{options.name}.safetensors"
    save_checkpoint(target, model.half(), kind="super_resolver", config=model.config, card=card)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
