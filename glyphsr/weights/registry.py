"""Weights by name: bundled in the package, stored in the user's cache, or known to be published somewhere."""

import difflib
import functools
import hashlib
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, TypeAdapter

from glyphsr.config.base import Config
from glyphsr.errors import WeightsError
from glyphsr.safe_reading.content import open_regular
from glyphsr.safe_reading.limits import WEIGHTS_BYTES
from glyphsr.system.cache import cache_folder

BUNDLED_FOLDER = Path(__file__).parent / "bundled"
REGISTRY_FILE = Path(__file__).parent / "registry.yaml"
DEFAULT = "compact"
"""Name of the weights that ``upscale`` uses when nothing else is asked for."""
FALLBACK_RECOGNIZER = "crnn-synth"
"""The package's recognizer that stands in for those of kinds that it has none of: of ours it shows best where
characters are (docs/weights.md)."""

SYNTH = "-synth"
"""Ends the names of the package's recognizers, which we trained."""


class Entry(Config):
    """One row of the registry."""

    kind: Literal["super_resolver", "network", "recognizer", "segmenter"]
    """What is in the file; a ``network`` may want a text prior beside it."""
    network: str
    """Architecture: a kind of network or recognizer, or ``sam``."""
    source: Literal["bundled", "download", "authors", "unpublished"]
    """In the package, at a stable address, where only a person can fetch it, or nowhere."""
    url: str | None = None
    """Address of a ``download``."""
    page: str | None = None
    """Where the authors publish it."""
    file: str | None = None
    """Name of the published file, or of several, apart by spaces, that belong together."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{8,64}$")] | None = None
    """Of the published (or bundled) file; a prefix where no more is known."""
    variant: dict[str, Any] = Field(default_factory=dict)
    """Values of the configuration by which ``convert`` tells it from other variants of the network."""
    bytes: int | None = None
    licence: str
    about: str

    @property
    def stored_as(self) -> str:
        """Ending of the file in the cache: ours, but SAM keeps the form that its own loader reads."""
        return ".pth" if self.kind == "segmenter" else ".safetensors"


@functools.cache
def entries() -> dict[str, Entry]:
    """All rows, by name."""
    rows = yaml.safe_load(REGISTRY_FILE.read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, Entry]).validate_python(rows)


def entry(name: str) -> Entry:
    """The row of a name.

    Raises:
        WeightsError: If there is none; the message names the nearest.
    """
    if name not in entries():
        close = difflib.get_close_matches(name, sorted(entries()), n=1, cutoff=0.6)
        nearest = f" did you mean {close[0]!r}?" if close else ""
        raise WeightsError(f"{name}: no weights of this name;{nearest} `glyphsr models list` shows all")
    return entries()[name]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        WeightsError: If it cannot be read, is no regular file, or is larger than weights may be.
    """
    with open_regular(path, WeightsError) as file:
        WEIGHTS_BYTES.check(os.fstat(file.fileno()).st_size, path, WeightsError)
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached_path(name: str) -> Path:
    """Where the cache keeps (or would keep) the weights of a name."""
    known = entries().get(name)
    return cache_folder() / f"{name}{known.stored_as if known else '.safetensors'}"


def is_file_name(name: str | Path) -> bool:
    """Whether weights are given as a file: a path, or a name with an ending."""
    return isinstance(name, Path) or bool(Path(name).suffix) or any(mark in name for mark in "/\\")


def local_weights(name: str | Path) -> Path | None:
    """The file that a path or a name stands for on this machine; ``None`` for a name that is not here.

    Raises:
        WeightsError: If a path is given and there is no such file.
    """
    if is_file_name(name):
        path = Path(name)
        if not path.is_file():
            raise WeightsError(f"{path}: no such checkpoint")
        return path

    bundled = BUNDLED_FOLDER / f"{name}.safetensors"
    candidates = (bundled, cached_path(str(name)))
    return next((path for path in candidates if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a cache that may not be looked into holds nothing for us
        return False


def local_or_bundled(name: str) -> str:
    """The weights of that name, or the package's own recognizer of their kind where they are not here.

    Example:
        >>> local_or_bundled("crnn")  # on a fresh machine
        'crnn-synth'
    """
    own = f"{name}{SYNTH}"
    row = entries().get(own)
    return own if row is not None and row.network == name and local_weights(name) is None else name


def fallback_for(name: str) -> str:
    """The weights to use in place of named ones that are not available, or the named ones where they are.

    Like :func:`local_or_bundled`, and :data:`FALLBACK_RECOGNIZER` for a recognizer that only a person can fetch.

    Raises:
        WeightsError: If the name is unknown, or is a file's that is not there.
    """
    own = local_or_bundled(name)
    if is_file_name(own) or local_weights(own) is not None:
        return own
    row = entry(own)
    return FALLBACK_RECOGNIZER if (row.kind, row.source) == ("recognizer", "authors") else own


def is_own_recognizer(name: str) -> bool:
    """Whether a name is that of a recognizer in the package."""
    row = entries().get(name)
    return row is not None and (row.kind, row.source) == ("recognizer", "bundled")


def where_to_get(name: str) -> str:
    """One line that says where weights that are not here come from."""
    row = entry(name)

    if row.source == "download":
        return f"fetch them with `glyphsr models pull {name}`"

    if row.source == "unpublished":
        return (
            f"nobody publishes them; train them (configs/{row.network}.yaml), "
            f"or convert a file of yours: `glyphsr models convert {row.file} --as {name}`"
        )

    # The published name may be any network's, so the command says which one it is.
    return (
        f"the authors publish {row.file or 'them'} at {row.page}; "
        f"download {'it' if row.file else 'the file'} and run `glyphsr models convert {row.file or 'FILE'} --as {name}`"
    )
