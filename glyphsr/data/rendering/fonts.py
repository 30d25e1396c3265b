"""The fonts that words are drawn with: which there are, what they can draw, and which one a word gets."""

import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import ImageFont

from glyphsr.config.rendering import BUILTIN_FONT
from glyphsr.data.rendering.font_check import CHECK_NUMBER, CHECKED, Portrait, portrait
from glyphsr.errors import DataError
from glyphsr.safe_reading.text_files import read_json
from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.cache import cache_folder, make_private
from glyphsr.text.charset import ALPHANUMERIC

SUFFIXES = (".ttf", ".otf", ".ttc", ".pfb")
HELP = "install some (on Debian fonts-dejavu, fonts-liberation, fonts-noto-core), or name files with --fonts"

MOST_KINDS = 4096
"""Sets of special characters whose fonts are remembered."""

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Font:
    """One font file that draws letters and digits."""

    path: str
    """Or :data:`glyphsr.config.rendering.BUILTIN_FONT`."""
    covers: frozenset[str]
    """Of ASCII, £ and €, what it draws."""
    shapes: str
    """Equal for fonts whose letters look the same."""
    is_unicase: bool = False
    """Whether lower case is drawn as capitals, so that a text in it reads as capitals."""


@functools.lru_cache(maxsize=192)
def open_font(path: str, size: int) -> ImageFont.FreeTypeFont:
    """A font at a size in pixels per em; characters are placed one by one, whatever libraries are installed.

    Raises:
        DataError: If the file cannot be opened any more.
    """
    try:
        if path == BUILTIN_FONT:
            font = ImageFont.load_default(size)
            assert isinstance(font, ImageFont.FreeTypeFont)
            return font
        return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise DataError(f"{path}: the font can no longer be read: {error}") from error


class FontBook:
    """Fonts to draw with; those whose letters look the same count as one.

    Args:
        fonts: At least one.
    """

    def __init__(self, fonts: Sequence[Font]) -> None:
        looks: dict[str, list[Font]] = {}
        for font in sorted(fonts, key=lambda font: font.path):
            looks.setdefault(font.shapes, []).append(font)
        self.typefaces = tuple(sorted(looks.values(), key=lambda files: files[0].path))
        """Files by look."""
        self._covering: dict[str, frozenset[Font]] = {}
        self._able: dict[frozenset[str], list[Font]] = {}

    def __len__(self) -> int:
        return len(self.typefaces)

    @property
    def fonts(self) -> tuple[Font, ...]:
        """One file of each look."""
        return tuple(files[0] for files in self.typefaces)

    def able(self, text: str) -> list[Font]:
        """Fonts that draw every character of a text, one of each look; none where there is no such font."""
        # Every font has letters and digits; texts are alike by what else is in them.
        special = frozenset(c for c in text if c not in ALPHANUMERIC and not c.isspace())
        found = self._able.get(special)

        if found is None:
            if len(self._able) >= MOST_KINDS:
                self._able.clear()

            sets = [self._drawing(char) for char in sorted(special)]
            found = []

            for files in self.typefaces:
                whole = (font for font in files if all(font in fonts for fonts in sets))
                first = next(whole, None)
                if first is not None:
                    found.append(first)
            self._able[special] = found
        return found

    def _drawing(self, char: str) -> frozenset[Font]:
        """The files that draw a character; each is opened once for a character that not every font is looked at for."""
        found = self._covering.get(char)
        if found is None:
            every = (font for files in self.typefaces for font in files)
            if char in CHECKED:
                found = frozenset(font for font in every if char in font.covers)
            else:
                found = frozenset(font for font in every if _draws(font.path, char))
            self._covering[char] = found
        return found

    def fingerprint(self) -> str:
        """Equal for books that draw alike."""
        return hashlib.sha256("".join(files[0].shapes for files in self.typefaces).encode()).hexdigest()


def _draws(path: str, char: str) -> bool:
    try:
        found = portrait(path, char)
    except (OSError, DataError):
        return False
    return found is not None and char in found.covers


