"""What is written: words, numbers, prices, plates, codes, addresses, phrases, or the lines of a file."""

import functools
import hashlib
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from glyphsr.config.rendering import RenderConfig, TextConfig
from glyphsr.data.rendering.fonts import FontBook
from glyphsr.data.rendering.random_choices import RandomChoices
from glyphsr.errors import DataError
from glyphsr.safe_reading.text_files import read_text
from glyphsr.text.charset import DIGITS, filter_lower

WORD_LISTS = (Path("/usr/share/dict/words"), Path("/usr/share/dict/american-english"))

SIGN_WORDS = tuple(Path(__file__).with_name("sign_words.txt").read_text(encoding="utf-8").split())
"""Words one meets on signs, packages and screens."""

COMMON_WORDS = tuple(Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").split())
"""Words that running text is full of, roughly the commonest first."""

SIGN_PROB, COMMON_PROB = 0.25, 0.2
"""Probabilities that a word is one of signs or a common one, rather than from the system's list."""

COMMONEST = 2.0
"""The greater, the more often the first of the common words come."""

LENGTHS = dict(zip(range(2, 17), (6, 14, 18, 17, 14, 11, 8, 5, 3, 1.5, 1, 0.6, 0.5, 0.2, 0.2), strict=True))
"""Characters of a word -> how often words of the system's list have as many: about as on signs and in print. In the
list itself long words are the greater part."""

MAX_LINE = 64
"""Characters of the longest text of a file."""

RIGHT_TO_LEFT = ("R", "AL")
"""Unicode's classes of such letters."""

SHAPED = (
    *("HANGUL CHOSEONG", "HANGUL JUNGSEONG", "HANGUL JONGSEONG", "CHAM", "LIMBU", "TAI THAM", "MEETEI MAYEK", "SYLOTI"),
    *("DEVANAGARI", "BENGALI", "GURMUKHI"),
    *("GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "THAI", "LAO", "TIBETAN", "MYANMAR"),
    *("KHMER", "MONGOLIAN", "BALINESE", "JAVANESE", "REGIONAL INDICATOR", "HANGUL FILLER", "HALFWIDTH HANGUL FILLER"),
)
"""Beginnings of the names of characters that are not drawn one by one."""

STREETS = ("St", "Street", "Ave", "Road", "Rd", "Blvd", "Lane", "Way", "Square", "Place")
DOMAINS = (".com", ".org", ".net", ".co", ".de", ".uk")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "March", "June")
CURRENCIES = ("$", "$", "$", "£", "€", "")
CODE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MARKS = (
    *(("", mark) for mark in (".", ".", ".", ",", ",", "!", "!", "!!", "!!!", "?", ":", "...", "-", "*")),
    *((mark, "") for mark in ("-", "#", "*", "+", "@")),
    *(('"', '"'), ('"', ""), ("", '"'), ("'", "'"), ("(", ")")),
)
"""What may stand before and after a word."""


class TextSampler(Protocol):
    """Gives texts to draw."""

    def write(self, draws: RandomChoices) -> str:
        """The next text."""
        ...

    def fingerprint(self) -> str:
        """Equal for texts that are drawn alike; settings do not count."""
        ...


@functools.cache
def load_words() -> tuple[str, ...]:
    """Words of the system's word list, ASCII letters only; those of signs where there is none."""
    for path in WORD_LISTS:
        if path.is_file():
            words = path.read_text(encoding="utf-8", errors="ignore").split()
            kept = tuple(word for word in words if word.isascii() and word.isalpha())
            if kept:
                return kept
    return SIGN_WORDS


@functools.cache
def words_by_length() -> dict[int, tuple[str, ...]]:
    """The same words by their number of characters."""
    words: dict[int, list[str]] = {}
    for word in load_words():
        words.setdefault(len(word), []).append(word)
    return {length: tuple(members) for length, members in words.items()}


class RandomTexts:
    """Texts by kind and case.

    Args:
        config: Weights of kinds and cases.
    """

    def __init__(self, config: TextConfig) -> None:
        self.config = config
        kinds: dict[str, Callable[[RandomChoices], str]] = {
            "word": self.word,
            "number": _number,
            "price": _price,
            "code": _code,
            "plate": _plate,
            "address": self._address,
            "phrase": self._phrase,
            "date": _date,
            "email": self._email,
        }

        # Words are drawn by length as in running text, as far as the word list has such lengths.
        there = {length: LENGTHS.get(length, 0.0) for length in words_by_length()}
        limit = max(config.max_characters, min(there))
        self._lengths = {n: weight for n, weight in there.items() if n <= limit and weight} or {min(there): 1.0}

        self._kinds = {write: getattr(config, name) for name, write in kinds.items()}

        self._cases: dict[Callable[[str], str] | None, float] = {
            str.upper: config.upper,
            str.capitalize: config.capitalised,
            str.lower: config.lower,
            None: config.mixed,
        }

    def write(self, draws: RandomChoices) -> str:
        """As :meth:`TextSampler.write`."""
        while True:
            text = draws.pick_by(self._kinds)(draws)
            if filter_lower(text):  # what has neither letter nor digit could never be read rightly
                return text

    def fingerprint(self) -> str:
        """As :meth:`TextSampler.fingerprint`."""
        return _digest((*load_words(), *SIGN_WORDS, *COMMON_WORDS))

    def word(self, draws: RandomChoices) -> str:
        """One word in some case, with a mark perhaps."""
        text = self._in_case(self._plain_word(draws), draws)
        # No draw where there are none, so that data sets made before there were any come out as they did.
        if self.config.marked and draws.happens(self.config.marked):
            before, behind = draws.pick(MARKS)
            return f"{before}{text}{behind}"
        return text

    def _plain_word(self, draws: RandomChoices) -> str:
        part = draws.unit()
        # Words that are too long are drawn again a few times, and then cut.
        for _ in range(8):
            if part < SIGN_PROB:
                word = draws.pick(SIGN_WORDS)
            elif part < SIGN_PROB + COMMON_PROB:
                word = COMMON_WORDS[int(draws.unit() ** COMMONEST * len(COMMON_WORDS))]
            else:
                word = draws.pick(words_by_length()[draws.pick_by(self._lengths)])
            if len(word) <= self.config.max_characters:
                return word
        return word[: self.config.max_characters]

    def _in_case(self, text: str, draws: RandomChoices) -> str:
        change = draws.pick_by(self._cases)
        if change is not None:
            return change(text)
        return "".join(c.upper() if draws.happens(0.5) else c.lower() for c in text)

    def _phrase(self, draws: RandomChoices) -> str:
        words = [self._plain_word(draws) for _ in range(draws.number(*self.config.phrase_words))]
        while len(words) > 1 and len(" ".join(words)) > (self.config.phrase_characters or self.config.max_characters):
            words.pop()
        text = " ".join(words)
        # One case for all words, as on signs.
        change = draws.pick_by(self._cases)
        return (
            text.title() if change is str.capitalize else self._in_case(text, draws) if change is None else change(text)
        )

    def _address(self, draws: RandomChoices) -> str:
        kind = draws.number(0, 2)
        if kind == 0:
            return f"{draws.number(1, 999)} {draws.pick(SIGN_WORDS).capitalize()} {draws.pick(STREETS)}"
        if kind == 1:
            return f"{'www.' if draws.happens(0.6) else ''}{draws.pick(SIGN_WORDS)}{draws.pick(DOMAINS)}"
        mark = draws.pick(("-", "-", ".", " "))
        return mark.join(_digits(draws, count) for count in ((3, 4) if draws.happens(0.5) else (3, 3, 4)))

    def _email(self, draws: RandomChoices) -> str:
        name = draws.pick(("", draws.pick(SIGN_WORDS) + draws.pick((".", "_", "-")))) + draws.pick(SIGN_WORDS)
        return (
            f"{name}{draws.number(1, 99) if draws.happens(0.3) else ''}@{draws.pick(SIGN_WORDS)}{draws.pick(DOMAINS)}"
        )


def _digits(draws: RandomChoices, count: int) -> str:
    return "".join(draws.pick(DIGITS) for _ in range(count))


def _number(draws: RandomChoices) -> str:
    text = _digits(draws, draws.number(1, 6))
    form = draws.unit()
    if form < 0.7:
        return text
    if form < 0.8:
        return f"{draws.number(0, 23)}:{draws.number(0, 59):02d}"
    if form < 0.9:
        return f"{draws.number(1, 100)}%"
    return f"{int(text):,}"


def _price(draws: RandomChoices) -> str:
    cents = f".{draws.number(0, 99):02d}" if draws.happens(0.75) else ""
    return f"{draws.pick(CURRENCIES)}{draws.number(0, 10 ** draws.number(1, 3))}{cents}"


def _date(draws: RandomChoices) -> str:
    day, month, year = draws.number(1, 28), draws.number(1, 12), draws.number(1950, 2035)

    form = draws.unit()
    if form < 0.4:
        mark = draws.pick(("/", "-", "."))
        short = f"{year % 100:02d}" if draws.happens(0.5) else str(year)
        return mark.join((f"{day:02d}", f"{month:02d}", short))

    if form < 0.6:
        return f"{year}-{month:02d}-{day:02d}"

    if form < 0.8:
        name = draws.pick(MONTHS)
        return f"{day} {name} {year}" if draws.happens(0.5) else f"{name} {day}, {year}"

    time = f"{draws.number(0, 23):02d}:{draws.number(0, 59):02d}"
    return time + draws.pick(("", "", f":{draws.number(0, 59):02d}", " am", " PM"))


def _code(draws: RandomChoices) -> str:
    text = "".join(draws.pick(DIGITS if draws.happens(0.45) else CODE_LETTERS) for _ in range(draws.number(2, 8)))
    return text if draws.happens(0.75) else text.lower()


def _plate(draws: RandomChoices) -> str:
    groups = [
        "".join(draws.pick(CODE_LETTERS) for _ in range(draws.number(1, 3)))
        if draws.happens(0.5)
        else _digits(draws, draws.number(2, 4))
        for _ in range(draws.number(2, 3))
    ]
    return draws.pick((" ", " ", "-", "")).join(groups)


class LinesOfFiles:
    """The lines of text files, as they stand.

    Args:
        files: Text files, one text a line.
        book: Fonts that must be able to draw them.

    Raises:
        DataError: If a file cannot be read or holds nothing, or a line is too long or has characters that no font
            draws.
    """

    def __init__(self, files: tuple[str, ...], book: FontBook) -> None:
        self.texts: list[str] = []
        for file in files:
            for number, line in enumerate(_lines(file), start=1):
                # Composed characters: one glyph for each, as a font draws them.
                text = " ".join(unicodedata.normalize("NFC", line).split())
                if text:
                    _check(text, book, f"{file}:{number}")
                    self.texts.append(text)
        if not self.texts:
            raise DataError(f"{', '.join(files)}: no text in it; expected one a line")

    def write(self, draws: RandomChoices) -> str:
        """As :meth:`TextSampler.write`."""
        return draws.pick(self.texts)

    def fingerprint(self) -> str:
        """As :meth:`TextSampler.fingerprint`."""
        return _digest(self.texts)


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _lines(file: str) -> list[str]:
    return read_text(Path(file)).split("\n")


def _check(text: str, book: FontBook, where: str) -> None:
    if len(text) > MAX_LINE:
        raise DataError(f"{where}: {len(text)} characters in a line, expected at most {MAX_LINE}")

    # Marks and controls, right-to-left and joining scripts: their glyphs depend on their neighbours.
    unfit = [
        c
        for c in text
        if not c.isprintable()
        or unicodedata.category(c)[0] in "MC"
        or unicodedata.bidirectional(c) in RIGHT_TO_LEFT
        or unicodedata.name(c, "").startswith(SHAPED)
    ]
    if unfit:
        raise DataError(
            f"{where}: {text!r} has {unfit[0]!r}; expected characters that are drawn one by one, left to right"
        )

    if book.able(text):
        return

    missing = sorted({c for c in text if not c.isspace() and not book.able(c)})
    what = f"no font draws {' '.join(missing)}" if missing else "no font draws all its characters"
    raise DataError(f"{where}: {text!r}: {what}; install one that does, name it with --fonts, or leave the line out")


def open_texts(config: RenderConfig, book: FontBook) -> TextSampler:
    """The texts of a configuration.

    Raises:
        DataError: As :class:`LinesOfFiles`.
    """
    return LinesOfFiles(config.words, book) if config.words else RandomTexts(config.text)
