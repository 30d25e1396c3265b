"""Opens the word sources of a configuration and splits each into training and validation words."""

import difflib
import os
import re
import sys
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from glyphsr.config.data import DataConfig, FolderSource, LmdbSource, RenderedSource, Source
from glyphsr.data.hr_images import FolderWords
from glyphsr.data.lmdb_pairs import PairedLmdb, check_folder
from glyphsr.data.rendering.fonts import Notify
from glyphsr.data.rendering.words import RENDER_STREAM, WordRenderer
from glyphsr.errors import ConfigError, DataError
from glyphsr.types import Sample

DATA_ROOTS = (Path("data/TextZoom"), Path("TextZoom"))
"""Where named LMDBs are looked up after ``--data-root`` and ``$GLYPHSR_DATA``."""

SAMPLE_ROOT = Path(__file__).parent / "sample"
"""The small set that ships with the package: words rendered by us, laid out like TextZoom."""

SAMPLE_NOTICE = "no data root was found, so the small sample set of rendered words in the package is used"
"""Message of commands that use the sample set by default."""

ENDLESS = sys.maxsize
"""Length of a collection that never ends."""

HELD_OUT_SEED, HELD_OUT_STREAM = 20_250_101, 6
"""Seed and stream of rendered validation words. No training run uses this stream, so no image is trained on; a text
may be."""

TRAIN_PARTS = ("train", "train1", "train2")

NAMES = (*TRAIN_PARTS, "easy", "medium", "hard")
"""Of TextZoom's parts."""


class WordCollection(Protocol):
    """A sequence of samples."""

    def __len__(self) -> int:
        """How many."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, counted from 0."""
        ...


@dataclass(frozen=True)
class WordSource:
    """A weighted part of a collection."""

    weight: float
    collection: WordCollection
    indices: tuple[int, ...] = ()
    """Words of the collection that belong to this part; empty for an endless collection."""
    paired: bool = False
    """Whether the stored LR side is used."""
    recombine: float = 0.0
    color_jitter: float = 0.0
    warp: float = 0.0
    """As in :class:`glyphsr.config.data.FolderSource`."""
    origin: str = ""
    """Digest of the fonts and texts of rendered words, which may differ between machines; empty for others."""

    @property
    def is_endless(self) -> bool:
        """Whether the collection never repeats a word."""
        return not self.indices and len(self.collection) == ENDLESS


class JoinedWords:
    """Concatenation of collections, such as TextZoom's ``train1`` and ``train2``."""

    def __init__(self, parts: Sequence[WordCollection]) -> None:
        self.parts = parts
        self._ends = list(accumulate(len(part) for part in parts))

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> Sample:
        part = bisect_right(self._ends, index)
        return self.parts[part][index - (self._ends[part - 1] if part else 0)]


class RenderedWords:
    """Words that are drawn when they are read; a word's number and the seed decide everything about it.

    Args:
        renderer: Draws them.
        seed: Of all words together.
        numbers: Distinguish these words from others of the same seed, such as the number of their source.
        masks: Make exact masks.
    """

    def __init__(
        self, renderer: WordRenderer, seed: int, numbers: tuple[int, ...] = (RENDER_STREAM,), *, masks: bool = False
    ) -> None:
        self.renderer = renderer
        self.seed = seed
        self.numbers = numbers
        self.masks = masks

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, index: int) -> Sample:
        word = self.renderer.word(self.seed, index, numbers=self.numbers, masks=self.masks)
        part = "".join(f"/{number}" for number in self.numbers[1:])
        return word.as_sample(f"rendered{part}/{index + 1:06d}")

    def with_masks(self) -> "RenderedWords":
        """The same words with their masks."""
        return RenderedWords(self.renderer, self.seed, self.numbers, masks=True)


class PicturesOnly:
    """Words of a folder, which have no LR side."""

    def __init__(self, folder: FolderWords) -> None:
        self.folder = folder

    def __len__(self) -> int:
        return len(self.folder)

    def __getitem__(self, index: int) -> Sample:
        return self.folder.read(index)


def without_masks(words: WordCollection, path: Path | None, source: Source) -> WordCollection:
    """The words as they are, without masks; see ``attach_masks`` of :func:`open_sources`."""
    del path, source
    return words


