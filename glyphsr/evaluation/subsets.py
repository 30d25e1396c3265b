"""Opens the subsets of an evaluation."""

from dataclasses import dataclass
from pathlib import Path

from glyphsr.config.evaluation import EvalConfig
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.sources import find_lmdb
from glyphsr.errors import ConfigError, DataError
from glyphsr.evaluation.methods import distinct_names
from glyphsr.evaluation.report import Problem


@dataclass(frozen=True)
class Subset:
    """One part of a data set, from one or more environments."""

    name: str
    sources: tuple[PairedLmdb, ...]
    size: int
    """Samples, usable or not."""


def open_subsets(config: EvalConfig) -> tuple[list[Subset], list[Problem]]:
    """Open the subsets that ``--split`` names.

    Args:
        config: Names them, and where they lie.

    Returns:
        Those that can be opened, and what is wrong with the others.

    Raises:
        ConfigError: If one set is named twice.
        DataError: If none can be opened.
    """
    subsets: list[Subset] = []
    problems: list[Problem] = []

    errors: list[DataError] = []
    taken: dict[Path, str] = {}
    # A subset is called by its folder, or by its whole path where two have the same name.
    names = distinct_names([Path(name).name or name for name in config.split], config.split)
    for name, text in zip(names, config.split, strict=True):
        try:
            sources = tuple(PairedLmdb(path) for path in find_lmdb(text, config.data_root))
            for source in sources:
                # The same samples twice would weigh twice.
                where = source.path.resolve()
                if where in taken:
                    raise ConfigError(f"--split: {text} and {taken[where]} are the same set; name it once")

                taken[where] = text

                source.check_sides()
                declared, last = source.declared(), source.last_number()
                if declared > last:
                    message = f"num-samples says {declared}, but the last one is {last}; correct it"
                    problems.append(Problem(name, f"{source.path}: {message}"))

            subsets.append(Subset(name, sources, sum(len(s) for s in sources)))
        # One bad subset is reported and left out; the others are scored.
        except DataError as error:
            errors.append(error)
            problems.append(Problem(name, str(error)))

    if not subsets:
        raise errors[0] if errors else DataError("--split: expected at least one subset")

    return subsets, problems
