"""Kills commands at random moments, runs them again, and compares what is there with a run that nothing stopped.

    python benchmarks/kills.py [--kills 100] [--seed 0] [--commands train,extract] [--seconds 3600]

Small networks and the sample set in the package; `kill -9` each time, then the same command again until it ends.
Nothing may be lost, doubled or incomplete, and no temporary file may be left behind. Commands run in forks of one
process that has imported everything, so that the moments fall into their work and not into imports; moments are counted
in seconds of the fork's own processor time, since the machine may be busy.
"""

import argparse
import gc
import hashlib
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # a fork must not find threads that are not there

# Libraries read the variables when they are imported, so that they come later.
import torch  # noqa: E402

from glyphsr.data.lmdb_pairs import PairedLmdb  # noqa: E402
from glyphsr.data.sources import SAMPLE_ROOT  # noqa: E402
from glyphsr.system.atomic_files import TEMPORARY  # noqa: E402
from glyphsr.weights.loading import load_super_resolver  # noqa: E402
from glyphsr_cli.app import app  # noqa: E402

SETTINGS = """
model:
  network: {{num_srbs: 2, width: 8, prior_width: 4, prior_hidden: [8, 8, 8], gfm_from: 2, gpm: {{width: 8}}}}
  prior: {{kind: crnn, width: 4, hidden: 8}}
data: {{sources: [{{kind: lmdb, path: train}}]}}
loss: {{text_focus: 0}}
optimiser: {{warmup_steps: 10, ema_decay: 0.99}}
steps: {steps}
batch_size: 4
save_every: 5
validation: {{every: 50, words: 4}}
"""

LEFT = (f"{TEMPORARY}*", "*.partial", "*.old", "*.trash", "*.unfinished")
"""What no finished command leaves."""

VARYING = re.compile(rb'"(seconds|guard_ms|output|started|created)": [^,}\n]+')
"""Of reports, what differs from run to run and from folder to folder."""

Facts = dict[str, str]
"""What is compared, by name."""


@dataclass(frozen=True)
class Command:
    """A command line that writes below a folder, and what counts of its result."""

    name: str
    words: Callable[[Path], list[str]]
    facts: Callable[[Path], Facts]


