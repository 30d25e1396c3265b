import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from glyphsr.config.data import DataConfig, LmdbSource
from glyphsr.config.degradation import LEVELS, DegradationConfig
from glyphsr.config.rendering import BUILTIN_FONT, RenderConfig
from glyphsr.config.synth import SynthConfig
from glyphsr.config.training import TrainConfig
from glyphsr.data.glyph_lmdb import GlyphLmdb
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.sources import open_sources
from glyphsr.dataset_tools.degradation_sheet import view_degradation
from glyphsr.dataset_tools.inspection import verify
from glyphsr.dataset_tools.synthesize import FEW_WORDS, NOTE, synthesize
from glyphsr.errors import ConfigError, DataError, GlyphSRError
from glyphsr.training.glyph_supervision import mask_attacher

from ..conftest import draw_word

SMALL = RenderConfig(height=16, fonts=(BUILTIN_FONT,))


def config(count=20, **changes):
    return SynthConfig(**({"count": count, "seed": 3, "glyphs": True, "render": SMALL} | changes))


def content(path):
    """Every key and value."""
    pairs = PairedLmdb(Path(path))
    total = len(pairs)
    names = ("image_hr", "image_lr", "label", "font", "glyph_line", "glyph_chars", "glyph_meta")
    keys = [f"{name}-{i:09d}" for i in range(1, total + 1) for name in names] + ["num-samples", NOTE, "manifest"]
    return {key: pairs.get(key) for key in keys}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("synth") / "words"
    return synthesize(out, config=config())


