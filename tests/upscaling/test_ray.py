"""``--engine ray`` on a cluster of two nodes in this machine: equal files, and deaths that cost nothing."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

import glyphsr
from glyphsr.errors import ConfigError
from glyphsr.upscaling import prefetch

ray = pytest.importorskip("ray")

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]  # Ray's own

NUM_PICTURES = 24
OPTIONS = {"guard": "off", "mode": "line", "device": "cpu"}


@pytest.fixture(autouse=True, scope="module")
def small_units():
    """Many units of few pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefetch, "CHUNK_PICTURES", 4)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pictures")
    for number in range(NUM_PICTURES):
        image = Image.new("RGB", (48, 16), (230, 230, 220))
        ImageDraw.Draw(image).text((2, 0), f"word{number}", (20, 20, 60), ImageFont.load_default(13))
        image.save(place / f"{number:05d}.bmp")
    (place / "broken.png").write_bytes(b"no picture")
    return place


@pytest.fixture(scope="module")
def alone(small_units, folder, tmp_path_factory):
    """What one process makes, with one thread like Ray's workers: their number can change the last bit, too."""
    out = tmp_path_factory.mktemp("alone")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    glyphsr.upscale_files(folder, out, **OPTIONS)
    torch.set_num_threads(threads)
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100 << 20})
    cluster.second = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def files(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


def once_some_are_written(out, do):
    """Do something while the run is busy, when the first files are there."""

    def watch():
        end = time.monotonic() + 600
        while time.monotonic() < end and len(list(out.glob("*.png"))) < 3:
            time.sleep(0.05)
        do()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def workers():
    """Processes that hold a model."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                title = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if title.startswith(b"ray::") and b"MapWorker" in title:
                found.append(int(entry.name))
    return found


def check(run, out, alone):
    assert files(out) == alone
    statuses = [picture.status for picture in run.pictures]
    assert statuses == ["done"] * NUM_PICTURES + ["failed"]
    assert [f"{Path(picture.input).stem}.png" for picture in run.pictures][:NUM_PICTURES] == sorted(alone)
    assert run.exit_code == 3
    assert "broken.png" in run.pictures[-1].error


def test_two_nodes_make_what_one_process_makes(cluster, folder, alone, tmp_path):
    out = tmp_path / "out"
    seen = []
    run = glyphsr.upscale_files(
        folder, out, engine="ray", address=cluster.address, progress=lambda p: seen.append(p.input), **OPTIONS
    )
    check(run, out, alone)
    assert sorted(seen) == sorted(picture.input for picture in run.pictures)

    again = glyphsr.upscale_files(folder, out, engine="ray", address=cluster.address, **OPTIONS)
    assert again.count("skipped") == NUM_PICTURES


@pytest.mark.parametrize("victim", ["worker", "node"])
def test_a_death_loses_and_doubles_nothing(cluster, folder, alone, tmp_path, victim):
    out = tmp_path / "out"
    out.mkdir()
    killed = []

    def kill():
        if victim == "node":
            killed.append(cluster.second)
            cluster.remove_node(cluster.second, allow_graceful=False)
            return
        for process in workers()[:1]:
            os.kill(process, signal.SIGKILL)
            killed.append(process)

    thread = once_some_are_written(out, kill)
    seen = []
    run = glyphsr.upscale_files(
        folder, out, engine="ray", address=cluster.address, progress=lambda p: seen.append(p.input), **OPTIONS
    )
    thread.join()
    assert killed
    check(run, out, alone)
    assert len(seen) == len(set(seen)) == NUM_PICTURES + 1


def test_no_cluster_at_the_address_is_one_line(folder, tmp_path):
    with pytest.raises(ConfigError, match=r"--address 127\.0\.0\.1:1"):
        glyphsr.upscale_files(folder, tmp_path / "out", engine="ray", address="127.0.0.1:1", **OPTIONS)


def test_stdin_stays_here(tmp_path):
    with pytest.raises(ConfigError, match="--engine ray"):
        glyphsr.upscale_files("-", tmp_path / "x.png", engine="ray")
