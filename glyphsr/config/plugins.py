"""Networks of other packages, found through the entry point group ``glyphsr.networks``."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from glyphsr.errors import ConfigError

GROUP = "glyphsr.networks"
"""A package offers ``kind = "module:Class"``; the class is a :class:`glyphsr.nn.architecture.Architecture`."""


def plugin_names() -> tuple[str, ...]:
    """Kinds of networks that installed packages offer; nothing of theirs is imported."""
    return tuple(sorted(_found()))


def load_plugin(kind: str) -> Any:
    """The architecture that a package offers under a name.

    Raises:
        ConfigError: If none does, it cannot be imported, or it is of another kind.
    """
    entry = _found().get(kind)
    if entry is None:
        raise ConfigError(f"network kind {kind!r}: no installed package offers it in the group {GROUP}")
    try:
        architecture = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"network kind {kind!r}: {entry.value} cannot be imported: {error}") from error

    if getattr(architecture, "kind", None) != kind or not hasattr(architecture, "settings"):
        raise ConfigError(f"network kind {kind!r}: {entry.value} is no Architecture of that kind")
    return architecture


def _found() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
