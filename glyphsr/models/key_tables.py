"""Two-way tables between published state-dict keys and ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

V = TypeVar("V")


def _rename(key: str, table: Mapping[str, str]) -> str:
    parts = key.split(".")
    for cut in range(len(parts), 0, -1):
        prefix = ".".join(parts[:cut])
        if prefix in table:
            return ".".join([table[prefix], *parts[cut:]])
    return key


@dataclass(frozen=True)
class KeyTable:
    r"""Names of one network's modules, ours and the published ones.

    Example:
        >>> table = KeyTable({"stem.conv": "block1.0"}, unused=r"conv\..*")
        >>> table.published("stem.conv.weight"), table.ours("block1.0.bias")
        ('block1.0.weight', 'stem.conv.bias')
        >>> table.translate({"block1.0.bias": 1, "conv.bias": 2})
        {'stem.conv.bias': 1}
    """

    modules: Mapping[str, str]
    """Our module (or parameter) -> the published name; the longest match counts, what is not named keeps its name."""
    unused: str = r"(?!)"
    """Regular expression of published entries that the published network itself never uses."""
    computed: str = r"(?!)"
    """Regular expression of our entries that are constants; a published file may lack them."""

    @cached_property
    def _back(self) -> dict[str, str]:
        return {published: ours for ours, published in self.modules.items()}

    def published(self, key: str) -> str:
        """Published name of one of our keys."""
        return _rename(key, self.modules)

    def ours(self, key: str) -> str:
        """Our name of a published key; an unknown one comes back as it is."""
        return _rename(key, self._back)

    def is_unused(self, key: str) -> bool:
        """Whether the published network carries this published entry without using it."""
        return re.fullmatch(self.unused, key) is not None

    def is_computed(self, key: str) -> bool:
        """Whether this entry of ours is a constant that our constructor computes."""
        return re.fullmatch(self.computed, key) is not None

    def translate(self, state: Mapping[str, V]) -> dict[str, V]:
        """A published state under our names, without its unused entries."""
        return {self.ours(key): value for key, value in state.items() if not self.is_unused(key)}
