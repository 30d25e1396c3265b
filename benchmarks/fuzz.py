"""Mutates files of every kind and gives them to the commands that read them; nothing may crash, hang or grow.

    python benchmarks/fuzz.py [--files 1000] [--seed 0] [--kinds yaml,boxes] [--keep FOLDER]

One process imports everything and is forked for each file, so that a file costs what it costs and not the imports. A
child may take 2 GB beyond what it began with, 60 s of the processor and ten minutes in all, since the machine may be
busy. Wrong are: an exception that no error line stands for, an exit code that is not documented, a signal, and memory
beyond 1.5 GB. The summary is a table and, with --json, a document.
"""

import argparse
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fuzz_seeds import KINDS, Kind, make_kinds

MEMORY_LIMIT, MEMORY_SHARE = 2 << 30, 1_500_000_000
PROCESSOR_S, WALL_S = 60, 600
DOCUMENTED = (0, 1, 2, 3, 4, 5)
TOKENS = (
    *(b"\0", b"\xff" * 4, b"\xff" * 8, b"-1", b"0", b"1e999", b"NaN", b"9" * 5000, b"99999999999", b"null", b"[]"),
    *(b"{}", b"true", b"[" * 200, b"{" * 200, b'"', b"\\ud800", b"\x1b[31m", b"\xe2\x80\xae", b"../../../x"),
    *(b"/dev/zero", b"\r\n", b"&a [*a, *a]", b"!!python/object/apply:os.system [id]", b"<<: *a", b"=1+1"),
    *(b"\x80\x02", b"\xff\xd8\xff"),
)
"""What parsers stumble over."""


_VALUE = re.compile(rb'"[^"\n]{0,80}"|-?\d+(?:\.\d+)?|[A-Za-z_]{2,}')


def change_values(content: bytes, rng: random.Random) -> bytes:
    """Put others in the place of one to three numbers, texts or words of a document, which stays well-formed mostly."""
    for _ in range(rng.randint(1, 3)):
        found = list(_VALUE.finditer(content))
        if not found:
            return content
        chosen, other = rng.choice(found), rng.choice(found)[0]
        token = rng.choice(
            (*TOKENS, other, other, b'"' + rng.choice(TOKENS) + b'"', str(rng.randint(-9, 10**9)).encode())
        )
        content = content[: chosen.start()] + token + content[chosen.end() :]
    return content


def mutate(content: bytes, rng: random.Random) -> bytes:
    """One to four changes of random kinds at random places."""
    if len(content) < 100_000 and content.isascii() and rng.random() < 0.6:
        return change_values(content, rng)
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        # Headers lie at the beginning and, in LMDB, at the beginnings of pages.
        near = rng.random()
        size = max(1, len(data))
        place = rng.randrange(min(size, 200)) if near < 0.4 else rng.randrange(size)
        if near > 0.8 and size > 4096:
            place = min(size - 1, rng.randrange(size // 4096) * 4096 + rng.randrange(64))
        length = min(rng.choice((1, 2, 4, 8, 64, 1000)), size - place)
        kind = rng.randrange(8)
        if kind == 0:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1 and data:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[place : place + length]
        elif kind == 3:
            data[place:place] = data[place : place + length] * rng.choice((1, 2, 50))
        elif kind == 4:
            data[place : place + length] = rng.randbytes(length)
        elif kind == 5:
            data[place:place] = rng.choice(TOKENS)
        elif kind == 6:
            token = rng.choice(TOKENS)
            data[place : place + len(token)] = token
        else:
            del data[place:]
    return bytes(data)


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
    codes: Counter[int] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    peak_mb: float = 0
    slowest_s: float = 0


def run_child(action: Callable[[], int], log: Path) -> tuple[int, int, float]:
    """Exit code or minus the signal, greatest memory in bytes beyond the parent's, seconds of the processor."""
    before = _resident()
    child = os.fork()
    if not child:
        code = 70
        try:
            signal.alarm(WALL_S)
            resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S + 5))
            held = _data()
            resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY_LIMIT, held + MEMORY_LIMIT))
            target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(target, 1)
            os.dup2(target, 2)
            code = action()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except BaseException:
            traceback.print_exc()
            code = 70
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    _, status, usage = os.wait4(child, 0)
    seconds = usage.ru_utime + usage.ru_stime
    return os.waitstatus_to_exitcode(status), max(0, usage.ru_maxrss * 1024 - before), seconds