MaskAttacher = Callable[[WordCollection, Path | None, Source], WordCollection]


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
        DataError: If there is none, naming the folders that were searched.
    """
    direct = Path(name)
    if (direct / "data.mdb").is_file():
        return [direct]

    roots = _roots(data_root)
    for root in roots:
        # TextZoom keeps its test subsets in a folder of their own.
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

    close = difflib.get_close_matches(name, NAMES, n=1)
    remedy = f"did you mean {close[0]!r}? Else give" if close else "give"
    raise DataError(f"{name}: no such LMDB under {places}; {remedy} its folder, --data-root or $GLYPHSR_DATA")


def _is_held_out(key: str, fraction: float) -> bool:
    """Decide by a hash of the name, so that adding words never moves a word between validation and training."""
    return zlib.crc32(key.encode()) % 10_000 < fraction * 10_000


def _group(name: str, pattern: str | None) -> str:
    """Key that decides whether an image is held out: what the pattern finds in its file name, else path and name."""
    found = re.search(pattern, Path(name).name) if pattern else None
    return found.group() if found and found.group() else name


def _names(environment: PairedLmdb, path: Path, pattern: str | None) -> list[str]:
    """Keys of an environment's pairs that decide whether each is held out."""
    numbered = [f"{path.name}/{i}" for i in range(len(environment))]
    if pattern is None:
        return numbered
    stored = (environment.get(f"source-{i + 1:09d}") for i in range(len(environment)))
    return [_group(name.decode(), pattern) if name else key for key, name in zip(numbered, stored, strict=True)]


def expanded(path: str) -> str:
    """A configured path with its environment variables filled in.

    Raises:
        DataError: If one is not set.
    """
    found = os.path.expandvars(path)
    if "$" in found:
        raise DataError(
            f"{path}: this environment variable is not set; set it to the folder of the words on this machine"
        )
    return found


def _split(name: str, keys: list[str], config: DataConfig, *, held_out: bool) -> tuple[int, ...]:
    indices = tuple(i for i, key in enumerate(keys) if _is_held_out(key, config.held_out) == held_out)
    if not keys:
        raise DataError(f"{name}: holds no words")
    if not indices and not held_out:
        raise ConfigError(f"{name}: nothing left to train on with held_out={config.held_out}")
    return indices


def open_sources(
    config: DataConfig,
    *,
    held_out: bool,
    seed: int = 0,
    data_root: str | None = None,
    attach_masks: MaskAttacher = without_masks,
    notify: Notify | None = None,
) -> list[WordSource]:
    """The training (or validation) parts of all sources; a source of weight 0 is left out.

    Args:
        config: Which sources, and how much of each is held out.
        held_out: The validation parts instead of the training ones.
        seed: Of rendered words to train on; those to validate on are the same for every seed, and never among them.
        data_root: Where named LMDBs are looked up first.
        attach_masks: Called with the words, folder or environment (``None`` for rendered words) and source; gives the
            words their masks.
        notify: Called with a message when something takes a while.

    Raises:
        DataError: If a source is missing or empty, or there are no fonts to render with.
        ConfigError: If none is configured, or nothing is left to train on.
    """
    opened: list[WordSource] = []
    for number, source in enumerate(config.sources):
        if not source.weight:
            continue
        if isinstance(source, RenderedSource):
            # Validation words come from a stream of their own, the same for every run.
            own, kind = (HELD_OUT_SEED, HELD_OUT_STREAM) if held_out else (seed, RENDER_STREAM)
            renderer = WordRenderer(source.render, notify)
            words = attach_masks(RenderedWords(renderer, own, (kind, number)), None, source)
            opened.append(WordSource(source.weight, words, origin=" ".join(renderer.origin().values())))
            continue

        parts: list[WordCollection] = []
        keys: list[str] = []
        recombine = color_jitter = warp = 0.0
        if isinstance(source, FolderSource):
            path = Path(expanded(source.path))
            if not path.is_dir():
                raise DataError(f"{path}: no such folder of word pictures")

            folder = FolderWords(path)
            if folder.shortfall and notify:
                notify(folder.shortfall)

            parts.append(attach_masks(PicturesOnly(folder), path, source))
            keys += [_group(name, source.group) for name, _ in folder.rows]
            recombine, color_jitter, warp = source.recombine, source.color_jitter, source.warp
        else:
            for path in find_lmdb(expanded(source.path), data_root):
                environment = PairedLmdb(path)
                parts.append(attach_masks(environment, path, source))
                keys += _names(environment, path, source.group)

        collection = parts[0] if len(parts) == 1 else JoinedWords(parts)
        # Which words are held out is decided by their names alone.
        indices = _split(source.path, keys, config, held_out=held_out)
        paired = isinstance(source, LmdbSource) and source.paired
        opened.append(WordSource(source.weight, collection, indices, paired, recombine, color_jitter, warp))

    if not opened:
        raise ConfigError("data.sources: expected at least one source with a weight above 0")
    return opened
