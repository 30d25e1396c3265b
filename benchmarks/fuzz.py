"""Mutates files of every kind and gives them to the commands that read them; nothing may crash, hang or grow.

    python benchmarks/fuzz.py [--files 1000] [--first 0] [--seed 0] [--kinds yaml,boxes] [--keep FOLDER]

One process imports everything and is forked for each file, which goes through the commands of its kind in that fork
(those that take long only see one in --costly): a file costs what it costs and not the imports, and a crash takes
nothing else along. A fork may take 2 GB beyond what it began with, 60 s of the processor for each command and ten
minutes in all, since the machine may be busy. Wrong are: an exception that no error line stands for, an exit code that
is not documented, a signal, memory beyond 1.5 GB, a warning of a library, a control character on the screen, and a
temporary file that is left. The summary is a table and, with --json, a document; --first begins at a later file, so
that a long run can be done in parts, and --merge adds up their documents.
"""

import argparse
import gc
import importlib
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # a fork must not find threads that are not there

from fuzz_mutations import mutate  # noqa: E402 - libraries read the variables when they are imported
from fuzz_seeds import DOCUMENTS, Command, Kind, Seed  # noqa: E402
from fuzz_sets import SETS  # noqa: E402

from glyphsr.system.atomic_files import TEMPORARY  # noqa: E402

MEMORY_LIMIT, MEMORY_MOST = 2 << 30, 1_500_000_000
PROCESSOR_S, WALL_S = 60, 600
DOCUMENTED = (0, 1, 2, 3, 4, 5)
CRASHED = 70

KINDS = DOCUMENTS | SETS
"""Makes each kind's whole files in a folder, by name."""

_WARNING = re.compile(r"\w*Warning: |^\[ WARN|^(libpng|libtiff|TIFF\w+):", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass
class Finding:
    """What one file did that none may."""

    kind: str
    number: int
    what: str
    detail: str


@dataclass
class KindResult:
    """Figures of one kind."""

    files: int = 0
    runs: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    peak_mb: float = 0
    slowest_s: float = 0


@dataclass(frozen=True)
class Outcome:
    """Of one file in all commands of its kind."""

    codes: list[int]
    """Exit codes of the commands that came to their end."""
    status: int
    """Exit code of the fork, or minus its signal."""
    memory: int
    """Greatest, in bytes beyond the parent's."""
    seconds: float
    """Of the processor."""


def _run(command: Command, target: Path, folder: Path) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + PROCESSOR_S, resource.RLIM_INFINITY))
    try:
        return command(target, folder)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return CRASHED


def run_child(commands: Sequence[Command], target: Path, folder: Path, log: Path) -> Outcome:
    """Give a file to commands, one after the other, in a fork."""
    before = _status("VmRSS")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(WALL_S)
        held = _status("VmData")
        resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY_LIMIT, held + MEMORY_LIMIT))
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        try:
            for number, command in enumerate(commands):
                code = _run(command, target, folder / str(number))
                with suppress(Exception):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os.write(writing, bytes([code & 0xFF]))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        codes = list(pipe.read())
    _, status, usage = os.wait4(child, 0)
    memory, seconds = usage.ru_maxrss * 1024 - before, usage.ru_utime + usage.ru_stime
    return Outcome(codes, os.waitstatus_to_exitcode(status), max(0, memory), seconds)