def test_pairs_are_whole_and_masks_fit_them(made):
    assert made.samples == made.made == 20
    assert verify(made.path) == (20, [])
    pairs, glyphs = PairedLmdb(made.path), GlyphLmdb(made.glyphs)
    assert len(pairs) == len(glyphs) == 20
    for i in range(20):
        sample, found = pairs[i], glyphs[i]
        assert sample.hr.shape[0] == 16
        assert sample.lr.shape == (8, sample.hr.shape[1] // 2, 3)
        assert found.text == "".join(sample.label.split())
        assert found.chars.shape == (len(found.text), *sample.hr.shape[:2])
        assert np.array_equal(found.line, found.chars.any(axis=0))
        assert (found.quality, found.rejected) == (1.0, None)
        middles = [record.points[0][0] for record in found.glyphs]
        if len(middles) > 2:
            assert np.corrcoef(middles, range(len(middles)))[0, 1] > 0.9
    assert glyphs.manifest()["segmenter"]["name"] == "rendered"
    assert verify(made.glyphs) == (20, [])


def test_training_takes_them_with_their_masks(made):
    settings = TrainConfig(data=DataConfig(sources=(LmdbSource(path=str(made.path)),), held_out=0.0))
    notes = []
    (source,) = open_sources(settings.data, held_out=False, attach_masks=mask_attacher(settings, notes.append))
    for i in range(20):
        sample = source.collection[i]
        assert len(sample.chars) == len("".join(sample.label.split())) > 0
    assert notes == []


def test_one_process_and_four_give_identical_data(tmp_path):
    count = FEW_WORDS + 70
    for workers in (1, 4):
        synthesize(tmp_path / f"by{workers}", config=config(count, workers=workers))
    assert content(tmp_path / "by1") == content(tmp_path / "by4")
    one, four = (content(tmp_path / f"by{workers}-glyphs") for workers in (1, 4))
    manifests = [json.loads(found.pop("manifest")) for found in (one, four)]
    assert one == four
    assert [manifest["source"].pop("name") for manifest in manifests] == ["by1", "by4"]
    assert manifests[0] == manifests[1]


def test_other_seeds_give_other_words_and_more_words_the_same_beginning(made, tmp_path):
    other = synthesize(tmp_path / "other", config=config(seed=4))
    more = synthesize(tmp_path / "more", config=config(25, glyphs=False))
    labels = [[PairedLmdb(result.path)[i].label for i in range(20)] for result in (made, other, more)]
    assert labels[0] == labels[2] != labels[1]
    assert more.glyphs is None
    assert not (tmp_path / "more-glyphs").exists()


class StopError(Exception):
    pass


def stop_at(number):
    def progress(done, total):
        if done >= number:
            raise StopError

    return progress


@pytest.mark.parametrize("again", [1, 2])
def test_an_interrupted_run_goes_on_and_ends_as_one_that_was_not(tmp_path, again):
    whole = synthesize(tmp_path / "whole", config=config(300))
    for _ in range(again):
        with pytest.raises(StopError):
            synthesize(tmp_path / "cut", config=config(300), progress=stop_at(128))
        assert not (tmp_path / "cut").exists()
    result = synthesize(tmp_path / "cut", config=config(300))
    assert result.made == 300 - 128
    assert content(result.path) == content(whole.path)
    theirs, ours = content(whole.glyphs), content(result.glyphs)
    assert {k: v for k, v in theirs.items() if k != "manifest"} == {k: v for k, v in ours.items() if k != "manifest"}


def test_settings_that_change_begin_anew(tmp_path):
    with pytest.raises(StopError):
        synthesize(tmp_path / "cut", config=config(300), progress=stop_at(128))
    result = synthesize(tmp_path / "cut", config=config(300, seed=9))
    assert result.made == 300


def test_a_kill_between_both_names_costs_nothing(tmp_path):
    """The pairs are complete, their masks are still called partial."""
    whole = synthesize(tmp_path / "whole", config=config(70))
    cut = synthesize(tmp_path / "cut", config=config(70))
    partial = cut.glyphs.with_name("cut-glyphs.partial")
    cut.glyphs.rename(partial)
    note = PairedLmdb(cut.path).get(NOTE)
    import hashlib

    (partial / ".unfinished").write_text(hashlib.sha256(note).hexdigest())
    result = synthesize(tmp_path / "cut", config=config(70))
    assert (result.made, result.glyphs.is_dir(), partial.exists()) == (0, True, False)
    ours, theirs = content(result.glyphs), content(whole.glyphs)
    assert {k: v for k, v in ours.items() if k != "manifest"} == {k: v for k, v in theirs.items() if k != "manifest"}
    assert GlyphLmdb(result.glyphs).manifest()["source"]["samples"] == 70


def test_masks_can_be_added_to_a_set_that_has_none(tmp_path):
    plain = synthesize(tmp_path / "set", config=config(glyphs=False))
    before = content(plain.path)
    result = synthesize(tmp_path / "set", config=config())
    assert content(plain.path) == before
    assert len(GlyphLmdb(result.glyphs)) == 20
    with pytest.raises(ConfigError, match="set: exists already; --overwrite replaces it"):
        synthesize(tmp_path / "set", config=config())


def test_nothing_is_replaced_unasked(made, tmp_path):
    with pytest.raises(ConfigError, match="exists already; --overwrite replaces it"):
        synthesize(made.path, config=config())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="is no LMDB; nothing is replaced"):
        synthesize(tmp_path / "mine", config=config(), overwrite=True)
    synthesize(tmp_path / "set", config=config(glyphs=False))
    with pytest.raises(ConfigError, match="exists already"):
        synthesize(tmp_path / "set", config=config(seed=8))
    assert synthesize(tmp_path / "set", config=config(seed=8), overwrite=True).made == 20


def test_places_that_cannot_be_are_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be made"):
        synthesize(tmp_path / "file" / "set", config=config())
    with pytest.raises(ConfigError, match="expected the name of a folder"):
        synthesize("", config=config())
    with pytest.raises(DataError, match="no such font"):
        synthesize(tmp_path / "set", config=config(render=RenderConfig(fonts=("nowhere",))))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_a_worker_that_cannot_go_on_says_why(tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / "bad.png").write_bytes(b"no picture")
    render = SMALL.model_copy(update={"backgrounds": str(photographs), "background_prob": 0.01})
    with pytest.raises(DataError, match=r"bad\.png: not a readable picture"):
        synthesize(tmp_path / "set", config=config(FEW_WORDS + 200, render=render, workers=2))