def _status(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def _resident() -> int:
    return _status("VmRSS")


def _data() -> int:
    return _status("VmData")


def judge(code: int, memory: int, log: Path) -> tuple[str, str] | None:
    """What is wrong, and the last line that was said."""
    said = log.read_text(errors="replace")
    last = said.strip().splitlines()[-1][:200] if said.strip() else ""
    if code < 0:
        return ("hang" if -code in (signal.SIGALRM, signal.SIGXCPU) else f"signal {-code}"), last
    if code == 70 or "Traceback (most recent call last)" in said:
        return "traceback", last
    if code not in DOCUMENTED:
        return f"exit {code}", last
    if memory > MEMORY_SHARE:
        return f"{memory / 1e9:.1f} GB", last
    return None


def fuzz_one(kind: Kind, number: int, seed: int, result: KindResult, keep: Path | None) -> None:
    """Give a mutated file of a kind to one of its commands."""
    rng = random.Random(f"{seed} {kind.name} {number}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        whole = rng.choice(kind.seeds)
        target = whole.place(folder, mutate(whole.content, rng))
        command = rng.choice(kind.commands)
        log = folder / "log"
        code, memory, seconds = run_child(lambda: command(target, folder), log)
        problem = judge(code, memory, log)
        if problem and keep:
            shutil.copytree(folder, keep / f"{kind.name}-{number}", dirs_exist_ok=True)
    result.files += 1
    result.codes[code] += 1
    result.peak_mb = max(result.peak_mb, memory / 1e6)
    result.slowest_s = max(result.slowest_s, seconds)
    if problem:
        result.findings.append(Finding(kind.name, number, *problem))
        print(f"{kind.name} {number}: {problem[0]}: {problem[1]}", flush=True)


def fuzz(kinds: Sequence[Kind], files: int, *, seed: int, seconds: float, keep: Path | None) -> dict[str, KindResult]:
    """All kinds in turn, each as often as its share, until so many files were read or so much time is over."""
    results = {kind.name: KindResult() for kind in kinds}
    stop = time.monotonic() + seconds
    order = [kind for kind in kinds for _ in range(kind.share)]
    for number in range(files):
        if time.monotonic() > stop:
            break
        kind = order[number % len(order)]
        fuzz_one(kind, results[kind.name].files, seed, results[kind.name], keep)
        if number % 200 == 199:
            wrong = sum(len(result.findings) for result in results.values())
            print(f"{number + 1} files, {wrong} wrong", flush=True)
    return results


def table(results: dict[str, KindResult]) -> str:
    """The figures as Markdown."""
    rows = ["| kind | files | exit codes | wrong | peak MB | slowest s |", "|---|---|---|---|---|---|"]
    for name, result in results.items():
        codes = ", ".join(f"{code}: {count}" for code, count in sorted(result.codes.items()))
        figures = f"{result.peak_mb:.0f} | {result.slowest_s:.1f}"
        rows.append(f"| {name} | {result.files} | {codes} | {len(result.findings)} | {figures} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=1000, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--kinds", help=f"of {', '.join(KINDS)}; all by default")
    parser.add_argument("--keep", type=Path, help="folder for the files that did something wrong")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # a fork must not find threads that are not there
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as name:
        kinds = make_kinds(Path(name), arguments.kinds.split(",") if arguments.kinds else list(KINDS))
        start = time.monotonic()
        results = fuzz(kinds, arguments.files, seed=arguments.seed, seconds=arguments.seconds, keep=arguments.keep)
    print(table(results))
    files, wrong = sum(t.files for t in results.values()), sum(len(t.findings) for t in results.values())
    print(f"{files} files, {wrong} wrong, seed {arguments.seed}, {time.monotonic() - start:.0f} s")
    if arguments.json:
        rows = {
            name: {"files": t.files, "codes": t.codes, "wrong": len(t.findings), "peak_mb": t.peak_mb}
            for name, t in results.items()
        }
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
