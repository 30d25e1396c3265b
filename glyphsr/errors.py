"""The errors a user can put right, and the exit code each one ends a command with."""

from typing import ClassVar


class GlyphSRError(Exception):
    """Something the user can put right; the CLI shows it as one line, without a traceback."""

    exit_code: ClassVar[int] = 1
    is_repeated: bool = False
    """Whether another process of the same run says it."""


class ConfigError(GlyphSRError):
    """A configuration or an argument that cannot be used."""

    exit_code: ClassVar[int] = 2


class OutputError(GlyphSRError):
    """A result that cannot be written; what was written before is whole."""


class DataError(GlyphSRError):
    """A data set or a picture that is missing, unreadable or not what it claims to be."""

    exit_code: ClassVar[int] = 4


class WeightsError(GlyphSRError):
    """A checkpoint that is missing, corrupt or made for another network."""

    exit_code: ClassVar[int] = 4


class PictureError(DataError):
    """One picture that cannot be read or written; a run over many pictures continues without it."""

    exit_code: ClassVar[int] = 1
