"""Reads LMDB's file format without mapping it: a damaged page is an error, never a crash of the process.

LMDB itself believes every number in its pages. Here each page is read by its number and checked; a file that is cut
off or replaced while it is open gives an error as well.
"""

import os
import struct
import weakref
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from glyphsr.errors import DataError
from glyphsr.safe_reading.limits import PICTURE_BYTES

MAGIC, VERSION = 0xBEEFC0DE, 1
BRANCH, LEAF, OVERFLOW, META = 0x01, 0x02, 0x04, 0x08
"""Kinds of pages."""

BIG, PLAIN = 0x01, 0x00
"""Kinds of values: on pages of their own, or after their key."""

NOTHING = 2**64 - 1
"""Number of no page."""

MAX_DEPTH = 32
KEPT_PAGES = 1024
"""Pages of either kind that are kept as read."""

PACKING, LEAST_ENTRY = 64, 24
"""How much smaller than it looks a file may be stored, and bytes of the smallest entry of a sample."""

_HEADER = struct.Struct("<QHHHH")
_META = struct.Struct("<II16x")
_DATABASE = struct.Struct("<IHH5Q")
_NODE = struct.Struct("<HHHH")


class _DamagedPageError(Exception):
    """Number of a page, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Tree:
    """One of the two trees of a file."""

    flags: int
    depth: int
    root: int


class _Page:
    """A page whose header was checked; its entries are when they are looked at.

    Args:
        content: All of it.
        places: Where in it its entries begin.
        number: Its own.
        is_leaf: Whether it has values, or pages below.
    """

    def __init__(self, content: bytes, places: tuple[int, ...], number: int, *, is_leaf: bool) -> None:
        self.content, self.places, self.number, self.is_leaf = content, places, number, is_leaf
        self._looked = 0

    def _entry(self, index: int) -> tuple[int, int, int, int]:
        """Its first three numbers, and the end of its key."""
        place = self.places[index]
        low, high, flags, key_size = _NODE.unpack_from(self.content, place)
        end = place + _NODE.size + key_size
        if end > len(self.content):
            raise _DamagedPageError(self.number, "has a key beyond its end")
        return low, high, flags, end

    def key(self, index: int) -> bytes:
        """Key of an entry; the first one of a page that is no leaf stands for all below."""
        content, place = self.content, self.places[index]
        return content[place + 8 : place + 8 + (content[place + 6] | content[place + 7] << 8)]  # unpacking takes longer

    @cached_property
    def keys(self) -> list[bytes]:
        """All of them."""
        return [self.key(index) for index in range(len(self.places))]

    def child(self, index: int) -> int:
        """Number of the page below."""
        low, high, flags, _ = self._entry(index)
        return low | high << 16 | flags << 32

    def child_of(self, key: bytes) -> int:
        """Index of the entry below which a key is."""
        return bisect_right(self.keys, key, lo=1) - 1

    def find(self, key: bytes) -> int | None:
        """Index of a leaf's entry."""
        self._looked += 1
        if self._looked > 1:
            index = bisect_left(self.keys, key)
        else:  # in a random order most leaves are looked at once, and all their keys would cost ten times as much
            index = bisect_left(range(len(self.places)), key, key=self.key)
        return index if index < len(self.places) and self.key(index) == key else None

    def value(self, index: int) -> tuple[int, int, int]:
        """Kind, place and size of a leaf's value; of a big one the place is its page."""
        low, high, flags, end = self._entry(index)
        size = low | high << 16
        if end + (8 if flags & BIG else size) > len(self.content):
            raise _DamagedPageError(self.number, "has a value beyond its end")
        return flags, int.from_bytes(self.content[end : end + 8], "little") if flags & BIG else end, size


