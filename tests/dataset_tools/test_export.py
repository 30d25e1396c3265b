import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glyphsr.data.label_files import FILE_NAMES, Labelled, read_labels
from glyphsr.data.label_writing import write_labels
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.lmdb_writer import LmdbWriter, encode_png, write_pairs
from glyphsr.dataset_tools.build import make
from glyphsr.dataset_tools.export import export
from glyphsr.errors import ConfigError, DataError

from ..helpers.lmdb import changed, save

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


WITH_FILE = [form for form in FILE_NAMES if form != "icdar"]  # which cannot hold every name


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


def test_export_replaces_only_what_an_export_wrote(named_words, tmp_path):
    make(named_words, tmp_path / "set")
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


def test_an_unfinished_export_of_another_set_is_thrown_away(named_words, tmp_path):
    make(named_words, tmp_path / "four")
    (named_words / "42_2.png").unlink()
    make(named_words, tmp_path / "three")

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(tmp_path / "four", tmp_path / "out", progress=stop)
    assert export(tmp_path / "three", tmp_path / "out").samples == 3
    assert len(list((tmp_path / "out" / "hr").iterdir())) == 3
    (tmp_path / "new.partial").mkdir()
    (tmp_path / "new.partial" / "notes").write_text("mine")
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


def test_absurd_counts_are_one_line(tiny_lmdb, tmp_path):
    with pytest.raises(DataError, match="expected a whole number"):
        len(PairedLmdb(changed(tiny_lmdb, tmp_path / "digits", {b"num-samples": b"9" * 25})))
    made = export(changed(tiny_lmdb, tmp_path / "many", {b"num-samples": b"3000000"}), tmp_path / "out")
    assert (made.samples, len(made.bad)) == (4, 1)


def test_nothing_is_replaced_unasked(named_words, tmp_path, words):
    make(named_words, tmp_path / "set")
    with pytest.raises(ConfigError, match="--overwrite"):
        make(named_words, tmp_path / "set")
    before = PairedLmdb(tmp_path / "set")[0].label
    write_pairs(tmp_path / "set", words[1:2], overwrite=True)
    assert (before, PairedLmdb(tmp_path / "set")[0].label) == ("42", "Hotel")  # the reader sees the new file
    with pytest.raises(ConfigError, match="is no LMDB"):
        make(named_words, named_words, overwrite=True)
    export(tmp_path / "set", tmp_path / "out")
    with pytest.raises(ConfigError, match="--overwrite"):
        export(tmp_path / "set", tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match=r"mine\.txt"):
        export(tmp_path / "set", tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"
    with pytest.raises(ConfigError, match="not made by export"):
        export(tmp_path / "set", named_words, overwrite=True)


def test_finished_sets_called_partial_are_left_alone(named_words, tmp_path):
    make(named_words, tmp_path / "set.partial")
    with pytest.raises(ConfigError, match="in the way"):
        make(named_words, tmp_path / "set")
    export(tmp_path / "set.partial", tmp_path / "out.partial")
    with pytest.raises(ConfigError, match="in the way"):
        export(tmp_path / "set.partial", tmp_path / "out")
    assert len(PairedLmdb(tmp_path / "set.partial")) == 4
    (named_words / "labels.txt").write_text("none.png\tx\n")
    with pytest.raises(DataError, match="can be used"):
        make(named_words, tmp_path / "nothing")
    assert not (tmp_path / "nothing.partial").exists()