def _import_what_they_need(base: Path, pictures: Path) -> None:
    """Imports of the heavy commands, which else every fork would do again."""
    first = next(iter(sorted(pictures.iterdir())))
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        for words in (
            ["upscale", str(first), "-o", str(base / "first.png"), "--guard", "off", "--mode", "line", "-q"],
            ["eval", "--split", "easy", "--limit", "1", "--bootstrap", "0", "-q", "--device", "cpu"],
            ["train", "--config", str(base / "run.yaml"), "--out", str(base / "first"), "--max-steps", "1", "-q"],
            ["extract", "--lmdb", "train", "--limit", "1", "--segmenter", "ink", "-o", str(base / "glyphs"), "-q"],
            ["data", "synth", "-n", "1", "--fonts", "builtin", "-o", str(base / "synth"), "-q", "--workers", "1"],
        ):
            with suppress(SystemExit):
                app(words)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def files_below(folder: Path, *, without: str = r"$^") -> Facts:
    """Every file's hash; times and seconds, which differ from run to run, are taken out of reports."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not re.search(without, name):
            content = path.read_bytes()
            if path.suffix in (".json", ".jsonl", ".csv"):
                content = VARYING.sub(b"", content)
            found[name] = _digest(content)
    return found


def pairs_in(folder: Path) -> Facts:
    """Every value of the LMDB environments below a folder; where LMDB puts them in its file depends on the kills."""
    found = {}
    for data in sorted(folder.rglob("data.mdb")):
        pairs = PairedLmdb(data.parent)
        found[f"{data.parent.name} samples"] = str(len(pairs))
        names = ("image_hr", "image_lr", "label", "glyph_line", "glyph_chars", "glyph_meta")
        for number in range(1, pairs.declared() + 1):
            for name in names:
                value = pairs.get(f"{name}-{number:09d}")
                if value is not None:
                    found[f"{data.parent.name} {name} {number}"] = _digest(value)
    return found


def trained(folder: Path) -> Facts:
    """Every tensor of the last and the best weights."""
    found = {}
    for kind in ("last", "best"):
        state = load_super_resolver(folder / "run" / "checkpoints" / f"{kind}.safetensors")[0].state_dict()
        found |= {f"{kind} {key}": _digest(value.numpy().tobytes()) for key, value in state.items()}
    rows = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    return found | {"rows of metrics": str(len(rows))}


def make_commands(base: Path, steps: int) -> list[Command]:
    """The commands, with what they read made below a folder."""
    (base / "run.yaml").write_text(SETTINGS.format(steps=steps))
    easy = str(SAMPLE_ROOT / "test" / "easy")
    pictures, labelled = base / "pictures", base / "labelled"
    _cli("data", "export", easy, "-o", str(labelled), "-q")
    pictures.mkdir()
    for source in sorted((labelled / "lr").iterdir())[:12]:
        shutil.copy(source, pictures)
    _import_what_they_need(base, pictures)
    upscale = ["upscale", str(pictures), "--guard", "off", "--mode", "line", "--quiet", "--device", "cpu"]
    upscale += ["--overwrite", "--workers", "1"]
    evaluate = ["eval", "--split", easy, "--bootstrap", "0", "--quiet", "--device", "cpu", "--overwrite"]
    synth = ["data", "synth", "--count", "60", "--workers", "1", "--fonts", "builtin", "-q", "--seed", "3"]
    extract = ["extract", "--lmdb", str(SAMPLE_ROOT / "train"), "--segmenter", "ink", "--quiet", "--workers", "1"]
    train = ["train", "--config", str(base / "run.yaml"), "--device", "cpu", "--quiet", "--workers", "0"]
    return [
        Command(
            "upscale --report",
            lambda out: [*upscale, "-o", str(out / "big"), "--report", str(out / "report.json")],
            files_below,
        ),
        Command("data export", lambda out: ["data", "export", easy, "-o", str(out / "set"), "-q"], files_below),
        Command("data make", lambda out: ["data", "make", str(labelled), "-o", str(out / "set"), "-q"], pairs_in),
        Command("data synth", lambda out: [*synth, "-o", str(out / "set")], pairs_in),
        Command("extract", lambda out: [*extract, "-o", str(out / "glyphs")], pairs_in),
        Command("train", lambda out: [*train, "--out", str(out / "run")], trained),
        Command("eval --per-image", lambda out: [*evaluate, "--per-image", str(out / "each.jsonl")], files_below),
    ]


def _cli(*words: str) -> None:
    status = _wait(_start(list(words), Path(os.devnull)))
    if status:
        raise SystemExit(f"{words[:2]}: exit {status}")


def _start(words: list[str], said: Path) -> int:
    """Run a command line in a fork; gives its process."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        app(words)
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _processor_s(process: int) -> float:
    """What a process has taken of the processor; what it began with is the parent's and not counted."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _finish(command: Command, out: Path, said: Path) -> None:
    """Run a command to its end; one that was killed after its end says that its result is there."""
    status = _wait(_start(command.words(out), said))
    if status and "exists already" not in said.read_text():
        raise SystemExit(f"{command.name}: exit {status} after a kill: {said.read_text()[-2000:]}")


def kill_once(command: Command, out: Path, said: Path, after_s: float) -> bool:
    """Start a command and kill it when it has worked so long; whether it was still running."""
    child = _start(command.words(out), said)
    while True:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        if _processor_s(child) >= after_s:
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        time.sleep(0.001)


def left_behind(out: Path) -> list[str]:
    """Temporary files and unfinished folders."""
    return sorted({str(path.relative_to(out)) for pattern in LEFT for path in out.rglob(pattern)})


def differences(expected: Facts, found: Facts) -> list[str]:
    """What is lost, added or other."""
    return [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of all commands together")
    parser.add_argument("--steps", type=int, default=60, help="of the training run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--commands", help="only these, with commas")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    stop = time.monotonic() + arguments.seconds
    torch.set_num_threads(1)
    base = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        commands = make_commands(base, arguments.steps)
        if arguments.commands:
            commands = [command for command in commands if command.name in arguments.commands.split(",")]
        gc.collect()
        gc.freeze()
        results = [_try(command, base, -(-arguments.kills // len(commands)), moments, stop) for command in commands]
    finally:
        shutil.rmtree(base)
    print("| command | kills | lost, doubled or other | left behind |\n|---|---|---|---|")
    for row in results:
        print("| " + " | ".join(map(str, row)) + " |")
    print(f"{sum(row[1] for row in results)} kills")
    raise SystemExit(any(row[2] or row[3] for row in results))


def _try(command: Command, base: Path, kills: int, moments: random.Random, stop: float) -> tuple[str, int, int, int]:
    """Name, kills, runs with another result, runs that left something."""
    whole = base / "whole" / command.name.replace(" ", "-")
    whole.mkdir(parents=True)
    said = base / "said"
    child = _start(command.words(whole), said)
    seconds = 0.0
    while not os.waitpid(child, os.WNOHANG)[0]:
        with suppress(OSError, ValueError):
            seconds = _processor_s(child)
        time.sleep(0.001)
    expected = command.facts(whole)
    hits = other = left = 0
    while hits < kills and time.monotonic() < stop:
        out = base / "killed"
        out.mkdir()
        for _ in range(3):  # a run that is killed again and again must come to its end, too
            if hits < kills and kill_once(command, out, said, moments.uniform(0.02, 1.0) * seconds):
                hits += 1
        _finish(command, out, said)
        found = command.facts(out)
        wrong, rest = differences(expected, found), left_behind(out)
        other, left = other + bool(wrong), left + bool(rest)
        print(f"{command.name}: {hits} kills, {seconds:.1f} s whole; other: {wrong[:3]}; left: {rest[:3]}", flush=True)
        shutil.rmtree(out)
    return command.name, hits, other, left


if __name__ == "__main__":
    main()
