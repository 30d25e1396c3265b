"""YAML settings as plain values; keys are unique, and an alias counts as often as it is used."""

from pathlib import Path
from typing import Any

import yaml

from glyphsr.errors import ConfigError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import DOCUMENT_DEPTH, SETTINGS_BYTES, SETTINGS_ITEMS
from glyphsr.safe_reading.numbers import MOST_BITS

_TAG = "tag:yaml.org,2002:"


class NotYamlError(ConfigError):
    """The text is not YAML."""


class _Loader(yaml.SafeLoader):
    """Builds texts, numbers and truth values; a date stays a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class's attribute
        first: [(tag, pattern) for tag, pattern in rules if tag != f"{_TAG}timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str, where: str) -> None:
        super().__init__(text)
        self.where = where
        self._depth = self._composed = self._count = 0
        self._open: set[int] = set()

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node as the base class does, within the limits of depth and number."""
        self._composed += 1
        SETTINGS_ITEMS.check(self._composed, self.where, ConfigError)
        self._depth += 1
        DOCUMENT_DEPTH.check(self._depth, self.where, ConfigError)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _fail(self, node: Any, path: str, problem: str) -> ConfigError:
        place = f"{path}: " if path else ""
        return ConfigError(f"{self.where}: {place}{problem} (line {node.start_mark.line + 1})")

    def build(self, node: Any, path: str = "") -> Any:
        """The plain value of a node.

        Raises:
            ConfigError: If there is none; the message names key and line.
        """
        # Counted as built, so that aliases of aliases cannot multiply into billions.
        self._count += 1
        SETTINGS_ITEMS.check(self._count, self.where, ConfigError)

        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)

        if id(node) in self._open:
            raise self._fail(node, path, "contains itself; an alias must not stand below its own anchor")

        self._open.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            value: Any = [self.build(item, f"{path}[{i}]") for i, item in enumerate(node.value)]
        else:
            value = self._mapping(node, path)

        self._open.discard(id(node))
        return value

    def _scalar(self, node: Any, path: str) -> Any:
        try:
            value = self.construct_object(node)
        except (yaml.YAMLError, ValueError, AttributeError, KeyError, IndexError, OverflowError) as error:
            kind = node.tag.removeprefix(_TAG)
            raise self._fail(node, path, f"not a value of YAML's kind {kind!r}: {node.value[:40]!r}") from error
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            raise self._fail(node, path, f"a number of {value.bit_length():,} bits, at most {MOST_BITS}")
        if not isinstance(value, str | int | float | None):
            raise self._fail(node, path, f"expected a text or a number, got YAML's {node.tag.removeprefix(_TAG)!r}")
        return value

    def _mapping(self, node: Any, path: str) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}

        for key, below in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._fail(key, path, "expected a plain key")

            place = f"{path}.{key.value[:80]}" if path else key.value[:80]

            # Merged keys come below the mapping's own, the first of several above the rest.
            if key.tag == f"{_TAG}merge":
                parts = self.build(below, place)
                for part in reversed(parts if isinstance(parts, list) else [parts]):
                    if not isinstance(part, dict):
                        raise self._fail(below, place, "expected a mapping, or several")
                    merged |= part
            elif key.value in own:
                raise self._fail(key, place, "given twice; leave one of them out")
            else:
                own[key.value] = self.build(below, place)

        return merged | own


def parse_yaml(text: str, where: str) -> Any:
    """The value of one YAML document; ``None`` of an empty one.

    Args:
        text: The document.
        where: What messages call it, such as the name of its file.

    Raises:
        NotYamlError: If it is not YAML.
        ConfigError: If it has a key twice, holds itself, is too large or too deep, or has values that are none.
    """
    SETTINGS_BYTES.check(len(text), where, ConfigError)
    try:
        loader = _Loader(text, where)
        node = loader.get_single_node()
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # \UFFFFFFFF is no character
        problem = " ".join(str(error).split())
        raise NotYamlError(f"{where}: not YAML: {problem}") from error
    return None if node is None else loader.build(node)


def read_yaml_file(path: Path) -> Any:
    """The value of a UTF-8 file that holds one YAML document.

    Raises:
        ConfigError: If it is missing, not UTF-8, or :func:`parse_yaml` refuses it.
    """
    content = read_content(path, SETTINGS_BYTES, ConfigError)
    try:
        return parse_yaml(content.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
