"""Training runs, and what they leave."""

import torch

from glyphsr.training.build import build_trainer
from glyphsr.weights.loading import load_super_resolver


def run(config, folder, **options):
    return build_trainer(config, folder, device="cpu", workers=0, **options).run()


def weights_of(folder):
    return load_super_resolver(folder / "checkpoints" / "last.safetensors")[0].state_dict()


def same(a, b):
    return all(torch.equal(a[key], b[key]) for key in a)
