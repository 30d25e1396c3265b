import os

import pytest

from glyphsr.errors import ConfigError, DataError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import DOCUMENT_BYTES, Limit
from glyphsr.safe_reading.text_files import parse_json, read_json_lines, read_text
from glyphsr.safe_reading.yaml_files import parse_yaml


def test_a_limit_is_a_variable_that_its_message_names(monkeypatch):
    limit = Limit("GLYPHSR_MAX_X", 10, "things")
    limit.check(10, "here", DataError)
    with pytest.raises(DataError, match=r"here: 11 things, at most 10 \(GLYPHSR_MAX_X sets the limit\)"):
        limit.check(11, "here", DataError)
    monkeypatch.setenv("GLYPHSR_MAX_X", "20")
    limit.check(20, "here", DataError)
    monkeypatch.setenv("GLYPHSR_MAX_X", "many")
    with pytest.raises(ConfigError, match="expected a whole number"):
        limit.check(1, "here", DataError)


def test_only_regular_files_are_read_and_none_that_is_too_large(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a folder")):
        with pytest.raises(DataError, match=f"{what}; expected a regular file"):
            read_content(path, DOCUMENT_BYTES)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="GLYPHSR_MAX_DOCUMENT_BYTES"):
        read_content(tmp_path / "sparse", DOCUMENT_BYTES)
    with pytest.raises(DataError, match="no name that a file can have"):
        read_content(tmp_path / "a\0b", DOCUMENT_BYTES)
    if os.path.exists("/dev/zero"):  # noqa: PTH110
        (tmp_path / "endless").symlink_to("/dev/zero")
        with pytest.raises(DataError, match="a device"):
            read_content(tmp_path / "endless", DOCUMENT_BYTES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 65 + "]" * 65, "65 levels of nesting, at most 64"),
        ('{"a":' * 100_000, "levels of nesting"),
        ("[" + "0," * 4_000_001 + "0]", "values, at most 4,000,000"),
        ("[" + "9" * 5000 + "]", "not JSON"),
        ("{", "not JSON"),
        ('{"b": [{"a": 1, "c": 2, "a": 3}]}', "'a' is given twice"),
        (b"\xff", "not JSON"),
    ],
)
def test_json_is_measured_before_it_is_parsed(content, message):
    with pytest.raises(DataError, match=message):
        parse_json(content, "here")


def test_brackets_and_quotes_in_texts_are_no_nesting():
    value = ["[" * 500 + '\\"]', {"a": "{" * 500}]
    import json

    assert parse_json(json.dumps(value), "here") == value


def test_lines_are_named_by_their_number(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n{"a": 2}\n{oops\n')
    rows = read_json_lines(path)
    assert [next(rows), next(rows)] == [(1, {"a": 1}), (3, {"a": 2})]
    with pytest.raises(DataError, match=r"a\.jsonl:4: not JSON"):
        next(rows)
    path.write_bytes(b"a\xff")
    with pytest.raises(DataError, match="not UTF-8 at byte 1"):
        read_text(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nseed: 2", r"seed: given twice.*\(line 2\)"),
        ("a: {b: !!int abc}", r"a\.b: not a value of YAML's kind 'int'"),
        ("a: 0b_", "a: not a value of YAML's kind 'int'"),
        ("a: " + "9" * 5000, "a: not a value of YAML's kind 'int'"),
        ("!!timestamp 1x", "not a value"),
        ("a: !!binary aGk=", "expected a text or a number"),
        ("a: !!python/object/apply:os.system [id]", None),
        ("a: &a {b: *a}", r"a\.b: contains itself"),
        ("a: " + "[" * 3000 + "]" * 3000, "levels of nesting"),
        ("? [1]\n: 2", "expected a plain key"),
        ("a: [", "not YAML"),
        ("<<: 3", "expected a mapping"),
        ("a: 0x" + "f" * 5000, "a: a number of 20,000 bits"),
        ("a: 0" + "7" * 100_000, "a: a number of 300,000 bits"),
        ("{" + "a," * 200_000 + "}", "settings, at most 100,000"),
    ],
)
def test_yaml_that_is_none_names_the_key(text, message):
    if message is None:
        assert parse_yaml(text, "here") == {"a": ["id"]}  # a foreign tag means nothing, and nothing runs
        return
    with pytest.raises(ConfigError, match=message):
        parse_yaml(text, "here")


def test_aliases_count_as_often_as_they_are_used():
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(ConfigError, match="settings, at most 100,000"):
        parse_yaml("\n".join(rows), "here")


def test_yaml_as_people_write_it():
    text = "base: &b {a: 1, when: 2026-01-02, 7: x}\nmore:\n  <<: *b\n  a: 2\nlist: [1.5, true, null, 'x']\n"
    assert parse_yaml(text, "here") == {
        "base": {"a": 1, "when": "2026-01-02", "7": "x"},
        "more": {"a": 2, "when": "2026-01-02", "7": "x"},
        "list": [1.5, True, None, "x"],
    }
