"""What is in an LMDB, and what is broken in it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphsr.data.glyph_lmdb import MANIFEST, GlyphLmdb, check_pairs
from glyphsr.data.lmdb_pairs import PairedLmdb, decode_label, decode_rgb
from glyphsr.data.pair_loader import BadSample
from glyphsr.dataset_tools.export import picture_suffix
from glyphsr.errors import DataError
from glyphsr.text.charset import filter_lower
from glyphsr.types import ProgressCallback, Sample
from glyphsr.viz.contact_sheet import contact_sheet


@dataclass(frozen=True)
class Spread:
    """Smallest, middle and largest of a set of numbers."""

    smallest: float
    median: float
    largest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """``None`` for no values."""
        return cls(min(values), float(np.median(values)), max(values)) if values else None


@dataclass(frozen=True)
class Inspection:
    """What is in one LMDB."""

    path: str
    samples: int
    megabytes: float
    hr_height: Spread | None
    hr_width: Spread | None
    lr_height: Spread | None
    lr_width: Spread | None
    label_length: Spread | None
    encodings: dict[str, int] = field(default_factory=dict)
    """Picture file types of both sides."""
    alphabet: dict[str, int] = field(default_factory=dict)
    """Characters of the labels, the most frequent first."""
    unread: int = 0
    """Samples without a letter or digit in their label: there, reading nothing counts as right."""
    bad: tuple[BadSample, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return {"schema_version": 1, "command": "data inspect", **asdict(self)}


def check_sample(pairs: PairedLmdb, index: int) -> Sample:
    """A sample that is whole: keys there, pictures decode, label UTF-8 and not empty.

    Raises:
        DataError: Saying what is broken and what would mend it.
    """
    sample = pairs[index]
    if not sample.label:
        raise DataError(f"{pairs.path}: label-{index + 1:09d}: empty; write the text that the picture shows")
    return sample


def inspect(
    path: Path, *, sheet: int = 0, progress: ProgressCallback | None = None
) -> tuple[Inspection, NDArray[np.uint8] | None]:
    """Count and measure an LMDB.

    Args:
        path: Its folder.
        sheet: Samples on the contact sheet, evenly spread over the set; 0 for none.
        progress: Called with the items done and their total.

    Returns:
        The findings, and the sheet ``(H, W, 3)`` uint8.

    Raises:
        DataError: If it cannot be opened.
    """
    check_pairs(path)
    pairs = PairedLmdb(path)
    total = len(pairs)
    # For the sheet: words spread over the set.
    shown = set(np.linspace(0, total - 1, min(sheet, total)).round().astype(int).tolist()) if sheet and total else set()

    sizes: dict[str, list[float]] = {name: [] for name in ("hr_height", "hr_width", "lr_height", "lr_width")}
    encodings: Counter[str] = Counter()
    alphabet: Counter[str] = Counter()
    lengths: list[float] = []

    unread = 0
    bad: list[BadSample] = []
    samples: list[Sample] = []
    for index in range(total):
        try:
            sample = check_sample(pairs, index)
        except DataError as error:
            bad.append(BadSample(pairs.where(index), str(error)))
            continue

        raw = pairs.raw(index)
        for side, image, encoded in (("hr", sample.hr, raw.hr), ("lr", sample.lr, raw.lr)):
            if image is None or encoded is None:  # of a set for recognition
                continue
            sizes[f"{side}_height"].append(image.shape[0])
            sizes[f"{side}_width"].append(image.shape[1])
            encodings[f"{side} {picture_suffix(encoded)[1:]}"] += 1

        alphabet.update(sample.label)
        lengths.append(len(sample.label))
        unread += not filter_lower(sample.label)
        if index in shown:
            samples.append(sample)

        if progress:
            progress(index + 1, total)

    found = Inspection(
        path=str(path),
        samples=total,
        megabytes=round((path / "data.mdb").stat().st_size / 1e6, 3),
        label_length=Spread.of(lengths),
        encodings=dict(encodings.most_common()),
        alphabet=dict(alphabet.most_common()),
        unread=unread,
        bad=tuple(bad),
        **{name: Spread.of(values) for name, values in sizes.items()},
    )
    return found, contact_sheet(samples) if samples else None


def verify(path: Path, *, progress: ProgressCallback | None = None) -> tuple[int, list[BadSample]]:
    """Read every sample of an LMDB, of pairs or of glyph masks.

    Args:
        path: Its folder.
        progress: Called with the items done and their total.

    Returns:
        How many samples there are, and the broken ones.

    Raises:
        DataError: If it cannot be opened.
    """
    pairs = PairedLmdb(path)
    if pairs.get(MANIFEST) is not None:
        return _verify_glyphs(path, progress)

    # Pages first, then what is stored in them, then the number of samples.
    total, last = pairs.declared(), pairs.last_number()
    bad = [BadSample(path.name, problem) for problem in pairs.damages()]
    for index in range(min(total, last)):
        bad += _problems(pairs, index)
        if progress:
            progress(index + 1, total)

    if total != last:
        message = f"{path}: num-samples says {total}, but the last sample is {last}; correct it"
        bad.append(BadSample(pairs.where(min(total, last)), message))
    elif not total:
        bad.append(BadSample(path.name, f"{path}: no samples"))

    return total, bad


def _verify_glyphs(path: Path, progress: ProgressCallback | None) -> tuple[int, list[BadSample]]:
    """Likewise of a glyph LMDB; words that were rejected are whole."""
    glyphs = GlyphLmdb(path)
    glyphs.manifest()
    bad = [BadSample(path.name, problem) for problem in PairedLmdb(path).damages()]
    for index in range(len(glyphs)):
        try:
            glyphs[index]
        except DataError as error:
            bad.append(BadSample(f"{path.name}/{index + 1:06d}", str(error)))
        if progress:
            progress(index + 1, len(glyphs))
    return len(glyphs), bad


def _problems(pairs: PairedLmdb, index: int) -> list[BadSample]:
    """Everything that is wrong with one sample, not only the first thing."""
    number, where = f"{index + 1:09d}", pairs.where(index)
    problems = []
    for side in pairs.side_keys().values():
        try:
            encoded = pairs.get(f"{side}-{number}")
        except DataError:  # on a damaged page, which is named already
            continue

        if encoded is None:
            problems.append(f"no '{side}-{number}' key; make the set again")
            continue

        try:
            decode_rgb(encoded, f"{side}-{number}", upright=False)
        except DataError as error:
            problems.append(f"{error}; make the set again")

    try:
        label = pairs.get(f"label-{number}")
    except DataError:
        label = b"?"

    if label is None:
        problems.append(f"no 'label-{number}' key; make the set again")
    elif not label:
        problems.append(f"label-{number}: empty; write the text that the picture shows")
    else:
        try:
            decode_label(label, f"label-{number}")
        except DataError as error:
            problems.append(str(error))

    return [BadSample(where, problem) for problem in problems]
