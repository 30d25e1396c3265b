import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from glyphsr.errors import ConfigError, WeightsError
from glyphsr.recognizers.crnn.network import CRNN
from glyphsr.weights import registry
from glyphsr.weights.convert import convert
from glyphsr.weights.download import fetch
from glyphsr.weights.hub import download, list_weights, resolve, verify
from glyphsr.weights.loading import load_recognizer
from glyphsr.weights.registry import Entry, entries

CONTENT = bytes(range(256)) * 9000  # over two chunks

OWN = ["compact", "crnn-synth", "moran-synth", "aster-synth", "crnn-light-synth", "ppocr-v6-small"]
"""Weights of the package."""


class Server:
    """A file on loopback whose transfers can be cut, and that remembers which ranges were asked for."""

    def __init__(self):
        self.content = CONTENT
        self.cut_after = None
        self.supports_ranges = True
        self.status = None
        self.ranges = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                outer.ranges.append(asked)
                if outer.status:
                    self.send_error(outer.status)
                    return
                first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and outer.supports_ranges else 0
                if first >= len(outer.content) and first:
                    self.send_error(416)
                    return
                body = outer.content[first:]
                self.send_response(206 if first else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: outer.cut_after])

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/weights.pt"

    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def rows(monkeypatch):
    """A registry that tests may add to."""
    copy = dict(entries())
    monkeypatch.setattr(registry, "entries", lambda: copy)
    monkeypatch.setattr("glyphsr.weights.hub.entries", lambda: copy)
    return copy


def test_a_file_is_fetched_once_and_told_of(server, tmp_path):
    seen = []
    target = tmp_path / "w.pt"
    fetch(server.url, target, sha256=server.sha256(), progress=lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    fetch(server.url, target, sha256=server.sha256()[:8])
    assert server.ranges == [None]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["w.pt"]


def test_a_wrong_hash_leaves_nothing(server, tmp_path):
    target = tmp_path / "w.pt"
    with pytest.raises(WeightsError, match=r"has SHA-256 .*expected 0000"):
        fetch(server.url, target, sha256="0" * 64)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_transfer_is_one_line_and_the_next_goes_on(server, tmp_path, ranges):
    target = tmp_path / "w.pt"
    server.cut_after = 1_500_000
    with pytest.raises(WeightsError, match=r"the transfer was cut\); \d+ bytes are kept"):
        fetch(server.url, target, sha256=server.sha256())
    assert not target.exists()
    kept = (tmp_path / "w.pt.part").stat().st_size
    assert 0 < kept < len(CONTENT)
    server.cut_after, server.supports_ranges = None, ranges
    fetch(server.url, target, sha256=server.sha256())
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={kept}-"]


def test_a_part_that_is_already_whole_is_checked_not_fetched(server, tmp_path):
    (tmp_path / "w.pt.part").write_bytes(CONTENT)
    fetch(server.url, tmp_path / "w.pt", sha256=server.sha256())
    assert (tmp_path / "w.pt").read_bytes() == CONTENT


def test_a_part_of_another_file_is_thrown_away_by_its_hash_and_then_fetched_anew(server, tmp_path):
    (tmp_path / "w.pt.part").write_bytes(b"x" * 1000)
    with pytest.raises(WeightsError, match="thrown away"):
        fetch(server.url, tmp_path / "w.pt", sha256=server.sha256())
    fetch(server.url, tmp_path / "w.pt", sha256=server.sha256())
    assert (tmp_path / "w.pt").read_bytes() == CONTENT


def test_refusals_and_dead_servers_are_one_line(server, tmp_path):
    server.status = 404
    with pytest.raises(WeightsError, match="the server answers 404"):
        fetch(server.url, tmp_path / "w.pt", sha256=None)
    with pytest.raises(WeightsError, match="no connection"):
        fetch("http://127.0.0.1:1/w.pt", tmp_path / "w.pt", sha256=None)


def test_pull_fetches_checks_converts_and_verify_notices_a_change(server, rows, tmp_path, cache):
    torch.manual_seed(0)
    torch.save(CRNN().state_dict(), tmp_path / "crnn.pt")
    server.content = (tmp_path / "crnn.pt").read_bytes()
    row = {"kind": "recognizer", "network": "crnn", "source": "download", "licence": "-", "about": "-"}
    rows["crnn-test"] = Entry(url=server.url, file="crnn.pt", sha256=server.sha256()[:8], **row)
    with pytest.raises(WeightsError, match="offline"):
        resolve("crnn-test", offline=True)
    path = resolve("crnn-test")
    assert path == cache / "crnn-test.safetensors" == download("crnn-test")
    assert len(server.ranges) == 1
    assert load_recognizer(path).config.kind == "crnn"
    assert {item.name: item.ok for item in verify()} == dict.fromkeys((*OWN, "crnn-test"), True)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    bad = verify(["crnn-test"])[0]
    assert not bad.ok
    assert "delete it and store it again" in bad.message


def test_a_segmenter_is_stored_as_it_is_published(server, rows, cache):
    rows["sam-test"] = Entry(
        kind="segmenter",
        network="sam",
        source="download",
        url=server.url,
        file="sam.pth",
        sha256=server.sha256(),
        licence="-",
        about="-",
    )
    path = download("sam-test")
    assert path == cache / "sam-test.pth"
    assert path.read_bytes() == CONTENT
    assert verify(["sam-test"])[0].ok
    with pytest.raises(ConfigError, match="used as it is published"):
        convert(path, "sam-test")


def test_every_row_says_where_its_weights_come_from():
    for row in list_weights():
        assert row.status == ("bundled" if row.entry.source == "bundled" else "not here")
        if row.entry.source == "download":
            assert row.entry.url.startswith("https://")
            assert row.entry.sha256
        if row.entry.source == "authors":
            assert row.entry.page.startswith("https://")
            assert row.entry.file
    assert verify() == verify(OWN)


@pytest.mark.parametrize("name", ["aster", "glyphsr", "telescope"])
def test_authors_weights_are_one_line_with_the_way(name):
    with pytest.raises(WeightsError, match=rf"{name}: .*the authors publish .* at https://.*--as {name}") as caught:
        resolve(name)
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="the authors publish"):
        download(name)
    assert caught.value.exit_code == 4


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(WeightsError, match="did you mean 'aster'"):
        resolve("astre")
    with pytest.raises(WeightsError, match="no weights here"):
        verify(["aster"])


def test_a_cache_that_cannot_be_made_is_one_line(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"cannot be made.*GLYPHSR_CACHE"):
        fetch(server.url, tmp_path / "file" / "w.pt", sha256=None)


def test_of_many_that_want_the_same_file_one_fetches_it_and_the_others_wait(server, rows, cache):
    rows["big"] = Entry(
        kind="segmenter",
        network="sam",
        source="download",
        url=server.url,
        file="weights.pt",
        sha256=server.sha256(),
        licence="MIT",
        about="Bytes.",
    )
    with ThreadPoolExecutor(8) as pool:  # each with a lock of its own, as processes have
        found = list(pool.map(lambda _: resolve("big"), range(8)))
    assert set(found) == {cache / "big.pth"}
    assert server.ranges == [None]
    assert found[0].read_bytes() == CONTENT