def find_fonts(places: tuple[str, ...] = (), notify: Notify | None = None) -> FontBook:
    """The usable fonts.

    What a font can draw is looked at once and kept in the cache.

    Args:
        places: Font files, folders of them, ``builtin``; none for the system's.
        notify: Called with a message when many fonts have to be checked.

    Raises:
        DataError: If a place does not exist, or no font there draws letters and digits.
    """
    files = [file for place in places for file in _files_at(place)] if places else _system_fonts()
    # Drawing all letters of many fonts takes a while, so what was seen is remembered.
    known = _Known()
    if notify and sum(not known.has(file) for file in files) > 200:
        notify(f"looking at {len(files)} fonts, once")

    fonts = []
    for file in dict.fromkeys(files):
        found = portrait(file) if file == BUILTIN_FONT else known.look(file)
        if found is not None and found.is_legible:
            fonts.append(Font(file, found.covers, found.shapes, found.is_unicase))

    known.keep()
    if not fonts:
        where = ", ".join(places) if places else "this machine"
        seen = f"none of {len(files)} font files draws" if files else "no font files to draw"
        raise DataError(f"{where}: {seen} letters and digits; {HELP}")

    return FontBook(fonts)


def _files_at(place: str) -> list[str]:
    path = Path(place)
    if place == BUILTIN_FONT or path.is_file():
        return [place]
    if path.is_dir():
        return sorted(str(file) for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    raise DataError(f"{place}: no such font file or folder; {HELP}")


def _system_fonts() -> list[str]:
    """Those that fontconfig says cover English, or where there is no fontconfig all in the usual folders."""
    try:
        command = ["fc-list", ":lang=en:scalable=true", "file"]
        listing = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [file for folder in _usual_folders() if folder.is_dir() for file in _files_at(str(folder))]
    files = {os.fsdecode(line).rpartition(":")[0] for line in listing.splitlines()}
    return sorted(file for file in files if file.lower().endswith(SUFFIXES))


def _usual_folders() -> list[Path]:
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path.home() / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts"]


class _Known:
    """What was found out about font files, by place, size and time of change."""

    def __init__(self) -> None:
        self.path = cache_folder() / "fonts.json"
        self.new = False
        self.rows: dict[str, Any] = {}
        with suppress(DataError, ValueError, KeyError, TypeError):
            document = read_json(self.path)
            if document["check"] == CHECK_NUMBER:
                self.rows = dict(document["fonts"])

    @staticmethod
    def _key(file: str) -> str:
        try:
            status = Path(file).stat()
        except OSError:
            return file
        return f"{file}:{status.st_size}:{status.st_mtime_ns}"

    def has(self, file: str) -> bool:
        return self._key(file) in self.rows

    def look(self, file: str) -> Portrait | None:
        key = self._key(file)
        known = _portrait_of(self.rows.get(key))
        # A row of null is a file that draws nothing, and need not be looked at again.
        if known is None and self.rows.get(key, "unknown") is not None:
            try:
                known = portrait(file)
            except OSError:  # it may be readable another time, so nothing is remembered
                return None
            self.new = True
            self.rows[key] = None if known is None else asdict(known) | {"covers": "".join(sorted(known.covers))}
        return known

    def keep(self) -> None:
        """A cache that cannot be written costs time, nothing else."""
        if not self.new:
            return
        with suppress(OSError, UnicodeError):
            make_private(self.path.parent)
            document = {"check": CHECK_NUMBER, "fonts": self.rows}
            write_bytes(self.path, json.dumps(document).encode())


def _portrait_of(row: Any) -> Portrait | None:
    """A row of the cache; ``None`` where it is none, or not as it should be."""
    if not isinstance(row, dict):
        return None

    covers, shapes, legible, unicase = (row.get(name) for name in ("covers", "shapes", "is_legible", "is_unicase"))
    if not (isinstance(covers, str) and isinstance(shapes, str)):
        return None
    if not (isinstance(legible, bool) and isinstance(unicase, bool)):
        return None
    return Portrait(frozenset(covers), shapes, legible, unicase)
