"""How results of ``upscale`` are named."""

import re
from dataclasses import dataclass
from pathlib import Path

from glyphsr.errors import ConfigError
from glyphsr.images.writer import picture_format
from glyphsr.upscaling.folder_listing import COMPARE_SUFFIX


@dataclass(frozen=True)
class OutputNaming:
    """How results are named."""

    suffix: str | None
    """Put after names; ``None`` for the default."""
    ext: str
    """File type of names that are not given."""
    label: str
    """Default suffix of results beside their inputs, e.g. ``_x2``."""
    compare: bool = False
    """Whether comparison pictures are written, too."""

    def __post_init__(self) -> None:
        picture_format(self.ending)
        if self.suffix is not None and re.search(r"[/\\\0]", self.suffix):
            raise ConfigError(f"--suffix {self.suffix}: expected a part of a file name, without slashes")

    @property
    def ending(self) -> str:
        """The file name ending, with its dot."""
        return "." + self.ext.lower().lstrip(".")


def compare_path(target: Path) -> Path:
    """Where the before/after picture of a result goes."""
    return target.with_name(f"{target.stem}{COMPARE_SUFFIX}.png")
