import pytest

from glyphsr.errors import ConfigError
from glyphsr.system.staged_folder import MARK, FolderBuild


def foreign(folder):
    """Everything is ours but what is called notes."""
    return "holds notes" if (folder / "notes").exists() else None


def build(path, source="a", **options):
    return FolderBuild(path, source=source, overwrite=options.pop("overwrite", False), foreign=foreign)


def test_a_folder_has_its_name_when_it_is_finished(tmp_path):
    made = build(tmp_path / "out")
    (made.partial / "file").write_text("1")
    assert not (tmp_path / "out").exists()
    made.finish()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "file"]


def test_an_unfinished_one_of_the_same_source_goes_on_and_another_starts_anew(tmp_path):
    (build(tmp_path / "out").partial / "file").write_text("1")
    again = build(tmp_path / "out")
    assert again.resumes
    assert (again.partial / "file").exists()
    for source in ("a", "b"):
        with pytest.raises(ConfigError, match=r"out\.partial: another command is writing there"):
            build(tmp_path / "out", source=source)
    again.release()
    other = build(tmp_path / "out", source="b")
    assert not other.resumes
    assert not (other.partial / "file").exists()
    del other  # what is forgotten is released
    assert not build(tmp_path / "out", source="").resumes


def test_a_finished_folder_called_partial_is_no_unfinished_work(tmp_path):
    build(tmp_path / "out.partial").finish()
    (tmp_path / "out.partial" / "word").write_text("1")  # an empty one would be what a kill before the mark leaves
    with pytest.raises(ConfigError, match="in the way"):
        build(tmp_path / "out")
    assert (tmp_path / "out.partial").is_dir()


def test_what_is_replaced_goes_last_and_only_if_it_is_ours(tmp_path):
    build(tmp_path / "out").finish()
    (tmp_path / "out" / "old").write_text("1")
    with pytest.raises(ConfigError, match="--overwrite"):
        build(tmp_path / "out")
    made = build(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "old").exists()
    made.finish()
    assert list((tmp_path / "out").iterdir()) == []
    (tmp_path / "out" / "notes").write_text("mine")
    with pytest.raises(ConfigError, match="holds notes; nothing is replaced"):
        build(tmp_path / "out", overwrite=True)


def test_what_a_crash_between_two_names_left_is_no_obstacle(tmp_path):
    made = build(tmp_path / "out")
    (tmp_path / "out.old").mkdir()  # the one that was being replaced
    made.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    (tmp_path / "out.old").mkdir()
    (tmp_path / "out.old" / "notes").write_text("mine")
    with pytest.raises(ConfigError, match=r"out\.old: holds notes"):
        build(tmp_path / "out", overwrite=True)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    made = build(tmp_path / "link", overwrite=True)
    (made.partial / "file").write_text("1")
    made.finish()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").exists()
    assert not (tmp_path / "real" / MARK).exists()


def test_places_that_cannot_hold_a_folder_are_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        build(tmp_path / "file" / "out")
