import time
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glyphsr.data.label_files import FILE_NAMES, Labelled, read_labels
from glyphsr.data.label_writing import write_labels
from glyphsr.errors import ConfigError, DataError

SCRIPTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=12
).filter(lambda text: text.strip())


WITH_FILE = list(FILE_NAMES)


@given(rows=st.lists(st.tuples(SCRIPTS, SCRIPTS), max_size=6), form=st.sampled_from(WITH_FILE))
def test_label_files_give_back_what_was_written(rows, form, tmp_path_factory):
    labelled = [Labelled(f"{i}/{name}.png", text) for i, (name, text) in enumerate(rows)]
    path = tmp_path_factory.mktemp("labels") / "file"
    try:
        path.write_bytes(write_labels(labelled, form))
    except ConfigError:
        assert form == "icdar"
        assume(False)
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
    "icdar/gt.txt": (
        '\ufeffword_1.png, "JOINT"\r\nword_2.png, "say \\"hi\\", all"\r\n',
        [("word_1.png", "JOINT"), ("word_2.png", 'say "hi", all')],
    ),
    "icdar.csv": ('a.png, "say \\"hi\\""\n', [("a.png", 'say "hi"')]),
    "mmocr0.txt": ("crops/a.png Hello world\nb.JPG x\n", [("crops/a.png", "Hello world"), ("b.JPG", "x")]),
    "mjsynth.txt": ("./2/375_mortifying_50057.jpg 50057\n", [("./2/375_mortifying_50057.jpg", "mortifying")]),
    "mmocr1.json": (
        '{"metainfo": {}, "data_list": [{"img_path": "a.png", "instances": [{"text": "x"}]}]}',
        [("a.png", "x")],
    ),
    "rec_gt.txt": ('["a.png", "b.png"]\tx\ty\n', [("a.png", "x\ty"), ("b.png", "x\ty")]),
    "comma.csv": ("a.png,Ah, Gandhi\nb.png,x\n", [("a.png", "Ah, Gandhi"), ("b.png", "x")]),
    "named.csv": ("file,label\na.png,Ah, Gandhi\n", [("a.png", "Ah, Gandhi")]),
    "excel.csv": ('file;label\na.png;"x; y"\n', [("a.png", "x; y")]),
    "dtrb.tsv": ("imagepath\tlabel\na.png\tAh, Gandhi\n", [("a.png", "Ah, Gandhi")]),
    "scripts.txt": (
        "a.png\t\u0633\u0644\u0627\u0645\nb.png\t\u51fa\u53e3 \u00c9\n",
        [("a.png", "\u0633\u0644\u0627\u0645"), ("b.png", "\u51fa\u53e3 \u00c9")],
    ),
    "windows.txt": ("a.png\tx\r\n", [("a.png", "x")]),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_tools_files_are_understood(name, tmp_path):
    content, expected = FOREIGN[name]
    name = name.replace("/", "_")
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    assert [(row.path, row.text) for row in read_labels(tmp_path / name)] == expected


WRONG = {
    "labels.txt": (b"Hello\n", "labels.txt:1: expected path<TAB>text"),
    "rec.txt": (b'["a.png", 1]\tx\n', "expected a path or a list of paths"),
    "columns.csv": (b"a.png,Hello,0.9\nb.png,Ah,0.8\n", "3 columns; say which they are"),
    "comma.csv": (b'file,label\na.png,"x"\nb.png,Ah, Gandhi\n', "record 2: 3 cells instead of 2"),
    "extra.csv": (b"file,label,split\na.png,Ah, Gandhi,train\n", "record 1: 4 cells instead of 3"),
    "open.csv": (b'a.png,"Hello\nb.png,x\n', "not CSV"),
    "gt_img_1.txt": (b"377,117,463,117,465,130,378,130,Genaxis Theatre\n", "ground truth for detection"),
    "mixed.txt": (b'a.png, "x"\nb.png, y\n', 'mixed.txt:2: expected name, "text"'),
    "det.json": (b'{"a.png": {"polygons": [], "img_dimensions": [1, 1]}}', "docTR labels for detection"),
    "two.json": (b'{"data_list": [{"img_path": "a", "instances": [{"text": "x"}, {"text": "y"}]}]}', "2 texts"),
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


def test_a_file_of_windows_in_utf_16_is_understood(tmp_path):
    (tmp_path / "labels.txt").write_text("a.png\t\u00c9t\u00e9\r\n", encoding="utf-16", newline="")
    assert read_labels(tmp_path / "labels.txt") == [Labelled("a.png", "\u00c9t\u00e9")]


@pytest.mark.parametrize("line", [" " * 200_000 + "x", "a " * 100_000, "a, " + '"' * 200_000 + "x", "1," * 100_000])
def test_a_hostile_line_takes_no_longer_than_another(tmp_path, line):
    (tmp_path / "gt.csv").write_text(line)
    start = time.process_time()
    with suppress(DataError):
        read_labels(tmp_path / "gt.csv", "icdar")
    assert time.process_time() - start < 2
