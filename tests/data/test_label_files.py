import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphsr.data.label_files import FORMATS, Labelled, read_labels, write_labels
from glyphsr.errors import ConfigError, DataError

SCRIPTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=12
).filter(lambda text: text.strip())


WITH_FILE = [form for form in FORMATS if form != "filename"]


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
