import json
import shutil
from pathlib import Path

import lmdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from glyphsr.data.label_files import FILE_NAMES, FORMATS, Labelled, read_labels, write_labels
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.lmdb_writer import LmdbWriter, encode_png, write_pairs
from glyphsr.errors import ConfigError, DataError
from glyphsr.pipelines.data_export import export
from glyphsr.pipelines.data_inspection import inspect, verify
from glyphsr.pipelines.data_making import make

from ..conftest import draw_word

SCRIPTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=12
).filter(lambda text: text.strip())
NAMES = st.text(st.sampled_from("abcXYZ019_-äЖ字é. "), min_size=1, max_size=10).filter(
    lambda name: name.strip(". ") == name and name.casefold() not in ("nul",)
)
ITEMS = st.lists(
    st.tuples(NAMES, SCRIPTS, st.integers(2, 40), st.integers(2, 60), st.sampled_from([".png", ".jpg", ".webp"])),
    min_size=1,
    max_size=5,
    unique_by=lambda item: item[0].casefold(),
)
WITH_FILE = [form for form in FORMATS if form != "filename"]


def save(path, height, width, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=ITEMS, form=st.sampled_from(WITH_FILE), nested=st.booleans())
def test_folder_to_lmdb_to_folder_is_byte_identical(items, form, nested, tmp_path_factory):
    tmp = tmp_path_factory.mktemp("round")
    rows = []
    for seed, (name, label, height, width, ending) in enumerate(items):
        relative = f"{'sub dir/' if nested else ''}{name}{ending}"
        save(tmp / "in/hr" / relative, height, width, seed)
        save(tmp / "in/lr" / relative, height // 2 + 1, width // 2 + 1, seed + 99)
        rows.append(Labelled(f"hr/{relative}", label))
    (tmp / "in" / FILE_NAMES[form]).write_bytes(write_labels(rows, form))
    made = make(tmp / "in", tmp / "set")
    assert (made.samples, made.bad) == (len(items), ())
    out = export(tmp / "set", tmp / "out", form=form)
    assert out.samples == len(items)
    for side in ("hr", "lr"):
        before = {
            p.relative_to(tmp / "in").as_posix(): p.read_bytes()
            for p in (tmp / "in" / side).rglob("*.*")
            if p.is_file()
        }
        after = {
            p.relative_to(tmp / "out").as_posix(): p.read_bytes()
            for p in (tmp / "out" / side).rglob("*.*")
            if p.is_file()
        }
        assert before == after
    assert read_labels(tmp / "out" / FILE_NAMES[form], form) == rows
    pairs = PairedLmdb(tmp / "set")
    assert [pairs[i].label for i in range(len(pairs))] == [label for _, label, *_ in items]


@given(rows=st.lists(st.tuples(SCRIPTS, SCRIPTS), max_size=6), form=st.sampled_from(WITH_FILE))
def test_label_files_give_back_what_was_written(rows, form, tmp_path_factory):
    labelled = [Labelled(f"{i}/{name}.png", text) for i, (name, text) in enumerate(rows)]
    path = tmp_path_factory.mktemp("labels") / "file"
    path.write_bytes(write_labels(labelled, form))
    assert read_labels(path, form) == labelled


def test_forms_that_cannot_hold_a_label_say_which_can():
    with pytest.raises(ConfigError, match="use --format mmocr"):
        write_labels([Labelled("a.png", "two\nlines")], "paddleocr")
    for form in ("mmocr", "doctr", "csv", "annotations"):
        assert write_labels([Labelled("a.png", "two\nlines")], form)


FOREIGN = {
    "labels.txt": ("a.png\tHello, world\nb.png\t 42 \n", [("a.png", "Hello, world"), ("b.png", " 42 ")]),
    "gt.txt": ('{"filename": "a.png", "text": "x"}\n', [("a.png", "x")]),
    "labels.jsonl": ('{"img_path": "a.png", "words": "x"}\n\n', [("a.png", "x")]),
    "labels.json": ('{"a.png": "x"}', [("a.png", "x")]),
    "annotations.json": ('[{"file": "a.png", "label": "x"}]', [("a.png", "x")]),
    "labels.csv": ('\ufeffImage,Text\na.png,"x, y"\n', [("a.png", "x, y")]),
    "plain.csv": ("a.png,x\n", [("a.png", "x")]),
    "windows.txt": ("a.png\tx\r\n", [("a.png", "x")]),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_tools_files_are_understood(name, tmp_path):
    content, expected = FOREIGN[name]
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    assert [(row.path, row.text) for row in read_labels(tmp_path / name)] == expected


WRONG = {
    "labels.txt": (b"a.png Hello\n", "labels.txt:1: expected path<TAB>text"),
    "labels.jsonl": (b'{"filename": "a"}\n', r"labels.jsonl:1: expected one of label, text"),
    "bad.jsonl": (b"{oops\n", "bad.jsonl:1: not JSON"),
    "list.jsonl": (b"[1]\n", "expected an object"),
    "labels.json": (b'{"a": 1}', "expected {"),
    "annotations.json": (b"[1]", "expected \\[{"),
    "labels.csv": (b"file,label\na.png\n", "record 1: expected a path and a text"),
    "latin.txt": (b"a.png\tcaf\xe9\n", "not UTF-8 at byte 9"),
    "labels.xml": (b"<a/>", "expected a label file ending"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_label_file_is_named_with_its_line(name, tmp_path):
    content, message = WRONG[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_labels(tmp_path / name)
    with pytest.raises(DataError, match="no such label file"):
        read_labels(tmp_path / "none.txt")


@pytest.fixture
def pictures(tmp_path):
    """Four HR words whose names carry their texts."""
    folder = tmp_path / "words"
    folder.mkdir()
    for i, text in enumerate(["OPEN", "Hotel", "42", "exit"]):
        Image.fromarray(draw_word(text, 40)).save(folder / f"{text}_{i}.png")
    return folder


def test_names_can_be_labels_and_a_missing_lr_side_is_made(pictures, tmp_path):
    make(pictures, tmp_path / "set", seed=3)
    pairs = PairedLmdb(tmp_path / "set")
    assert sorted(pairs[i].label for i in range(4)) == ["42", "Hotel", "OPEN", "exit"]
    assert {pairs[i].lr.shape[0] for i in range(4)} == {16}
    make(pictures, tmp_path / "again", seed=3)
    make(pictures, tmp_path / "other", seed=4)
    again, other = PairedLmdb(tmp_path / "again"), PairedLmdb(tmp_path / "other")
    assert all(pairs.raw(i).lr == again.raw(i).lr for i in range(4))
    assert any(pairs.raw(i).lr != other.raw(i).lr for i in range(4))


def test_broken_pictures_are_left_out_and_named(pictures, tmp_path):
    (pictures / "bad_9.png").write_bytes(b"no picture")
    (pictures / "labels.txt").write_text(
        "OPEN_0.png\tOPEN\nbad_9.png\tbad\nHotel_1.png\t\nnone.png\tx\n42_2.png\t42\n", encoding="utf-8"
    )
    made = make(pictures, tmp_path / "set")
    assert made.samples == 2
    problems = " ".join(item.problem for item in made.bad)
    assert "bad_9.png: not a readable picture" in problems
    assert "Hotel_1.png: no text for it" in problems
    assert "none.png: No such file" in problems
    (pictures / "labels.txt").write_text("bad_9.png\tx\n")
    with pytest.raises(DataError, match="none of 1 pictures can be used"):
        make(pictures, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_pairs_match_by_name_whatever_the_ending(pictures, tmp_path):
    lr = tmp_path / "low"
    lr.mkdir()
    for path in sorted(pictures.iterdir())[:3]:
        Image.open(path).resize((20, 8)).save(lr / f"{path.stem}.jpg")
    made = make(None, tmp_path / "set", hr=pictures, lr=lr)
    assert made.samples == 3
    assert "no LR picture of this name" in made.bad[0].problem
    assert PairedLmdb(tmp_path / "set")[0].lr.shape == (8, 20, 3)


def test_an_interrupted_make_goes_on_and_gives_the_same_set(pictures, tmp_path, monkeypatch):
    whole = make(pictures, tmp_path / "whole")
    monkeypatch.setattr(LmdbWriter, "COMMIT_EVERY", 1)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(pictures, tmp_path / "set", progress=stop)
    assert not (tmp_path / "set").exists()
    resumed = make(pictures, tmp_path / "set")
    assert (resumed.samples, resumed.resumed_at, whole.resumed_at) == (4, 2, 0)
    a, b = PairedLmdb(tmp_path / "whole"), PairedLmdb(tmp_path / "set")
    assert [a.raw(i) for i in range(4)] == [b.raw(i) for i in range(4)]
    assert not (tmp_path / "set.partial").exists()


def test_an_unfinished_set_of_another_source_is_started_anew(pictures, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(pictures, tmp_path / "set", progress=stop)
    (pictures / "42_2.png").unlink()
    assert make(pictures, tmp_path / "set").resumed_at == 0
    assert len(PairedLmdb(tmp_path / "set")) == 3


def test_the_map_grows_as_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("glyphsr.data.lmdb_writer.FIRST_MAP_SIZE", 1 << 16)
    noise = np.random.default_rng(0).integers(0, 255, (100, 200, 3), dtype=np.uint8)
    encoded = encode_png(noise)
    with LmdbWriter(tmp_path / "set") as writer:
        for i in range(20):
            writer.add(hr=encoded, lr=encoded, label=str(i))
    assert len(encoded) * 40 > 1 << 16
    assert PairedLmdb(tmp_path / "set")[19].label == "19"


def test_nothing_is_replaced_unasked(pictures, tmp_path, words):
    make(pictures, tmp_path / "set")
    with pytest.raises(ConfigError, match="--overwrite"):
        make(pictures, tmp_path / "set")
    before = PairedLmdb(tmp_path / "set")[0].label
    write_pairs(tmp_path / "set", words[1:2], overwrite=True)
    assert (before, PairedLmdb(tmp_path / "set")[0].label) == ("42", "Hotel")  # the reader sees the new file
    with pytest.raises(ConfigError, match="is no LMDB"):
        make(pictures, pictures, overwrite=True)
    export(tmp_path / "set", tmp_path / "out")
    with pytest.raises(ConfigError, match="--overwrite"):
        export(tmp_path / "set", tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match=r"mine\.txt"):
        export(tmp_path / "set", tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"
    with pytest.raises(ConfigError, match="not made by export"):
        export(tmp_path / "set", pictures, overwrite=True)


@pytest.mark.parametrize(
    "arguments",
    [
        {"source": None},
        {"source": "x", "hr": "x"},
        {"source": "x", "lr": "x"},
    ],
)
def test_arguments_that_do_not_fit_together(arguments, pictures, tmp_path):
    given = {key: pictures if value == "x" else value for key, value in arguments.items()}
    with pytest.raises(ConfigError):
        make(given.pop("source"), tmp_path / "set", **given)
    with pytest.raises(DataError, match="no such folder"):
        make(tmp_path / "nowhere", tmp_path / "set")


def test_stored_names_never_lead_out_of_the_folder(tmp_path, words):
    png = encode_png(words[0].hr)
    evil = [b"../../evil.png", b"/abs.png", b"a/../../b.png", b"", b"nul\0.png", b"same.png", b"SAME.png"]
    with LmdbWriter(tmp_path / "set") as writer:
        for name in evil:
            writer.add(hr=png, lr=png, label="x", extra={"file_hr": name, "file_lr": name})
    export(tmp_path / "set", tmp_path / "deep" / "out")
    names = sorted(
        p.relative_to(tmp_path / "deep" / "out").as_posix() for p in (tmp_path / "deep" / "out").rglob("*.png")
    )
    numbered = [f"{n:09d}.png" for n in (1, 2, 3, 4, 5, 7)]
    assert names == sorted(f"{side}/{name}" for side in ("hr", "lr") for name in [*numbered, "same.png"])
    assert not (tmp_path / "evil.png").exists()


def change(path, changes):
    with lmdb.open(str(path), map_size=1 << 24) as env, env.begin(write=True) as transaction:
        for key, value in changes.items():
            if value is None:
                transaction.delete(key)
            else:
                transaction.put(key, value)


def test_verify_names_every_broken_sample_and_everything_wrong_with_it(tiny_lmdb, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "set")
    assert verify(tmp_path / "set") == (4, [])
    shutil.copytree(tiny_lmdb, tmp_path / "broken")
    change(
        tmp_path / "broken",
        {
            b"image_hr-000000001": b"xx",
            b"label-000000001": b"\xff",
            b"image_lr-000000002": None,
            b"label-000000003": b"",
            b"label-000000005": b"more",
        },
    )
    total, bad = verify(tmp_path / "broken")
    assert total == 4
    assert [item.id[-1] for item in bad] == ["1", "1", "2", "3", "5"]
    assert [
        word in item.problem
        for item, word in zip(
            bad,
            ["readable", "UTF-8", "no 'image_lr", "empty", "num-samples says 4, but the last sample is 5"],
            strict=True,
        )
    ] == [True] * 5


def test_inspect_counts_and_draws(tiny_lmdb):
    found, sheet = inspect(tiny_lmdb, sheet=3)
    assert (found.samples, found.label_length.largest, found.hr_height.median) == (4, 8, 32)
    assert found.encodings == {"hr png": 4, "lr png": 4}
    assert found.alphabet["4"] == 1
    assert sheet.ndim == 3
    assert sheet.std() > 10
    json.dumps(found.as_dict())


def test_paths_that_are_no_lmdb_say_what_to_give(tiny_lmdb, tmp_path):
    with pytest.raises(DataError, match="give the folder that holds it"):
        len(PairedLmdb(tiny_lmdb / "data.mdb"))
    (tmp_path / "train.mdb").write_bytes((tiny_lmdb / "data.mdb").read_bytes())
    with pytest.raises(DataError, match="an LMDB is a folder"):
        len(PairedLmdb(tmp_path / "train.mdb"))
    with pytest.raises(DataError, match=r"no data\.mdb"):
        len(PairedLmdb(tmp_path / "nowhere"))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_truncated_file_is_an_error_not_a_crash(tmp_path, words, share):
    write_pairs(tmp_path / "set", words * 10)
    file = tmp_path / "set" / "data.mdb"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"cut off|cannot open"):
        len(PairedLmdb(tmp_path / "set"))


def test_num_samples_must_be_a_number(tiny_lmdb, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "set")
    change(tmp_path / "set", {b"num-samples": b"four"})
    with pytest.raises(DataError, match="expected a whole number, got b'four'"):
        len(PairedLmdb(tmp_path / "set"))


def test_export_replaces_only_what_an_export_wrote(pictures, tmp_path):
    make(pictures, tmp_path / "set")
    mine = tmp_path / "mine"
    (mine / "hr" / "orig").mkdir(parents=True)
    (mine / "hr" / "orig" / "master.psd").write_bytes(b"precious")
    with pytest.raises(ConfigError, match="not made by export"):
        export(tmp_path / "set", mine, overwrite=True)
    assert (mine / "hr" / "orig" / "master.psd").read_bytes() == b"precious"
    export(tmp_path / "set", tmp_path / "out")
    before = sorted(tmp_path.joinpath("out").rglob("*"))
    (tmp_path / "out" / "hr" / "notes.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"holds hr/notes\.txt"):
        export(tmp_path / "set", tmp_path / "out", overwrite=True)
    assert sorted(tmp_path.joinpath("out").rglob("*")) == sorted([*before, tmp_path / "out" / "hr" / "notes.txt"])
    (tmp_path / "out" / "hr" / "notes.txt").unlink()
    assert export(tmp_path / "set", tmp_path / "out", form="csv", overwrite=True).samples == 4
    assert not (tmp_path / "out" / "labels.txt").exists()
    assert not (tmp_path / "out.old").exists()


def test_an_unfinished_export_of_another_set_is_thrown_away(pictures, tmp_path):
    make(pictures, tmp_path / "four")
    (pictures / "42_2.png").unlink()
    make(pictures, tmp_path / "three")

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(tmp_path / "four", tmp_path / "out", progress=stop)
    assert export(tmp_path / "three", tmp_path / "out").samples == 3
    assert len(list((tmp_path / "out" / "hr").iterdir())) == 3
    (tmp_path / "new.partial").mkdir()
    with pytest.raises(ConfigError, match="in the way"):
        export(tmp_path / "three", tmp_path / "new")


def test_numbers_never_replace_a_picture_of_that_name(tmp_path):
    a, b, c = (encode_png(np.full((4, 4, 3), value, np.uint8)) for value in (1, 2, 3))
    with LmdbWriter(tmp_path / "set") as writer:
        for picture, name in ((a, b"000000003.png"), (b, b"a.png"), (c, b"a.png"), (a, b"x.png"), (b, b"x.png/y.png")):
            writer.add(hr=picture, lr=picture, label="x", extra={"file_hr": name, "file_lr": name})
    export(tmp_path / "set", tmp_path / "out")
    names = [row.path for row in read_labels(tmp_path / "out" / "labels.txt")]
    assert names == ["hr/000000003.png", "hr/a.png", "hr/000000003-2.png", "hr/x.png", "hr/000000005.png"]
    assert [(tmp_path / "out" / name).read_bytes() for name in names] == [a, b, c, a, b]


def test_an_lmdb_with_something_beside_it_is_not_replaced(pictures, tmp_path):
    make(pictures, tmp_path / "set")
    (tmp_path / "set" / "README.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds README\.txt beside the LMDB"):
        make(pictures, tmp_path / "set", overwrite=True)
    assert len(PairedLmdb(tmp_path / "set")) == 4
    (tmp_path / "set" / "README.txt").unlink()
    assert make(pictures, tmp_path / "set", overwrite=True).samples == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "words"]


def test_lr_partners_are_the_same_name_or_the_only_one_of_the_stem(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for side in ("hr", "lr"):
        for name in ("a.jpg", "a.png", "s1/1.png", "s2/1.png", "b.bmp"):
            if (side, name) != ("lr", "b.bmp"):
                save(tmp_path / side / name, 20, 30 if side == "hr" else len(name), len(name))
    save(tmp_path / "lr" / "b.jpg", 8, 8, 0)
    save(tmp_path / "lr" / "b.png", 8, 8, 0)
    rows = [Labelled(str(tmp_path / "hr" / name), name) for name in ("a.jpg", "a.png", "s1/1.png", "s2/1.png", "b.bmp")]
    (tmp_path / "l.jsonl").write_bytes(write_labels(rows, "mmocr"))
    made = make(None, tmp_path / "set", hr=Path("hr"), lr=Path("lr"), labels=tmp_path / "l.jsonl")
    pairs = PairedLmdb(tmp_path / "set")
    for i, name in enumerate(("a.jpg", "a.png", "s1/1.png", "s2/1.png")):
        assert pairs.raw(i).lr == (tmp_path / "lr" / name).read_bytes()
    assert [item.id for item in made.bad] == ["b.bmp"]
    assert made.unused == 2  # b.jpg and b.png of the LR side
    assert "or more than one" in made.bad[0].problem


@pytest.mark.parametrize("name", ["a\\u0000b.png", "x" * 300 + ".png", "\\ud800.png"])
def test_names_that_no_file_can_have_are_bad_samples(pictures, tmp_path, name):
    lines = f'{{"filename": "{name}", "text": "x"}}\n{{"filename": "42_2.png", "text": "42"}}\n'
    (pictures / "labels.jsonl").write_text(lines)
    made = make(pictures, tmp_path / "set")
    assert (made.samples, len(made.bad), made.unused) == (1, 1, 3)


def test_hidden_folders_hold_no_pictures(pictures, tmp_path):
    save(pictures / ".ipynb_checkpoints" / "OPEN_0-checkpoint.png", 8, 8, 0)
    assert make(pictures, tmp_path / "set").samples == 4


def test_an_inflated_count_is_one_problem(tiny_lmdb, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "set")
    change(tmp_path / "set", {b"num-samples": b"300000"})
    total, bad = verify(tmp_path / "set")
    assert (total, len(bad)) == (300_000, 1)
    assert "num-samples says 300000, but the last sample is 4" in bad[0].problem
    write_pairs(tmp_path / "empty", [])
    assert "no samples" in verify(tmp_path / "empty")[1][0].problem


def test_finished_sets_called_partial_are_left_alone(pictures, tmp_path):
    make(pictures, tmp_path / "set.partial")
    with pytest.raises(ConfigError, match="in the way"):
        make(pictures, tmp_path / "set")
    export(tmp_path / "set.partial", tmp_path / "out.partial")
    with pytest.raises(ConfigError, match="in the way"):
        export(tmp_path / "set.partial", tmp_path / "out")
    assert len(PairedLmdb(tmp_path / "set.partial")) == 4
    (pictures / "labels.txt").write_text("none.png\tx\n")
    with pytest.raises(DataError, match="can be used"):
        make(pictures, tmp_path / "nothing")
    assert not (tmp_path / "nothing.partial").exists()


def test_a_picture_that_is_a_link_keeps_its_own_name_and_partner(tmp_path):
    save(tmp_path / "hr" / "a.png", 20, 30, 1)
    save(tmp_path / "elsewhere" / "c.png", 20, 30, 2)
    (tmp_path / "hr" / "b.png").symlink_to(tmp_path / "hr" / "a.png")
    (tmp_path / "hr" / "x.png").symlink_to(tmp_path / "elsewhere" / "c.png")
    for i, name in enumerate("abx"):
        save(tmp_path / "lr" / f"{name}.png", 8, 8, 10 + i)
    made = make(None, tmp_path / "set", hr=tmp_path / "hr", lr=tmp_path / "lr")
    assert (made.samples, made.bad, made.unused) == (3, (), 0)
    pairs = PairedLmdb(tmp_path / "set")
    assert [pairs.raw(i).lr for i in range(3)] == [(tmp_path / "lr" / f"{n}.png").read_bytes() for n in "abx"]


def test_a_picture_named_twice_is_one_sample_or_a_bad_one(pictures, tmp_path):
    rows = "42_2.png\t42\n./42_2.png\t42\nOPEN_0.png\tOPEN\nOPEN_0.png\tSHUT\n"
    (pictures / "labels.txt").write_text(rows)
    made = make(pictures, tmp_path / "set")
    assert made.samples == 1
    assert "named twice, with different texts" in made.bad[0].problem


ODD = {b"label-000000003x": b"?", b"label-abc": b"?", b"label-99999999999": b"?", b"zzz": b"?"}


def changed(lmdb_folder, path, changes):
    shutil.copytree(lmdb_folder, path)
    change(path, changes)
    return path


def test_odd_keys_are_no_samples(tiny_lmdb, tmp_path):
    assert PairedLmdb(changed(tiny_lmdb, tmp_path / "odd", ODD)).last_number() == 4
    # Its pictures are there, so only its label is missing.
    assert PairedLmdb(changed(tiny_lmdb, tmp_path / "one", ODD | {b"label-000000004": None})).last_number() == 4


def test_absurd_counts_are_one_line(tiny_lmdb, tmp_path):
    with pytest.raises(DataError, match="expected a whole number"):
        len(PairedLmdb(changed(tiny_lmdb, tmp_path / "digits", {b"num-samples": b"9" * 25})))
    made = export(changed(tiny_lmdb, tmp_path / "many", {b"num-samples": b"3000000"}), tmp_path / "out")
    assert (made.samples, len(made.bad)) == (4, 1)
