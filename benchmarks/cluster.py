"""``upscale --engine ray`` on two nodes in this machine against one process: lines/s, memory, equal bytes.

python benchmarks/cluster.py [--lines 20000] [--folder PLACE]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from itertools import islice
from pathlib import Path

from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.sources import SAMPLE_ROOT

OPTIONS = ["--mode", "line", "--guard", "off", "--device", "cpu", "--no-progress", "--json", "-q"]
MIB = 1 << 20


def write_lines(folder: Path, count: int) -> None:
    """Copies of the sample set's LR lines."""
    contents = []
    for split in ("easy", "medium", "hard"):
        pairs = PairedLmdb(SAMPLE_ROOT / "test" / split)
        contents += [lr for index in range(len(pairs)) if (lr := pairs.raw(index).lr) is not None]
    for number in range(count):
        (folder / f"{number:06d}.png").write_bytes(contents[number % len(contents)])


def resident(process: Path) -> int:
    return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Memory(threading.Thread):
    """The most memory that the command and each of its Ray workers take, looked at twice a second."""

    def __init__(self, command: int) -> None:
        super().__init__(daemon=True)
        self.command, self.most, self.stopped = command, {"command": 0, "worker": 0}, threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.5):
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    self._look(process)

    def _look(self, process: Path) -> None:
        try:
            is_worker = (process / "cmdline").read_bytes().startswith(b"ray::MapWorker")
            if is_worker or int(process.name) == self.command:
                name = "worker" if is_worker else "command"
                self.most[name] = max(self.most[name], resident(process))
        except (OSError, IndexError):  # ended in the meantime
            return


def run(source: Path, out: Path, *more: str) -> str:
    """Upscale, and the row of the table."""
    command = [sys.executable, "-m", "glyphsr_cli", "upscale", str(source), "-o", str(out), *OPTIONS, *more]
    began = time.monotonic()
    with tempfile.TemporaryFile() as answer:
        process = subprocess.Popen(command, stdout=answer)
        memory = Memory(process.pid)
        memory.start()
        process.wait()
        seconds = time.monotonic() - began
        memory.stopped.set()
        answer.seek(0)
        report = json.load(answer)
    command_mib, worker_mib = memory.most["command"] // MIB, memory.most["worker"] // MIB
    return (
        f"{report['done']} | {report['failed']} | {report['done'] / seconds:.1f} | {command_mib} | {worker_mib or ''}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        root = Path(name)
        (root / "in").mkdir()
        write_lines(root / "in", arguments.lines)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print("| run | done | failed | lines/s | command, MiB | worker, MiB |\n|---|---|---|---|---|---|")
        print(f"| one process | {run(root / 'in', root / 'local')} |", flush=True)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        cluster.add_node(num_cpus=1)
        try:
            row = run(root / "in", root / "ray", "--engine", "ray", "--address", cluster.address)
        finally:
            cluster.shutdown()
        print(f"| Ray, two nodes | {row} |")
        names = sorted(path.name for path in (root / "local").iterdir())
        same = names == sorted(path.name for path in (root / "ray").iterdir()) and all(
            (root / "local" / name).read_bytes() == (root / "ray" / name).read_bytes() for name in names
        )
        print(f"{len(names)} files, bytes equal: {same}; first: {', '.join(islice(names, 2))}")


if __name__ == "__main__":
    main()