class LmdbFile:
    """The main database of an LMDB file, read-only.

    Args:
        path: ``data.mdb``.
        where: Names it in messages.

    Raises:
        DataError: From all methods, if the file is missing, no such file, cut off or damaged; naming the page.
    """

    def __init__(self, path: Path, where: object) -> None:
        self.where = where
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise DataError(f"{where}: cannot be read: {error.strerror}") from error

        self._closer = weakref.finalize(self, os.close, self._descriptor)
        self._leaves: dict[int, _Page] = {}
        self._branches: dict[int, _Page] = {}

        # Of the two headers, the one of the later transaction holds.
        first = self._meta(0, os.fstat(self._descriptor).st_size)
        second = self._meta(self.page_size, os.fstat(self._descriptor).st_size)
        _, self.last_page, self._free, self._main = max(first, second, key=lambda meta: meta[0])

        size, needed = os.fstat(self._descriptor).st_size, (self.last_page + 1) * self.page_size
        if size < needed:
            raise DataError(f"{where}: data.mdb is cut off at {size} of {needed} bytes; copy it again")

        if self._main.flags:
            raise DataError(f"{where}: cannot open the LMDB (its keys have a special order or several values)")

    @property
    def most_entries(self) -> int:
        """Entries that the file has room for, also where a file system packs it well."""
        status = os.fstat(self._descriptor)
        stored = min(status.st_size, PACKING * 512 * getattr(status, "st_blocks", status.st_size))
        return stored // LEAST_ENTRY

    def close(self) -> None:
        """Let the file go."""
        self._closer()

    def _refuse(self, why: str) -> NoReturn:
        raise DataError(f"{self.where}: cannot open the LMDB ({why}); copy it again")

    def _read(self, size: int, place: int) -> bytes:
        try:
            return os.pread(self._descriptor, size, place)
        except (OSError, OverflowError) as error:
            raise DataError(f"{self.where}: cannot be read: {error}") from error

    def _meta(self, place: int, file_size: int) -> tuple[int, int, _Tree, _Tree]:
        """Number of the transaction, last page, tree of free pages, main tree."""
        content = self._read(152, place)
        if len(content) < 152 or not _HEADER.unpack_from(content)[2] & META:
            self._refuse(f"no header at byte {place} of {file_size}")
        if _META.unpack_from(content, 16) != (MAGIC, VERSION):
            self._refuse("not an LMDB of a version that is known")

        # The two trees, free pages first; the page's size is a field of the first.
        free, main = (_DATABASE.unpack_from(content, start) for start in (40, 88))
        self.page_size: int = free[0]
        if self.page_size not in (1 << n for n in range(9, 16)):
            self._refuse(f"pages of {self.page_size} bytes")

        last_page, transaction = struct.unpack_from("<QQ", content, 136)
        if max(free[2], main[2]) > MAX_DEPTH or last_page > 1 << 48:
            self._refuse(f"its header says {max(free[2], main[2])} levels, {last_page} pages")
        # The flag of integer keys is always set in the tree of free pages; its low byte holds those of the main one.
        return transaction, last_page, _Tree(free[1], free[2], free[7]), _Tree(main[1] & 0xFF, main[2], main[7])

    def _page(self, number: int, *, is_leaf: bool) -> _Page:
        kept = self._leaves if is_leaf else self._branches  # apart: leaves come and go, branches are used again
        page = kept.get(number)
        if page is None:
            page = self._parse(number)
            if len(kept) >= KEPT_PAGES:
                kept.pop(next(iter(kept)), None)
            kept[number] = page

        if page.is_leaf != is_leaf:
            raise _DamagedPageError(number, "is at the wrong level")
        return page

    def _parse(self, number: int) -> _Page:
        if not 2 <= number <= self.last_page:
            raise _DamagedPageError(number, f"is none of {self.last_page + 1}")

        content = self._read(self.page_size, number * self.page_size)
        if len(content) < self.page_size:
            raise _DamagedPageError(number, "is beyond the end of the file")

        # Own number, kind, and where its list of entries ends and its content begins.
        own, _, flags, lower, upper = _HEADER.unpack_from(content)
        kind = flags & 0x6F
        if own != number or kind not in (BRANCH, LEAF):
            raise _DamagedPageError(number, f"has number {own} and kind {flags:#x} in its header")
        if lower <= _HEADER.size or lower % 2 or not lower <= upper <= self.page_size:
            raise _DamagedPageError(number, f"has its entries up to byte {lower}, its content from {upper}")

        places = struct.unpack_from(f"<{(lower - _HEADER.size) // 2}H", content, _HEADER.size)
        if max(places) + _NODE.size > self.page_size:
            raise _DamagedPageError(number, "has an entry beyond its end")
        return _Page(content, places, number, is_leaf=kind == LEAF)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Say of which file a damaged page is."""
        try:
            yield
        except _DamagedPageError as error:
            raise self._named(error) from error

    def _named(self, error: _DamagedPageError) -> DataError:
        number, why = error.args
        return DataError(f"{self.where}: damaged: page {number} {why}; copy it again")

    def _find(self, key: bytes) -> tuple[_Page, tuple[int, int, int]] | None:
        """The leaf that a key is on, and its value."""
        number = self._main.root
        if number == NOTHING:
            return None
        # As many levels as the header says: a ring of pages cannot trap us.
        for _ in range(self._main.depth - 1):
            page = self._page(number, is_leaf=False)
            number = page.child(page.child_of(key))
        page = self._page(number, is_leaf=True)
        index = page.find(key)
        return None if index is None else (page, page.value(index))

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, ``None`` where there is none."""
        found = self._value(key, None)
        return None if found is None else found[1]

    def size_and_tail(self, key: bytes, count: int) -> tuple[int, bytes] | None:
        """How many bytes a value has, and its last ones."""
        return self._value(key, count)

    def _value(self, key: bytes, tail: int | None) -> tuple[int, bytes] | None:
        try:
            found = self._find(key)
            if found is None:
                return None

            page, (flags, place, size) = found
            if flags not in (PLAIN, BIG):
                raise DataError(f"{self.where}: {key!r}: a database inside the database, no value")

            skipped = 0 if tail is None else max(0, size - tail)
            if size - skipped > self.page_size:  # asking for the limit takes longer than reading a page
                PICTURE_BYTES.check(size - skipped, f"{self.where}: {key!r}", DataError)

            return size, self._stored(flags, place, size, page, skipped)
        except _DamagedPageError as error:
            raise self._named(error) from error

    def _stored(self, flags: int, place: int, size: int, page: _Page, skipped: int = 0) -> bytes:
        """A value of a leaf, without its first bytes."""
        if flags != BIG:
            return page.content[place + skipped : place + size]
        self._check_big(place, size)
        content = self._read(size - skipped, place * self.page_size + _HEADER.size + skipped)
        if len(content) < size - skipped:
            raise _DamagedPageError(place, "is beyond the end of the file")
        return content

    def _check_big(self, number: int, size: int) -> int:
        """How many pages a big value takes, if they are all there."""
        # A big value begins after a page's header and continues over the next pages.
        count = (_HEADER.size + size - 1) // self.page_size + 1
        if not 2 <= number <= self.last_page + 1 - count:
            raise _DamagedPageError(number, f"to {number + count - 1} are none of {self.last_page + 1}")

        header = self._read(_HEADER.size, number * self.page_size)
        own, _, flags = struct.unpack_from("<QHH", header.ljust(_HEADER.size, b"\0"))
        if own != number or flags & OVERFLOW != OVERFLOW or int.from_bytes(header[12:], "little") < count:
            raise _DamagedPageError(number, f"does not hold a value of {size} bytes")
        return count

    def keys_below(self, key: bytes) -> Iterator[bytes]:
        """Keys that come before one, the last of them first."""
        if self._main.root == NOTHING:
            return
        # Keys must fall strictly, which also ends walks through damaged trees.
        last = key
        with self._naming():
            for number, found in self._below(self._main.root, self._main.depth - 1, key):
                if found >= last:
                    raise _DamagedPageError(number, "has keys that are not in order")
                last = found
                yield found

    def _below(self, number: int, height: int, key: bytes) -> Iterator[tuple[int, bytes]]:
        page = self._page(number, is_leaf=height <= 0)
        if height <= 0:
            keys = page.keys
            yield from ((number, found) for found in reversed(keys[: bisect_left(keys, key)]))
            return
        for index in range(page.child_of(key), -1, -1):
            yield from self._below(page.child(index), height - 1, key)

    def check(self) -> list[str]:
        """Look at every page of both trees; what is wrong, each naming its page.

        After it, LMDB itself can open the file, too, for example to continue writing.
        """
        problems: list[str] = []
        seen: set[int] = set()
        for tree in (self._free, self._main):
            if tree.root != NOTHING:
                self._check_below(tree, tree.root, tree.depth - 1, seen, problems)
        return problems

    def _check_below(self, tree: _Tree, number: int, height: int, seen: set[int], problems: list[str]) -> None:
        try:
            with self._naming():
                self._claim(number, 1, seen)
                page = self._page(number, is_leaf=height <= 0)
                ordered = page.keys[1:] if height > 0 else page.keys
                if tree is self._main and any(a >= b for a, b in pairwise(ordered)):
                    raise _DamagedPageError(number, "has keys that are not in order")
                below = [] if page.is_leaf else [page.child(index) for index in range(len(page.places))]
                values = [page.value(index) for index in range(len(page.places))] if page.is_leaf else []
        except DataError as error:
            problems.append(str(error))
            return

        # Pages below are looked at although this one may have a neighbour that is damaged.
        for child in below:
            self._check_below(tree, child, height - 1, seen, problems)

        for flags, place, size in values:
            try:
                with self._naming():
                    if flags == BIG:
                        self._claim(place, self._check_big(place, size), seen)
                    if tree is self._free:
                        self._check_free(number, self._stored(flags, place, size, page))
            except DataError as error:
                problems.append(str(error))

    def _claim(self, first: int, count: int, seen: set[int]) -> None:
        """A page belongs to one thing only; this also ends circles."""
        pages = range(first, first + count)
        if not seen.isdisjoint(pages):
            raise _DamagedPageError(first, "is used twice")
        seen.update(pages)

    def _check_free(self, number: int, content: bytes) -> None:
        """A list of free pages, after its length."""
        numbers = struct.unpack(f"<{len(content) // 8}Q", content[: len(content) // 8 * 8])
        if not numbers or numbers[0] >= len(numbers) or any(not 2 <= n <= self.last_page for n in numbers[1:]):
            raise _DamagedPageError(number, "lists free pages that are none")
