"""``glyphsr upscale`` with inputs as people have them, reports that grow, and results of other settings."""

import io
import json
import re
import socket
import stat
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import requests
from PIL import Image
from typer.testing import CliRunner

from glyphsr.upscaling import remote_inputs
from glyphsr.upscaling.report_journal import ReportJournal
from glyphsr.upscaling.settings_mark import read_mark
from glyphsr_cli.app import app

from ..conftest import draw_word
from .conftest import load


@pytest.fixture
def run(tiny_weights, monkeypatch):
    monkeypatch.setenv("GLYPHSR_WEIGHTS", str(tiny_weights))
    monkeypatch.setenv("GLYPHSR_DEVICE", "cpu")
    monkeypatch.setenv("GLYPHSR_GUARD", "off")
    monkeypatch.setenv("GLYPHSR_MODE", "line")
    runner = CliRunner()
    return lambda *arguments, **options: runner.invoke(app, ["upscale", *map(str, arguments)], **options)


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for name in ("one", "two", "three"):
        Image.fromarray(draw_word(name, 16)).save(source / f"{name}.png")
    return source


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def by_name(found):
    return {row["input"].rpartition("/")[2]: row for row in found}


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "hocr"])
def test_a_resumed_run_has_a_whole_report(run, folder, tmp_path, suffix):
    report, out = tmp_path / f"r.{suffix}", tmp_path / "o"
    spare = tmp_path / "three.png"
    (folder / "three.png").rename(spare)
    assert run(folder, "-o", out, "--report", report).exit_code == 0
    spare.rename(folder / "three.png")
    result = run(folder, "-o", out, "--report", report)
    assert result.exit_code == 0
    assert result.stdout.split() == [str(out / "three.png")]
    grown = report if suffix == "jsonl" else report.with_name(report.name + ".jsonl")
    assert {name: row["status"] for name, row in by_name(rows(grown)).items()} == dict.fromkeys(
        ("one.png", "two.png", "three.png"), "done"
    )
    if suffix == "jsonl":
        assert [row["input"].rpartition("/")[2] for row in rows(report)] == ["one.png", "three.png", "two.png"]
    elif suffix == "json":
        document = json.loads(report.read_text())
        assert (document["done"], document["skipped"]) == (3, 0)
        assert all(row["mean_change"] is not None for row in document["pictures"])
    elif suffix == "csv":
        assert report.read_text().count(",done,") == 3
    else:
        assert report.read_text().count("ocr_page") == 4  # three, and the list of what there is


def test_rows_are_there_while_the_run_goes_on_and_a_torn_one_is_dropped(folder, tmp_path, run):
    report = tmp_path / "r.jsonl"
    assert run(folder, "-o", tmp_path / "o", "--report", report).exit_code == 0
    whole = report.read_bytes()
    report.write_bytes(whole + b'{"schema_version": 1, "inp')
    journal = ReportJournal(report, overwrite=False)
    assert report.read_bytes() == whole
    first = rows(report)[0]
    (tmp_path / "o" / "one.png").unlink()
    journal.close()
    assert run(folder, "-o", tmp_path / "o", "--report", report).exit_code == 0
    assert rows(report)[0] | {"seconds": 0} == first | {"seconds": 0}
    assert len(rows(report)) == 3


def test_a_file_that_is_no_report_is_left_alone(run, folder, tmp_path):
    report = tmp_path / "r.jsonl"
    report.write_text('{"mine": true}\n')
    refused = run(folder, "-o", tmp_path / "o", "--report", report)
    assert refused.exit_code == 2
    assert "is no report of upscale" in refused.stderr
    assert report.read_text() == '{"mine": true}\n'
    assert run(folder, "-o", tmp_path / "o", "--report", report, "--overwrite").exit_code == 0
    assert len(rows(report)) == 3


def test_results_of_other_settings_are_told_and_redone_alone(run, folder, tmp_path):
    out = tmp_path / "o"
    assert run(folder, "-o", out, "--strength", 0.3).exit_code == 0
    (out / "two.png").unlink()
    mixed = run(folder, "-o", out)
    assert "2 results were made with other settings" in mixed.stderr
    assert mixed.stdout.split() == [str(out / "two.png")]
    redone = run(folder, "-o", out, "--overwrite")
    assert sorted(redone.stdout.split()) == [str(out / "one.png"), str(out / "three.png")]
    assert len({read_mark(path) for path in out.iterdir()}) == 1
    assert run(folder, "-o", out, "--overwrite").stdout == ""
    assert "other settings" not in run(folder, "-o", out).stderr


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_every_format_carries_the_mark(run, folder, tmp_path, suffix):
    assert run(folder / "one.png", "-o", tmp_path / f"o.{suffix}").exit_code == 0
    assert len(read_mark(tmp_path / f"o.{suffix}")) == 12


