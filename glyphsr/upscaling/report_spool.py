"""Reports of a run, in the order of its inputs; beyond some megabytes they wait in a temporary file."""

import pickle
import tempfile
import weakref
from array import array
from collections.abc import Sequence
from typing import overload

from glyphsr.upscaling.report import PictureReport

IN_MEMORY = 16 << 20
"""Bytes of reports that are kept in memory; more of them go to a file."""

ABSENT = -1
"""Stands for the place of an input that has no report yet."""


class ReportSpool(Sequence[PictureReport]):
    """A sequence with a place for each input, which is filled in any order.

    Args:
        places: Number of inputs.
    """

    def __init__(self, places: int) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it lives as long as this
        weakref.finalize(self, self._file.close)
        self._starts = array("q", [ABSENT]) * places

    def put(self, place: int, report: PictureReport) -> None:
        """Keep the report of one input."""
        self._starts[place] = self._file.seek(0, 2)
        fields = PictureReport.__dataclass_fields__
        # Most fields have their default, which need not be stored.
        differing = {name: value for name, value in vars(report).items() if value != fields[name].default}
        pickle.dump(differing, self._file)

    def close(self) -> None:
        """Drop the empty places, so that the first report is that of the first input that has one."""
        self._starts = array("q", (start for start in self._starts if start != ABSENT))

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> PictureReport: ...

    @overload
    def __getitem__(self, place: slice) -> list[PictureReport]: ...

    def __getitem__(self, place: int | slice) -> PictureReport | list[PictureReport]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]

        # Unpickling is safe here: the file has no name, and only this process writes it.
        self._file.seek(self._starts[place])
        return PictureReport(**pickle.load(self._file))