@pytest.mark.process
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(tmp_path):
    code = (
        "import resource, sys\n"
        "from tests.dataset_tools.test_synthesize import config\n"
        "from glyphsr.dataset_tools.synthesize import synthesize\n"
        "from glyphsr.errors import GlyphSRError\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "try:\n"
        f"    synthesize({str(tmp_path / 'set')!r}, config=config(400))\n"
        "except GlyphSRError as error:\n"
        "    print(error)\n"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert "cannot be written" in done.stdout, done.stderr
    assert "the same command continues" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert synthesize(tmp_path / "set", config=config(400)).samples == 400


def test_one_command_at_a_time_writes_a_set(tmp_path):
    seen = []

    def second(done, total):
        if done >= 64 and not seen:
            with pytest.raises(ConfigError, match=r"set\.partial: another command is writing there"):
                synthesize(tmp_path / "set", config=config(100, glyphs=False))
            with pytest.raises(ConfigError, match="another command is writing there"):  # nor is it started over
                synthesize(tmp_path / "set", config=config(100, seed=8, glyphs=False))
            seen.append(done)

    assert synthesize(tmp_path / "set", config=config(100, glyphs=False), progress=second).samples == 100
    assert seen


def test_no_set_is_made_inside_another(made):
    with pytest.raises(ConfigError, match="lies in the LMDB"):
        synthesize(made.path / "inner", config=config())


def test_masks_of_words_that_are_replaced_are_named(tmp_path):
    synthesize(tmp_path / "set", config=config())
    notes = []
    synthesize(tmp_path / "set", config=config(seed=9, glyphs=False), overwrite=True, notify=notes.append)
    assert "set-glyphs: holds masks of the words that are replaced" in notes[0]
    with pytest.raises(DataError, match="holds glyph masks, no pairs"):
        view_degradation(str(tmp_path / "set-glyphs"))


@pytest.mark.process
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_processes_and_the_same_command_goes_on(tmp_path, sign):
    # A test run in the background of a script ignores Ctrl-C, and its children would inherit that.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from glyphsr_cli.app import main; main()"
    command = [sys.executable, "-c", code, "data", "synth", "-o", str(tmp_path / "set"), "--count", "100000"]
    command += ["--fonts", "builtin", "--height", "16", "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    partial = tmp_path / "set.partial" / "data.mdb"
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and (not partial.exists() or partial.stat().st_size < 1_000_000):
        time.sleep(0.2)
    process.send_signal(sign)
    stdout, stderr = process.communicate(timeout=300)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert stderr.strip().splitlines()[-1].startswith("interrupted; what was written is complete"), stderr
    assert "Traceback" not in stderr
    assert int(PairedLmdb(partial.parent).get("num-samples")) > 0


def test_levels_are_what_their_names_say(tmp_path):
    def error(level):
        degradation = DegradationConfig(difficulty=LEVELS[level], mild_prob=0.0)
        result = synthesize(tmp_path / level, config=config(40, glyphs=False, degradation=degradation))
        pairs = PairedLmdb(result.path)
        found = []
        for i in range(40):
            sample = pairs[i]
            mean = sample.hr.reshape(8, 2, -1, 2, 3).mean(axis=(1, 3))
            found.append(np.abs(mean - sample.lr).mean())
        return np.mean(found)

    errors = [error(level) for level in ("easy", "medium", "hard")]
    assert errors == sorted(errors)


def test_a_sheet_shows_words_and_what_becomes_of_them(tmp_path, tiny_lmdb):
    sheet = view_degradation(str(tiny_lmdb), words=3, difficulties=(0.0, 1.0))
    assert sheet.shape[2] == 3
    wider = view_degradation(str(tiny_lmdb), words=3, difficulties=(0.0, 0.5, 1.0))
    assert wider.shape[0] == sheet.shape[0]
    assert wider.shape[1] > sheet.shape[1]
    assert np.array_equal(view_degradation(config=config(), words=2), view_degradation(config=config(), words=2))
    from PIL import Image

    Image.fromarray(draw_word("Picture")).save(tmp_path / "p.png")
    assert view_degradation(str(tmp_path / "p.png")).shape[0] < sheet.shape[0]
    with pytest.raises(ConfigError, match="numbers from 0 to 1, got 2"):
        view_degradation(config=config(), difficulties=(2.0,))
    with pytest.raises(DataError, match="no LMDB here"):
        view_degradation(str(tmp_path / "none"), config=config())
    (tmp_path / "no.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"no\.png: not a readable picture"):
        view_degradation(str(tmp_path / "no.png"))


def test_a_dead_worker_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("glyphsr.dataset_tools.synthesize.make_chunk", _die)
    with pytest.raises(GlyphSRError, match="a worker process died"):
        synthesize(tmp_path / "set", config=config(FEW_WORDS + 100, workers=2))


def _die(numbers):
    import os

    os._exit(9)