def test_a_folder_says_once_what_it_left_out(run, folder, tmp_path):
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "one_x2.png").write_bytes((folder / "one.png").read_bytes())
    (folder / "deep").mkdir()
    said = run(folder, "-o", tmp_path / "o").stderr
    (line,) = [line for line in said.splitlines() if "left out" in line]
    for part in (
        "1 .txt (notes.txt)",
        "1 named like results of an earlier run (one_x2.png)",
        "1 folder, which --recursive",
    ):
        assert part in line
    assert "hidden" not in line


def test_pages_of_a_tiff_become_pictures_of_their_own(run, tmp_path):
    first, second = (Image.fromarray(draw_word(word, 16)) for word in ("one", "eleven"))
    first.save(tmp_path / "fax.tif", save_all=True, append_images=[second])
    result = run(tmp_path / "fax.tif", "--report", tmp_path / "r.jsonl")
    assert [line.rpartition("/")[2] for line in result.stdout.split()] == ["fax_p1_x2.png", "fax_p2_x2.png"]
    assert [row["page"] for row in rows(tmp_path / "r.jsonl")] == [1, 2]
    assert load(tmp_path / "fax_p2_x2.png").width == 2 * second.width
    assert run(tmp_path / "fax.tif", "--pages", 2, "-o", tmp_path / "o.png").exit_code == 0
    assert load(tmp_path / "o.png").width == 2 * second.width
    assert run(tmp_path / "fax.tif", "-o", tmp_path / "p.png").exit_code == 2
    assert run(tmp_path / "fax.tif", "--pages", 3).exit_code != 0


def test_a_pdf_is_read_page_by_page(run, tmp_path):
    pytest.importorskip("pypdfium2")
    page = Image.fromarray(draw_word("one", 16))
    page.save(tmp_path / "scan.pdf", resolution=100.0, save_all=True, append_images=[page] * 9)
    result = run(tmp_path / "scan.pdf", "--pages", "2,10", "-o", tmp_path / "o")
    assert result.exit_code == 0
    assert [line.rpartition("/")[2] for line in result.stdout.split()] == ["scan_p02.png", "scan_p10.png"]


@pytest.mark.parametrize("address", ["http://example.com/a.png", "ftp://example.com/a.png", "file:///etc/hosts"])
def test_addresses_other_than_https_are_refused(run, address):
    result = run(address)
    assert result.exit_code == 2
    assert f"{address}: expected an address that begins with https://" in result.stderr


def test_an_address_is_not_fetched_offline(run, tmp_path):
    result = run("https://example.invalid/a.png", "--offline", "-o", tmp_path / "o.png")
    assert result.exit_code == 4
    assert "--offline" in result.stderr


@pytest.fixture
def web(monkeypatch):
    """Pages of https://example.com by path, from a server of this machine; only names and certificates are not real."""
    pages, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, parts = pages[self.path.partition("?")[0]]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                for part in parts:
                    self.wfile.write(part)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    send, look_up = requests.Session.get, socket.getaddrinfo

    def get(session, address, **options):
        asked.append(address)
        return send(session, re.sub("https?://[^/]*", f"http://127.0.0.1:{server.server_port}", address), **options)

    def resolve(host, port, *more, **options):
        known = {"example.com": "93.184.215.14", "intranet.example.com": "10.1.2.3"}
        return look_up(known.get(host, host), port, *more, **options)

    monkeypatch.setattr("requests.Session.get", get)
    monkeypatch.setattr("socket.getaddrinfo", resolve)
    yield pages, asked
    server.shutdown()
    server.server_close()


ADDRESS = "https://example.com/a/sign%20board.png?w=2"


