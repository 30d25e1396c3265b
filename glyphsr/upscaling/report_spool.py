"""Reports of a run in the order of its inputs, however many: beyond some megabytes they wait in a temporary file."""

import pickle
import tempfile
import weakref
from array import array
from collections.abc import Sequence
from typing import overload

from glyphsr.upscaling.report import PictureReport

IN_MEMORY = 16 << 20
"""Bytes from which the reports go to a file."""

ABSENT = -1


class ReportSpool(Sequence[PictureReport]):
    """A sequence with a place for each input, filled in any order; places that stayed empty are skipped at the end.

    Args:
        places: How many.
    """

    def __init__(self, places: int) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it lives as long as this
        weakref.finalize(self, self._file.close)
        self._starts = array("q", [ABSENT]) * places

    def put(self, place: int, report: PictureReport) -> None:
        """Keep the report of one input."""
        self._starts[place] = self._file.seek(0, 2)
        fields = PictureReport.__dataclass_fields__
        said = {name: value for name, value in vars(report).items() if value != fields[name].default}
        pickle.dump(said, self._file)

    def close(self) -> None:
        """Leave the empty places out: from now on the first report is that of the first input that has one."""
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
        self._file.seek(self._starts[place])
        return PictureReport(**pickle.load(self._file))
