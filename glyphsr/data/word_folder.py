"""HR word pictures in a folder, with their texts in ``annotations.json``."""

import json
from pathlib import Path

from glyphsr.data.lmdb_pairs import decode_rgb
from glyphsr.errors import DataError
from glyphsr.types import Sample


class WordFolder:
    """Pictures of single words.

    ``annotations.json`` is a list of objects with at least ``file`` (relative to the folder) and ``label``.

    Args:
        path: The folder.

    Raises:
        DataError: If the annotations are missing or malformed, or, on access, a picture is unreadable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        listing = path / "annotations.json"
        try:
            rows = json.loads(listing.read_text(encoding="utf-8"))
            self.words = [(str(row["file"]), str(row["label"])) for row in rows]
        except FileNotFoundError as error:
            raise DataError(f"{listing}: no such file; a word folder needs it") from error
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f'{listing}: expected [{{"file": ..., "label": ...}}, ...]: {error!r}') from error

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, without LR side."""
        name, label = self.words[index]
        file = self.path / name
        try:
            encoded = file.read_bytes()
        except OSError as error:
            raise DataError(f"{file}: {error.strerror}") from error
        return Sample(id=f"{self.path.name}/{name}", hr=decode_rgb(encoded, str(file)), label=label)
