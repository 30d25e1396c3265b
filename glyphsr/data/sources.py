"""Opens the word sources of a configuration and splits each into a training and a validation part."""

import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from glyphsr.config.training import DataConfig, FolderSource, LmdbSource
from glyphsr.data.lmdb_pairs import PairedLmdb, check_folder
from glyphsr.data.word_folder import WordFolder
from glyphsr.errors import DataError
from glyphsr.types import Sample

DATA_ROOTS = (Path("data/TextZoom"), Path("TextZoom"))
"""Where named LMDBs are looked up after ``--data-root`` and ``$GLYPHSR_DATA``."""

SAMPLE_ROOT = Path(__file__).parent / "sample"
"""The small set that ships with the package: words rendered by us, laid out like TextZoom."""

SAMPLE_NOTICE = "no data root was found, so the small sample set of rendered words in the package is used"
"""What a command says when it falls back on it."""

TRAIN_PARTS = ("train", "train1", "train2")


class WordCollection(Protocol):
    """Anything that gives samples by number."""

    def __len__(self) -> int:
        """How many."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, counted from 0."""
        ...


@dataclass(frozen=True)
class WordSource:
    """A weighted part of a collection; without collection, words are rendered."""

    weight: float
    collection: WordCollection | None = None
    indices: tuple[int, ...] = ()
    paired: bool = False
    """Whether the stored LR side is used."""


def _roots(data_root: str | None) -> list[Path]:
    given = data_root or os.environ.get("GLYPHSR_DATA")
    if given:
        return [Path(given)]
    present = [root for root in DATA_ROOTS if root.is_dir()]
    return present or [SAMPLE_ROOT]


def uses_sample_set(names: Iterable[str], data_root: str | None = None) -> bool:
    """Whether any of these names would be looked up in the package's sample set, for want of a data root."""
    return _roots(data_root) == [SAMPLE_ROOT] and any(not _is_path(name) for name in names)


def _is_path(name: str) -> bool:
    path = Path(name)
    return path.is_absolute() or len(path.parts) > 1 or path.exists()


def find_lmdb(name: str, data_root: str | None = None) -> list[Path]:
    """Folders of the LMDB environments that a path or a TextZoom part's name stands for.

    ``train`` means ``train``, or else ``train1`` and ``train2``. Names are looked up under the data root, else
    ``$GLYPHSR_DATA``, else ``./data/TextZoom`` and ``./TextZoom``, else, if there is none of these, in the sample set.

    Raises:
        DataError: If there is none; the message says where was looked.
    """
    direct = Path(name)
    if (direct / "data.mdb").is_file():
        return [direct]
    roots = _roots(data_root)
    for root in roots:
        for folder in (root / name, root / "test" / name):
            if (folder / "data.mdb").is_file():
                return [folder]
        if name == "train":
            parts = [root / part for part in TRAIN_PARTS[1:] if (root / part / "data.mdb").is_file()]
            if parts:
                return parts
    if _is_path(name):
        check_folder(direct)
    places = ", ".join(str(root) for root in roots)
    raise DataError(f"{name}: no such LMDB under {places}; give its folder, --data-root or $GLYPHSR_DATA")


def _is_held_out(key: str, share: float) -> bool:
    """Stable draw by name, so that adding words never moves a word from validation to training."""
    return zlib.crc32(key.encode()) % 10_000 < share * 10_000


def _split(collection: WordCollection, keys: list[str], config: DataConfig, *, held_out: bool) -> tuple[int, ...]:
    indices = tuple(i for i, key in enumerate(keys) if _is_held_out(key, config.held_out) == held_out)
    if not indices and not held_out:
        raise DataError(f"{keys[0] if keys else 'source'}: nothing left to train on with held_out={config.held_out}")
    return indices


def open_sources(config: DataConfig, *, held_out: bool, data_root: str | None = None) -> list[WordSource]:
    """The training (or validation) parts of all sources; a source of weight 0 is left out.

    Raises:
        DataError: If a source is missing or empty, or none is configured.
    """
    opened: list[WordSource] = []
    for source in config.sources:
        if not source.weight:
            continue
        if isinstance(source, FolderSource):
            folder = WordFolder(Path(source.path))
            keys = [name for name, _ in folder.words]
            indices = _split(folder, keys, config, held_out=held_out)
            opened.append(WordSource(source.weight, folder, indices))
        elif isinstance(source, LmdbSource):
            environments = [PairedLmdb(path) for path in find_lmdb(source.path, data_root)]
            total = sum(len(env) for env in environments)
            for env in environments:
                keys = [f"{env.path.name}/{i}" for i in range(len(env))]
                indices = _split(env, keys, config, held_out=held_out)
                opened.append(WordSource(source.weight * len(env) / total, env, indices, source.paired))
        else:
            opened.append(WordSource(source.weight))
    if not opened:
        raise DataError("data.sources: expected at least one source with a weight above 0")
    return opened
