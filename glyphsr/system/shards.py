"""Splits work among machines or processes, which need not know of each other."""

import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from glyphsr.errors import ConfigError
from glyphsr.safe_reading.numbers import whole_number


def parse_shard(text: str | None, environment: Mapping[str, str] | None = None) -> tuple[int, int]:
    """A shard ``I/N`` as numbers counted from 1; without a text it is the rank that a launcher gave.

    Raises:
        ConfigError: If the text is not ``I/N``, or rank and world size contradict each other.

    Example:
        >>> parse_shard("2/3"), parse_shard(None, {"RANK": "0", "WORLD_SIZE": "4"}), parse_shard(None, {})
        ((2, 3), (1, 4), (1, 1))
    """
    if text is None:
        known = os.environ if environment is None else environment
        # Launchers count ranks from 0, shards are counted from 1.
        rank, total = known.get("RANK", ""), known.get("WORLD_SIZE", "")
        if not rank or not total:
            return 1, 1

        own, every = whole_number(rank), whole_number(total)
        if own is None or every is None or own >= every:
            raise ConfigError(
                f"environment: RANK {rank} does not fit WORLD_SIZE {total}; unset both, or give --shard I/N"
            )
        return own + 1, every

    first, slash, second = text.partition("/")
    number, count = whole_number(first), whole_number(second)
    if not slash or number is None or count is None or not 1 <= number <= count:
        raise ConfigError(f"--shard {text}: expected I/N with I from 1 to N, e.g. 1/4")
    return number, count


def shard_of(name: str, total: int) -> int:
    """The shard, from 1, that a name falls into; it depends on no other name and is the same on every machine.

    Example:
        >>> [shard_of(f"{n}.png", 3) for n in range(9)]
        [3, 3, 2, 3, 2, 1, 2, 3, 1]
    """
    return zlib.crc32(os.fsencode(name)) % total + 1


def shard_path(path: Path, shard: tuple[int, int]) -> Path:
    """Name of a file that one shard writes, so that no shard overwrites another's.

    Example:
        >>> shard_path(Path("report.csv"), (2, 4)).name, shard_path(Path("report.csv"), (1, 1)).name
        ('report-2-of-4.csv', 'report.csv')
    """
    number, total = shard
    return path if total == 1 else path.with_name(f"{path.stem}-{number}-of-{total}{path.suffix}")