def _status(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def judge(outcome: Outcome, log: Path, folder: Path) -> tuple[str, str] | None:
    """What is wrong, and the line that says most about it."""
    said = log.read_text(errors="replace")
    last = said.strip().splitlines()[-1][:200] if said.strip() else ""
    number = len(outcome.codes)
    if outcome.status < 0:
        hung = -outcome.status in (signal.SIGALRM, signal.SIGXCPU)
        return f"{'hang' if hung else f'signal {-outcome.status}'} in command {number}", last
    if "Traceback (most recent call last)" in said or CRASHED in outcome.codes:
        errors = re.findall(r"^\w[\w.]*(?:Error|Exception|Interrupt).*", said, re.MULTILINE)
        return "traceback", (errors or [last])[-1][:200]
    if odd := [code for code in outcome.codes if code not in DOCUMENTED]:
        return f"exit {odd[0]}", last
    if outcome.memory > MEMORY_MOST:
        return f"{outcome.memory / 1e9:.1f} GB", last
    if found := _WARNING.search(said):
        return "warning", said[found.start() :].splitlines()[0][:200]
    if found := _CONTROL.search(said):
        return f"control character {ord(found[0]):#x}", said[max(0, found.start() - 80) : found.end()]
    left = [path.name for path in folder.rglob(f"{TEMPORARY}*")]
    return ("left behind", left[0]) if left else None


def _go(
    commands: Sequence[Command], seed: Seed, content: bytes, folder: Path
) -> tuple[Outcome, tuple[str, str] | None]:
    target = seed.place(folder / "in", content)
    for place in range(len(commands)):
        (folder / str(place)).mkdir()
    log = folder / "log"
    outcome = run_child(commands, target, folder, log)
    return outcome, judge(outcome, log, folder)


def fuzz_one(
    kind: Kind, number: int, *, seed: int, costly: int, scratch: Path, keep: Path | None
) -> tuple[Outcome, Finding | None]:
    """Give a mutated file of a kind to its commands; one in so many also to those that take long."""
    rng = random.Random(f"{seed} {kind.name} {number}")
    whole = kind.seeds[number % len(kind.seeds)]
    folder = scratch / f"{kind.name}-{number}".replace(" ", "-")
    (folder / "in").mkdir(parents=True)
    content = (whole.mutate or mutate)(whole.content, rng)
    commands = whole.commands or kind.commands
    if costly and not whole.commands and number // len(kind.seeds) % costly == 0:
        commands = (*commands, *kind.costly)
    outcome, problem = _go(commands, whole, content, folder)
    if problem and keep:
        shutil.copytree(folder, keep / folder.name, dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(folder, ignore_errors=True)
    return outcome, Finding(kind.name, number, *problem) if problem else None


def count(result: KindResult, outcome: Outcome, finding: Finding | None) -> None:
    """Add one file."""
    result.files += 1
    result.runs += len(outcome.codes)
    result.codes.update(outcome.codes)
    result.peak_mb = max(result.peak_mb, outcome.memory / 1e6)
    result.slowest_s = max(result.slowest_s, outcome.seconds)
    if finding:
        result.findings.append(finding)
        print(f"{finding.kind} {finding.number}: {finding.what}: {finding.detail}", flush=True)


def make_kinds(folder: Path, names: Sequence[str]) -> list[Kind]:
    """Kinds by name, with their whole files made below a folder."""
    kinds = []
    for name in names:
        (folder / name).mkdir(parents=True)
        kinds.append(KINDS[name](folder / name))
    return kinds


def warm_up(kinds: Sequence[Kind], scratch: Path, *, costly: bool) -> None:
    """Run the commands on whole files once, and import here what that needed."""
    for kind in kinds:
        for number, seed in enumerate(kind.seeds):
            folder = scratch / f"whole-{number}"
            (folder / "in").mkdir(parents=True)
            listing = folder / "modules"

            def list_modules(_target: Path, _folder: Path, listing: Path = listing) -> int:
                listing.write_text("\n".join(sys.modules))
                return 0

            more = kind.costly if costly and not seed.commands and not number else ()  # once, for what they import
            commands = (*(seed.commands or kind.commands), *more, list_modules)
            outcome, problem = _go(commands, seed, seed.content, folder)
            said = (folder / "log").read_text(errors="replace")
            if problem or not listing.exists():
                raise SystemExit(f"{kind.name}, seed {number}: {outcome}, {problem}\n{said[-3000:]}")
            if any(outcome.codes):
                print(f"{kind.name}: whole file {number} ends with {outcome.codes}", flush=True)
            for name in listing.read_text().splitlines():
                if name not in sys.modules and not name.startswith(("__main__", "fuzz")):
                    with suppress(Exception):
                        importlib.import_module(name)
            shutil.rmtree(folder)
    gc.collect()
    gc.freeze()  # a collection in a fork would touch, and so copy, all of it


def fuzz(
    kinds: Sequence[Kind],
    numbers: Iterable[int],
    one: Callable[..., Any],
    *,
    seconds: float,
    save: Callable[[dict[str, KindResult]], object],
) -> dict[str, KindResult]:
    """All kinds in turn, each as often as its weight, until all numbers are done or so much time is over."""
    results = {kind.name: KindResult() for kind in kinds}
    start = time.monotonic()
    order = [kind for kind in kinds for _ in range(kind.weight)]
    random.Random(0).shuffle(order)
    places = [order[:place].count(kind) for place, kind in enumerate(order)]
    for done, number in enumerate(numbers, 1):
        turn, place = divmod(number, len(order))
        kind = order[place]
        count(results[kind.name], *one(kind, turn * kind.weight + places[place]))
        if done % 200 == 0:
            wrong = sum(len(result.findings) for result in results.values())
            print(f"{done} files, {wrong} wrong, {time.monotonic() - start:.0f} s", flush=True)
            save(results)
        if time.monotonic() - start > seconds:
            print(f"stopped after {done} files, at number {number}", flush=True)
            break
    return results


def table(results: dict[str, KindResult]) -> str:
    """The figures as Markdown."""
    rows = [
        "| kind | files | runs of commands | exit codes | wrong | peak MB | slowest s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        codes = ", ".join(f"{code}: {count}" for code, count in sorted(result.codes.items()))
        figures = f"{len(result.findings)} | {result.peak_mb:.0f} | {result.slowest_s:.1f}"
        rows.append(f"| {name} | {result.files} | {result.runs} | {codes} | {figures} |")
    return "\n".join(rows)


def merge(documents: Sequence[Path]) -> dict[str, KindResult]:
    """The figures of several runs together."""
    merged: dict[str, KindResult] = {}
    for path in documents:
        for name, row in json.loads(path.read_text()).items():
            result = merged.setdefault(name, KindResult())
            result.files += row["files"]
            result.runs += row["runs"]
            result.codes.update({int(code): number for code, number in row["codes"].items()})
            result.findings += [Finding(**finding) for finding in row["findings"]]
            result.peak_mb = max(result.peak_mb, row["peak_mb"])
            result.slowest_s = max(result.slowest_s, row["slowest_s"])
    return merged


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=1000, help="of all kinds together")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--costly", type=int, default=5, help="one file in so many sees the slow commands; 0 for none")
    parser.add_argument("--kinds", help=f"of {', '.join(KINDS)}; all by default")
    parser.add_argument("--keep", type=Path, help="folder for the files that did something wrong")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--merge", type=Path, nargs="+", help="only add up such documents")
    arguments = parser.parse_args()
    start = time.monotonic()

    def save(results: dict[str, KindResult]) -> None:
        if arguments.json:
            document = {
                name: vars(result) | {"findings": [vars(finding) for finding in result.findings]}
                for name, result in results.items()
            }
            arguments.json.write_text(json.dumps(document, indent=2) + "\n")

    if arguments.merge:
        results = merge(arguments.merge)
    else:
        scratch = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            kinds = make_kinds(scratch / "seeds", arguments.kinds.split(",") if arguments.kinds else list(KINDS))
            warm_up(kinds, scratch, costly=arguments.costly > 0)

            def one(kind: Kind, number: int) -> tuple[Outcome, Finding | None]:
                return fuzz_one(
                    kind, number, seed=arguments.seed, costly=arguments.costly, scratch=scratch, keep=arguments.keep
                )

            numbers = range(arguments.first, arguments.first + arguments.files)
            results = fuzz(kinds, numbers, one, seconds=arguments.seconds, save=save)
        finally:
            shutil.rmtree(scratch)
    print(table(results))
    files, wrong = sum(t.files for t in results.values()), sum(len(t.findings) for t in results.values())
    print(f"{files} files, {wrong} wrong, seed {arguments.seed}, {time.monotonic() - start:.0f} s")
    save(results)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
