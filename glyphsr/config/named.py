"""The package's configurations, by name: in an installation inside the package, in a checkout beside it."""

import difflib
import re
from itertools import takewhile
from pathlib import Path

from glyphsr.errors import ConfigError
from glyphsr.safe_reading.text_files import read_text

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "configs", PACKAGE.parent / "configs")
"""Where they are in an installation, and in a checkout."""

ENDING = ".yaml"


def config_folder() -> Path:
    """The folder of the package's configurations.

    Raises:
        ConfigError: If the installation has none.
    """
    found = next((folder for folder in FOLDERS if folder.is_dir()), None)
    if found is None:
        raise ConfigError("configurations: none in this installation; install glyphsr again, or give a YAML file")
    return found


def named_configs() -> dict[str, Path]:
    """Every configuration of the package by its name, such as ``glyphsr`` or ``ablation/table3-line``."""
    folder = config_folder()
    named = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob(f"*{ENDING}")}
    return dict(sorted(named.items()))


def find_config(given: str | Path) -> Path:
    """The YAML file that a path or a name stands for; a file of that path comes first.

    Args:
        given: A path, or a name with or without its folder and ending: ``glyphsr``, ``table3-line``,
            ``ablation/table3-line``, ``configs/glyphsr.yaml``.

    Raises:
        ConfigError: If there is neither; the nearest name is given.
    """
    path = Path(given)
    if path.is_file() or (path.suffix and path.suffix not in (ENDING, ".yml")):
        return path

    # A name, with or without its folder and ending.
    known = named_configs()
    wanted = path.as_posix().removesuffix(ENDING).removeprefix("configs/")
    if wanted in known:
        return known[wanted]

    # The last part alone is enough where it is unique.
    alike = [file for name, file in known.items() if name.rpartition("/")[2] == wanted]
    if len(alike) == 1:
        return alike[0]
    if path.suffix or len(path.parts) > 1:  # meant as a file, and reading it says what is wrong with it
        return path

    close = difflib.get_close_matches(wanted, sorted(known), n=1)
    nearest = f"; did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"{given}: no such file, and no configuration of this name{nearest} (`glyphsr config list`)")


def describe(path: Path) -> str:
    """What a configuration is for: the first sentence of the comment that it begins with."""
    lines = read_text(path, ConfigError).splitlines()
    comment = " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines))
    return re.split(r"(?<=[.;])\s", comment, maxsplit=1)[0].rstrip(".;")
