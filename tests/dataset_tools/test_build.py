from pathlib import Path

import pytest
from PIL import Image

from glyphsr.data.label_files import Labelled
from glyphsr.data.label_writing import write_labels
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.lmdb_writer import LmdbWriter
from glyphsr.dataset_tools.build import make
from glyphsr.errors import ConfigError, DataError

from ..helpers.lmdb import save


def test_names_can_be_labels_and_a_missing_lr_side_is_made(named_words, tmp_path):
    make(named_words, tmp_path / "set", seed=3)
    pairs = PairedLmdb(tmp_path / "set")
    assert sorted(pairs[i].label for i in range(4)) == ["42", "Hotel", "OPEN", "exit"]
    assert {pairs[i].lr.shape[0] for i in range(4)} == {16}
    make(named_words, tmp_path / "again", seed=3)
    make(named_words, tmp_path / "other", seed=4)
    again, other = PairedLmdb(tmp_path / "again"), PairedLmdb(tmp_path / "other")
    assert all(pairs.raw(i).lr == again.raw(i).lr for i in range(4))
    assert any(pairs.raw(i).lr != other.raw(i).lr for i in range(4))


def test_broken_pictures_are_left_out_and_named(named_words, tmp_path):
    (named_words / "bad_9.png").write_bytes(b"no picture")
    (named_words / "labels.txt").write_text(
        "OPEN_0.png\tOPEN\nbad_9.png\tbad\nHotel_1.png\t\nnone.png\tx\n42_2.png\t42\n", encoding="utf-8"
    )
    made = make(named_words, tmp_path / "set")
    assert made.samples == 2
    problems = " ".join(item.problem for item in made.bad)
    assert "bad_9.png: not a readable picture" in problems
    assert "Hotel_1.png: no text for it" in problems
    assert "none.png: No such file" in problems
    (named_words / "labels.txt").write_text("bad_9.png\tx\n")
    with pytest.raises(DataError, match="none of 1 pictures can be used"):
        make(named_words, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_pairs_match_by_name_whatever_the_ending(named_words, tmp_path):
    lr = tmp_path / "low"
    lr.mkdir()
    for path in sorted(named_words.iterdir())[:3]:
        Image.open(path).resize((20, 8)).save(lr / f"{path.stem}.jpg")
    made = make(None, tmp_path / "set", hr=named_words, lr=lr)
    assert made.samples == 3
    assert "no LR picture of this name" in made.bad[0].problem
    assert PairedLmdb(tmp_path / "set")[0].lr.shape == (8, 20, 3)


def test_an_interrupted_make_goes_on_and_gives_the_same_set(named_words, tmp_path, monkeypatch):
    whole = make(named_words, tmp_path / "whole")
    monkeypatch.setattr(LmdbWriter, "COMMIT_EVERY", 1)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(named_words, tmp_path / "set", progress=stop)
    assert not (tmp_path / "set").exists()
    resumed = make(named_words, tmp_path / "set")
    assert (resumed.samples, resumed.resumed_at, whole.resumed_at) == (4, 2, 0)
    a, b = PairedLmdb(tmp_path / "whole"), PairedLmdb(tmp_path / "set")
    assert [a.raw(i) for i in range(4)] == [b.raw(i) for i in range(4)]
    assert not (tmp_path / "set.partial").exists()


def test_an_unfinished_set_of_another_source_is_started_anew(named_words, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(named_words, tmp_path / "set", progress=stop)
    (named_words / "42_2.png").unlink()
    assert make(named_words, tmp_path / "set").resumed_at == 0
    assert len(PairedLmdb(tmp_path / "set")) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        {"source": None},
        {"source": "x", "hr": "x"},
        {"source": "x", "lr": "x"},
    ],
)
def test_arguments_that_do_not_fit_together(arguments, named_words, tmp_path):
    given = {key: named_words if value == "x" else value for key, value in arguments.items()}
    with pytest.raises(ConfigError):
        make(given.pop("source"), tmp_path / "set", **given)
    with pytest.raises(DataError, match="no such folder"):
        make(tmp_path / "nowhere", tmp_path / "set")


def test_an_lmdb_with_something_beside_it_is_not_replaced(named_words, tmp_path):
    make(named_words, tmp_path / "set")
    (tmp_path / "set" / "README.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds README\.txt beside the LMDB"):
        make(named_words, tmp_path / "set", overwrite=True)
    assert len(PairedLmdb(tmp_path / "set")) == 4
    (tmp_path / "set" / "README.txt").unlink()
    assert make(named_words, tmp_path / "set", overwrite=True).samples == 4
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
def test_names_that_no_file_can_have_are_bad_samples(named_words, tmp_path, name):
    lines = f'{{"filename": "{name}", "text": "x"}}\n{{"filename": "42_2.png", "text": "42"}}\n'
    (named_words / "labels.jsonl").write_text(lines)
    made = make(named_words, tmp_path / "set")
    assert (made.samples, len(made.bad), made.unused) == (1, 1, 3)


def test_hidden_folders_hold_no_pictures(named_words, tmp_path):
    save(named_words / ".ipynb_checkpoints" / "OPEN_0-checkpoint.png", 8, 8, 0)
    assert make(named_words, tmp_path / "set").samples == 4


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


def test_a_picture_named_twice_is_one_sample_or_a_bad_one(named_words, tmp_path):
    rows = "42_2.png\t42\n./42_2.png\t42\nOPEN_0.png\tOPEN\nOPEN_0.png\tSHUT\n"
    (named_words / "labels.txt").write_text(rows)
    made = make(named_words, tmp_path / "set")
    assert made.samples == 1
    assert "named twice, with different texts" in made.bad[0].problem
