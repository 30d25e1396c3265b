"""Kills a training run at random moments and compares where it ends with a run that nothing stopped.

    python benchmarks/kills.py [--kills 10] [--steps 200] [--seed 0]

A small network with every loss, on the sample set in the package; `kill -9` each time, then the same command again.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from glyphsr.weights.loading import load_super_resolver

SETTINGS = """
model:
  network: {{num_srbs: 2, width: 8, prior_width: 4, prior_hidden: [8, 8, 8], gfm_from: 2, gpm: {{width: 8}}}}
  prior: {{kind: crnn, width: 4, hidden: 8}}
data: {{sources: [{{kind: lmdb, path: train}}]}}
loss: {{focus_recognizer: crnn-light-synth, text_prior: 1.0}}
optimiser: {{warmup_steps: 10, ema_decay: 0.99}}
steps: {steps}
batch_size: 4
save_every: 5
validation: {{every: 50, words: 4}}
"""


def command(folder: Path, name: str) -> list[str]:
    settings = ["--config", str(folder / "run.yaml"), "--out", str(folder / name)]
    return [sys.executable, "-m", "glyphsr_cli", "train", *settings, "--device", "cpu", "--quiet"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run.yaml").write_text(SETTINGS.format(steps=arguments.steps))
        start = time.monotonic()
        subprocess.run(command(folder, "whole"), check=True, stdout=subprocess.DEVNULL)
        whole_s = time.monotonic() - start
        print(f"a run of {arguments.steps} steps that nothing stops: {whole_s:.0f} s", flush=True)
        hits = 0
        for kill in range(arguments.kills):
            before = time.time()
            process = subprocess.Popen(command(folder, "killed"), stdout=subprocess.DEVNULL)
            begun = folder / "killed" / "config.yaml"  # written anew when the loop is about to begin
            while process.poll() is None and (not begun.is_file() or begun.stat().st_mtime <= before):
                time.sleep(0.02)
            wait = moments.uniform(0.0, 0.12) * whole_s
            try:
                process.wait(timeout=wait)
                print(f"kill {kill + 1}: the run had ended before it", flush=True)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                hits += 1
                state = folder / "killed" / "checkpoints" / "last.state"
                step = torch.load(state, weights_only=True)["step"] if state.is_file() else 0
                print(f"kill {kill + 1} after {wait:.1f} s of training, saved up to step {step}", flush=True)
        subprocess.run(command(folder, "killed"), check=True, stdout=subprocess.DEVNULL)
        states = [
            load_super_resolver(folder / run / "checkpoints" / f"{kind}.safetensors")[0].state_dict()
            for kind in ("last", "best")
            for run in ("whole", "killed")
        ]
        equal = all(torch.equal(states[i][key], states[i + 1][key]) for i in (0, 2) for key in states[i])
        print(f"{hits} kills; last and best weights {'equal, bit for bit' if equal else 'DIFFER'}")
        if not equal:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
