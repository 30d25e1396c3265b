"""Run by the tests as a program of its own, alone or under torchrun: trains a YAML file and writes down every step."""

import json
import sys
from pathlib import Path

import torch

import glyphsr

if __name__ == "__main__":
    torch.set_num_threads(1)
    settings, folder = Path(sys.argv[1]), Path(sys.argv[2])
    rows = []
    result = glyphsr.train(settings, out=folder, device="cpu", workers=0, report=lambda step: rows.append(step.terms))
    if result.is_main:
        (folder / "rows.json").write_text(json.dumps({"terms": rows, "score": result.score.as_dict()}))
