"""Words that went wrong in an evaluation, by its per-image file: the broken ones first."""

from dataclasses import dataclass, field
from pathlib import Path

from glyphsr.config.visualize import VisualizeConfig
from glyphsr.errors import ConfigError, DataError
from glyphsr.safe_reading.text_files import read_json_lines
from glyphsr.visualization.views.compare import BICUBIC, BROKEN, MENDED, RIGHT, WRONG, outcome, similarity
from glyphsr.visualization.views.words import ShownWord, WordSets, open_sets, squashed

UNTOUCHED = ("lr", "bicubic", "hr")
SHOWN = 24
ORDER = (BROKEN, WRONG, MENDED, RIGHT)


@dataclass
class Record:
    """One word of the file."""

    subset: str
    id: str
    label: str
    is_squashed: bool
    """Whether the judges saw it at the paper's size."""
    readings: dict[str, dict[str, str]] = field(default_factory=dict)
    """By row and judge."""

    @property
    def networks(self) -> list[str]:
        """Rows that are a network's."""
        return [row for row in self.readings if row not in UNTOUCHED]


def read_records(path: Path) -> list[Record]:
    """The words of a per-image file, in order.

    Raises:
        ConfigError: If there is no such file.
        DataError: If it is none that ``eval`` wrote.
    """
    if not path.is_file():
        raise ConfigError(f"--per-image {path}: no such file")

    found: dict[tuple[str, str], Record] = {}

    for number, row in read_json_lines(path):
        try:
            # A line is one row of one word: a word's lines are put together.
            key = (str(row["subset"]), str(row["id"]))
            record = found.setdefault(key, Record(*key, str(row["label"]), row.get("protocol") == "paper"))
            record.readings[str(row["row"])] = {who: str(own["text"]) for who, own in row["readings"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: line {number}: not what eval --per-image writes: {error!r}") from error

    if not found:
        raise DataError(f"{path}: holds no words")

    return list(found.values())


def choose_failures(config: VisualizeConfig) -> list[tuple[ShownWord, Record]]:
    """The words whose result the first judge reads wrong, what bicubic had right before what it had not.

    Of the subsets that are named, else of all in the file.

    Raises:
        ConfigError: If no file is named.
        DataError: If it is none of the data set's.
    """
    if config.per_image is None:
        raise ConfigError("--per-image: expected the file of `glyphsr eval --per-image`, whose failures are shown")

    path = Path(config.per_image)
    records = read_records(path)
    names = list(dict.fromkeys(record.subset for record in records))
    # The data sets that the file names, or those that the user does.
    sets = open_sets(config if config.lmdb else config.model_copy(update={"lmdb": tuple(names)}))
    opened = [_subset(name, names) for name, _ in sets.parts]
    records = [record for record in records if record.subset in opened]
    if not records:
        raise DataError(f"{path}: has words of {', '.join(names)}, none of {', '.join(opened)}; see --lmdb")

    network = next(iter(records[0].networks), None)
    if network is None or BICUBIC not in records[0].readings:
        raise DataError(f"{path}: expected rows of bicubic and of a network; it has {', '.join(records[0].readings)}")

    def place(record: Record) -> tuple[int, float]:
        judged = outcome(record.label, record.readings, (BICUBIC, network))
        text = next(iter(record.readings[network].values()), None)
        return ORDER.index(judged) if judged else len(ORDER), similarity(text, record.label)

    wrong = [record for record in records if network in record.readings and place(record)[0] < ORDER.index(MENDED)]
    chosen = sorted(wrong, key=place)[: config.worst or config.sample or SHOWN]
    if not chosen:
        raise DataError(f"{path}: no failures in it: the first judge reads every word of {network}")
    # Pictures are found by their ids; the label shows whether it is still the same word.
    places = {(word_set, source_id): number for number, (word_set, source_id) in enumerate(_ids(sets, opened))}
    shown = []
    for record in chosen:
        number = places.get((record.subset, record.id))
        word = sets.read(number) if number is not None else None
        if word is None or word.label != record.label:
            where = f"{record.subset} {record.id} {record.label!r}"
            raise DataError(
                f"{path}: its word {where} is not in {', '.join(opened)}: made of another data set; see --lmdb"
            )
        shown.append((squashed(word) if record.is_squashed else word, record))
    return shown


def _subset(name: str, known: list[str]) -> str:
    """What ``eval`` calls a data set: by its folder's name, or as given where two have the same."""
    return name if name in known else Path(name).name


def _ids(sets: WordSets, names: list[str]) -> list[tuple[str, str]]:
    """Subset and id of every word, without reading their pictures."""
    return [
        (name, source.where(place))
        for name, (_, source), size in zip(names, sets.parts, sets.sizes, strict=True)
        for place in range(size)
    ]
