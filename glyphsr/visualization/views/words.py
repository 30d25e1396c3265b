"""Which words are shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.visualize import VisualizeConfig
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.pair_loader import HR_SIZE, LR_SIZE
from glyphsr.data.sources import find_lmdb
from glyphsr.errors import ConfigError, DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.images.reader import read_picture
from glyphsr.images.resize import resize_like_pil
from glyphsr.images.transparency import as_seen

SHOWN = 8
"""Words where nothing else is asked for."""


@dataclass(frozen=True, eq=False)
class ShownWord:
    """One picture, with what is known of it."""

    title: str
    lr: NDArray[np.uint8]
    """``(h, w, 3)`` uint8 RGB."""
    hr: NDArray[np.uint8] | None = None
    label: str | None = None
    subset: str = ""
    source: Path | None = None
    """LMDB that it is from."""
    place: int = 0
    """Its index there, from 0."""


def read_files(inputs: Sequence[str | Path], text: str | None) -> list[ShownWord]:
    """Pictures of text from files and folders.

    Raises:
        PictureError: If a file is no picture.
        DataError: If a path does not exist, or a folder holds none.
    """
    paths: list[Path] = []
    for given in map(Path, inputs):
        if given.is_dir():
            found = sorted(path for path in given.iterdir() if path.suffix.lower() in SUFFIXES)
            if not found:
                raise DataError(f"{given}: no pictures in it ({', '.join(SUFFIXES)})")
            paths += found
        elif given.is_file():
            paths.append(given)
        else:
            raise DataError(f"{given}: no such file or folder")
    return [ShownWord(path.name, _bytes(as_seen(read_picture(path))), label=text) for path in paths]


def _bytes(rgb: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray((rgb.clip(0, 1) * 255).round(), np.uint8)


def read_word(source: PairedLmdb, place: int, subset: str) -> ShownWord:
    """One word of an LMDB.

    Raises:
        DataError: If it cannot be read.
    """
    sample = source[place]
    if sample.lr is None:
        raise DataError(f"{sample.id}: no LR side")
    return ShownWord(sample.id, sample.lr, sample.hr, sample.label, subset, source.path, place)


def squashed(word: ShownWord) -> ShownWord:
    """A word as judges see it by the paper's protocol: LR of 16 x 64, HR of 32 x 128."""
    return replace(
        word, lr=resize_like_pil(word.lr, LR_SIZE), hr=None if word.hr is None else resize_like_pil(word.hr, HR_SIZE)
    )


class WordSets:
    """The data sets of a configuration, counted through.

    Raises:
        DataError: If one is not there.
    """

    def __init__(self, names: Sequence[str], data_root: str | None) -> None:
        self.parts = [(name, PairedLmdb(path)) for name in names for path in find_lmdb(name, data_root)]
        for _, source in self.parts:
            source.check_sides()
        self.sizes = [len(source) for _, source in self.parts]
        self.total = sum(self.sizes)

    def read(self, number: int) -> ShownWord:
        """Word ``number`` of all, from 0."""
        for (name, source), size in zip(self.parts, self.sizes, strict=True):
            if number < size:
                return read_word(source, number, Path(name).name)
            number -= size
        raise IndexError(number)

    def __iter__(self) -> Iterator[ShownWord]:
        return map(self.read, range(self.total))


def choose_words(inputs: Sequence[str | Path], config: VisualizeConfig) -> list[ShownWord]:
    """Files as given, or words of data sets by number, at random, or spread evenly.

    Raises:
        ConfigError: If nothing is named, or a number is not there.
        DataError: If words cannot be read.
    """
    if inputs:
        if config.lmdb or config.index or config.sample:
            raise ConfigError("INPUT: give pictures, or --lmdb with --index or --sample, not both")
        return read_files(inputs, config.text)
    if config.text is not None:
        raise ConfigError("--text: is of pictures given as files; words of --lmdb have their own")
    if config.index and config.sample:
        raise ConfigError("--index: give numbers or --sample, not both")

    sets = open_sets(config)
    if config.index:
        if len(sets.parts) > 1:
            raise ConfigError("--index: numbers the words of one --lmdb, and several are named")
        beyond = next((number for number in config.index if number > sets.total), None)
        if beyond is not None:
            raise ConfigError(f"--index: expected 1..{sets.total}, got {beyond}")
        return [sets.read(number - 1) for number in config.index]

    # At random by the seed, or spread over the sets.
    count = min(config.sample or SHOWN, sets.total)
    if config.sample:
        numbers = np.sort(np.random.default_rng(config.seed).choice(sets.total, count, replace=False))
    else:
        numbers = np.unique(np.linspace(0, sets.total - 1, count).round().astype(int))

    return [sets.read(int(number)) for number in numbers]


def open_sets(config: VisualizeConfig) -> WordSets:
    """The data sets that are named.

    Raises:
        ConfigError: If none is.
        DataError: If one is not there, or all are empty.
    """
    if not config.lmdb:
        raise ConfigError("INPUT: expected pictures, or --lmdb NAME")
    sets = WordSets(config.lmdb, config.data_root)
    if not sets.total:
        raise DataError(f"--lmdb {','.join(config.lmdb)}: holds no words")
    return sets
