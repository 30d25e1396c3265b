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

from glyphsr.cache import cache_folder
from glyphsr.config.rendering import BUILTIN_FONT
from glyphsr.data.rendering.font_check import CHECK_NUMBER, CHECKED, Portrait, portrait
from glyphsr.errors import DataError
from glyphsr.files import write_bytes
from glyphsr.text.charset import ALPHANUMERIC

SUFFIXES = (".ttf", ".otf", ".ttc", ".pfb")
HELP = "install some (on Debian fonts-dejavu, fonts-liberation, fonts-noto-core), or name files with --fonts"

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
        kinds: dict[str, Font] = {}
        for font in sorted(fonts, key=lambda font: font.path):
            kinds.setdefault(font.shapes, font)
        self.fonts = tuple(sorted(kinds.values(), key=lambda font: font.path))
        self._able: dict[frozenset[str], list[Font]] = {}

    def __len__(self) -> int:
        return len(self.fonts)

    def able(self, text: str) -> list[Font]:
        """Fonts that draw every character of a text; none where there is no such font."""
        special = frozenset(c for c in text if c not in ALPHANUMERIC and not c.isspace())
        found = self._able.get(special)
        if found is None:
            found = self._able[special] = [font for font in self.fonts if _draws(font, special)]
        return found

    def fingerprint(self) -> str:
        """Equal for books that draw alike."""
        return hashlib.sha256("".join(font.shapes for font in self.fonts).encode()).hexdigest()


def _draws(font: Font, characters: frozenset[str]) -> bool:
    rare = {c for c in characters if c not in CHECKED}
    if not characters - rare <= font.covers:
        return False
    if not rare:
        return True
    found = portrait(font.path, "".join(sorted(rare)))
    return found is not None and rare <= found.covers


def find_fonts(places: tuple[str, ...] = (), notify: Notify | None = None) -> FontBook:
    """The usable fonts.

    What a font can draw is looked at once and kept in the cache.

    Args:
        places: Font files, folders of them, ``builtin``; none for the system's.
        notify: Told when many fonts have to be looked at.

    Raises:
        DataError: If a place does not exist, or no font there draws letters and digits.
    """
    files = [file for place in places for file in _files_at(place)] if places else _system_fonts()
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
        return sorted(str(file) for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
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
        self.rows: dict[str, dict[str, Any] | None] = {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads(self.path.read_text(encoding="utf-8"))
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
        if key not in self.rows:
            found = portrait(file)
            self.new = True
            self.rows[key] = None if found is None else asdict(found) | {"covers": "".join(sorted(found.covers))}
        row = self.rows[key]
        return None if row is None else Portrait(**{**row, "covers": frozenset(row["covers"])})

    def keep(self) -> None:
        """A cache that cannot be written costs time, nothing else."""
        if not self.new:
            return
        with suppress(OSError, UnicodeError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            document = {"check": CHECK_NUMBER, "fonts": self.rows}
            write_bytes(self.path, json.dumps(document).encode())