def test_a_picture_from_an_address_has_its_hash_in_the_report(run, folder, tmp_path, monkeypatch, web):
    content = (folder / "one.png").read_bytes()
    web[0]["/a/sign%20board.png"] = (302, {"Location": "../b"}, [])
    web[0]["/b"] = (200, {}, [content])
    monkeypatch.chdir(tmp_path)
    result = run(ADDRESS, "--report", tmp_path / "r.jsonl")
    assert result.stdout.strip() == "sign board_x2.png"
    (row,) = rows(tmp_path / "r.jsonl")
    assert (row["input"], len(row["sha256"])) == (ADDRESS, 64)
    monkeypatch.setenv("GLYPHSR_MAX_PICTURE_BYTES", "100")
    assert "GLYPHSR_MAX_PICTURE_BYTES" in run(ADDRESS, "-o", tmp_path / "p.png").stderr


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("http://example.com/b", "leads to an address that is not https"),
        ("file:///etc/hosts", "leads to an address that is not https"),
        ("https://127.0.0.1/b", "inside this network, 127.0.0.1"),
        ("https://[::1]/b", "inside this network, ::1"),
        ("https://169.254.169.254/b", "inside this network, 169.254.169.254"),
        ("https://intranet.example.com/b", "inside this network, intranet.example.com"),
        ("https://[b", "cannot be fetched"),
        ("/a/sign%20board.png", "more than 5 redirects"),
    ],
)
def test_a_redirect_that_may_not_be_followed_is_not(run, folder, tmp_path, web, there, said):
    pages, asked = web
    pages["/a/sign%20board.png"] = (302, {"Location": there}, [])
    pages["/b"] = (200, {}, [(folder / "one.png").read_bytes()])
    result = run(ADDRESS, "-o", tmp_path / "p.png")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert said in result.stderr
    assert {address.split("?")[0] for address in asked} == {ADDRESS.split("?")[0]}


def test_an_answer_without_end_is_given_up(run, tmp_path, monkeypatch, web):
    def drops():
        for _ in range(200):
            time.sleep(0.05)
            yield b"x"

    web[0]["/a/sign%20board.png"] = (200, {"Content-Length": "100000"}, drops())
    monkeypatch.setattr(remote_inputs, "IN_ALL_S", 1)
    started = time.monotonic()
    assert "not all there after 1 s" in run(ADDRESS, "-o", tmp_path / "p.png").stderr
    assert time.monotonic() - started < 8
    web[0]["/a/sign%20board.png"] = (302, {"Location": "/b"}, (b"x" * 10_000 for _ in range(1 << 30)))
    web[0]["/b"] = (404, {}, [])
    assert "404" in run(ADDRESS, "-o", tmp_path / "p.png").stderr  # the body of the redirect is not waited for


@pytest.mark.process
def test_the_clipboard(run, folder, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "xclip"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat '{folder / 'one.png'}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run("--clipboard").stdout.strip() == "clipboard_x2.png"
    monkeypatch.setattr("PIL.ImageGrab.grabclipboard", lambda: None)
    assert "holds no picture" in run("--clipboard", "-o", "x.png").stderr


def test_a_picture_too_large_is_told_what_would_do(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_MAX_PICTURE_PIXELS", "30000")
    Image.new("L", (200, 60)).save(tmp_path / "a.png")
    result = run(tmp_path / "a.png")
    assert "--scale 1.41" in result.stderr
    assert run(tmp_path / "a.png", "--scale", 1.41).exit_code == 0


def test_missing_files_are_missing_data(run, tmp_path):
    assert run(tmp_path / "no.png").exit_code == 4
    assert run(tmp_path / "no*.png").exit_code == 4


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--guard", "off", "--guard-reader", "rapidocr"), "--guard-reader rapidocr: not used"),
        (("--ext", "tiff"), "--ext tiff: not used"),
        (("--ext", "PNG"), None),
    ],
)
def test_options_that_change_nothing_are_told(run, folder, tmp_path, flags, said):
    result = run(next(folder.glob("*.png")), "-o", tmp_path / "o.png", *flags)
    assert result.exit_code == 0, result.stderr
    assert (said in result.stderr) if said else ("not used" not in result.stderr)


def test_text_in_the_transparency_is_upscaled_like_text_on_white(run, tmp_path):
    word = draw_word("Hotel", 20)
    ink = 255 - word.mean(axis=2).astype(np.uint8)
    Image.fromarray(np.dstack([np.zeros_like(word), ink])).save(tmp_path / "clear.png")
    Image.fromarray(np.repeat(255 - ink[..., None], 3, axis=2)).save(tmp_path / "white.png")
    assert run(tmp_path / "clear.png", tmp_path / "white.png", "-o", tmp_path / "o").exit_code == 0
    clear, white = (load(tmp_path / "o" / name) for name in ("clear.png", "white.png"))
    alpha = np.asarray(clear)[..., 3].astype(int)
    assert clear.mode == "RGBA"
    assert np.abs(255 - alpha - np.asarray(white.convert("L")).astype(int)).mean() < 4


def test_the_reason_of_a_failed_fetch_is_one_line():
    inner = ValueError("certificate expired")
    assert remote_inputs._reason(OSError(inner)) == "certificate expired"


def test_quiet_prints_errors_alone(run, folder, tmp_path):
    result = run(folder, "-o", tmp_path / "o", "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    picture = run(folder / "one.png", "-o", "-", "-q")
    assert Image.open(io.BytesIO(picture.stdout_bytes)).format == "PNG"
