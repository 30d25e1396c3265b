"""A report that grows while pictures are finished, and continues where an earlier run was."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, overload

from glyphsr.errors import ConfigError
from glyphsr.upscaling.report import SCHEMA_VERSION, PictureReport, RegionReport, as_row

ROWS = ".jsonl"

Key = tuple[str, int | None, str | None]


def row_of(picture: PictureReport) -> str:
    """A picture's report as a line of JSON."""
    return json.dumps({"schema_version": SCHEMA_VERSION} | as_row(picture)) + "\n"


def picture_of(row: dict[str, Any]) -> PictureReport:
    """The report of such a line; what another version wrote beyond it is left out.

    Raises:
        TypeError: If it is none.
    """
    regions = row.get("regions")
    fields = {name: value for name, value in row.items() if name in PictureReport.__dataclass_fields__}
    if regions is not None:
        known = RegionReport.__dataclass_fields__
        fields["regions"] = tuple(RegionReport(**{k: v for k, v in r.items() if k in known}) for r in regions)
    return PictureReport(**fields)


class ReportJournal:
    """Lines of JSON beside a report, or the report itself where that is of such lines.

    Args:
        path: The report.
        overwrite: Replace files that are no such report.

    Raises:
        ConfigError: If there is another kind of file under a name that is needed.
        OSError: If it cannot be read or written.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.rows = path if path.suffix.lower() == ROWS else path.with_name(path.name + ROWS)
        self.problem: str | None = None
        """Why nothing more could be written."""
        self._places: dict[Key, int] = {}

        if path.exists() and not self.rows.exists() and not overwrite:
            raise ConfigError(f"--report {path}: exists already; --overwrite replaces it")

        # A journal that was begun continues where its last whole line ends.
        try:
            end = self._read()
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            if not overwrite:
                raise ConfigError(
                    f"--report {self.rows}: exists already, and is no report of upscale; --overwrite replaces it"
                ) from error
            end = 0
            self._places.clear()

        self._file: IO[bytes] = self.rows.open("r+b" if self.rows.exists() else "w+b")
        self._file.truncate(end)  # what a kill left of a line goes
        self._end = end

    def _read(self) -> int:
        """Find the rows of earlier runs; the end of the last whole one."""
        end = 0
        if self.rows.exists():
            with self.rows.open("rb") as file:
                for line in file:
                    # Half a line is what a kill left; it is cut off and written again.
                    if not line.endswith(b"\n"):
                        break
                    row = json.loads(line)
                    self._places[row["input"], row.get("page"), row["output"]] = end
                    end += len(line)
        return end

    def append(self, picture: PictureReport) -> None:
        """Add what became of a picture; a disk that is full does not stop the run."""
        if self.problem is not None:
            return

        line = row_of(picture).encode()
        try:
            self._file.seek(self._end)
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            self.problem = error.strerror or str(error)
            return
        # Places instead of rows, so that memory does not grow with long reports.
        self._places[picture.input, picture.page, picture.output] = self._end
        self._end += len(line)

    def find(self, picture: PictureReport) -> PictureReport | None:
        """The row of a picture, of this run or an earlier one."""
        place = self._places.get((picture.input, picture.page, picture.output))
        return None if place is None else self._at(place)

    def _at(self, place: int) -> PictureReport:
        self._file.seek(place)
        return picture_of(json.loads(self._file.readline()))

    def whole(self, pictures: Sequence[PictureReport]) -> "WholeReport":
        """What is known of a run's pictures and of those of earlier runs: first the latter, in the order they came."""
        own = {(picture.input, picture.page, picture.output) for picture in pictures}
        earlier = [place for key, place in self._places.items() if key not in own]
        return WholeReport(self, earlier, pictures)

    def earlier(self, place: int) -> PictureReport:
        """The row at a place of the file."""
        return self._at(place)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class WholeReport(Sequence[PictureReport]):
    """Rows of earlier runs, then a run's own; of what was skipped the row of the run that made it."""

    def __init__(self, journal: ReportJournal, earlier: Sequence[int], own: Sequence[PictureReport]) -> None:
        self._journal, self._earlier, self._own = journal, earlier, own

    def __len__(self) -> int:
        return len(self._earlier) + len(self._own)

    @overload
    def __getitem__(self, place: int) -> PictureReport: ...

    @overload
    def __getitem__(self, place: slice) -> list[PictureReport]: ...

    def __getitem__(self, place: int | slice) -> PictureReport | list[PictureReport]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if place < 0 or place >= len(self):
            raise IndexError(place)
        if place < len(self._earlier):
            return self._journal.earlier(self._earlier[place])

        picture = self._own[place - len(self._earlier)]
        # What was skipped was made by an earlier run, whose row tells more.
        known = self._journal.find(picture) if picture.status == "skipped" else None
        return known if known is not None and known.status == "done" else picture

    def __iter__(self) -> Iterator[PictureReport]:
        return (self[place] for place in range(len(self)))
