"""Characters that steer terminals, split lines or turn text around, shown instead of sent."""

import re

_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def show_controls(text: str) -> str:
    r"""A text with its control characters, direction marks and lone surrogates escaped.

    Example:
        >>> show_controls("a\x1b[31mb")
        'a\\x1b[31mb'
    """
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def guard_cell(text: str) -> str:
    """A text as the cell of a CSV file, with an apostrophe where a spreadsheet would take it for a formula.

    Example:
        >>> guard_cell("=1+1"), guard_cell("word")
        ("'=1+1", 'word')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard_cell(text: str) -> str:
    """Undo :func:`guard_cell`.

    Example:
        >>> unguard_cell("'=1+1"), unguard_cell("'tis")
        ('=1+1', "'tis")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
