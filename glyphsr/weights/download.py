"""Fetches a published file over HTTP: checked by its hash, and continuing where a cut transfer stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pooch
import requests
from filelock import FileLock

from glyphsr.errors import WeightsError
from glyphsr.safe_reading.limits import WEIGHTS_BYTES
from glyphsr.safe_reading.numbers import whole_number
from glyphsr.system.cache import make_private
from glyphsr.weights.registry import sha256_of

DownloadProgress = Callable[[int, int | None], None]
"""Called with the bytes so far and, where the server says, in all."""

CHUNK = 1 << 20
TIMEOUT_S = 30


class ResumingDownloader:
    """A pooch downloader that keeps what a cut transfer brought and asks the server for the rest.

    Args:
        part: Where the unfinished file is kept between attempts.
        progress: Called with the items done and their total.
    """

    def __init__(self, part: Path, progress: DownloadProgress | None = None) -> None:
        self.part = part
        self.progress = progress

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Fetch ``url`` into ``output_file``.

        Raises:
            WeightsError: If the server cannot be reached, refuses, or the transfer is cut; what came is kept.
        """
        with self.part.open("ab") as file:
            try:
                self._fetch(url, file)
            except requests.RequestException as error:
                file.flush()
                here = self.part.stat().st_size
                kept = f"; {here} bytes are kept, the same command continues from there" if here else ""
                raise WeightsError(f"{url}: cannot be fetched ({_reason(error)}){kept}") from error
        self.part.replace(output_file)

    def _fetch(self, url: str, file: IO[bytes]) -> None:
        here = self.part.stat().st_size
        # The server is asked for what is not there yet; one that cannot do that sends all.
        headers = {"Range": f"bytes={here}-"} if here else {}
        # Without "identity" a server may compress, and the bytes on disk would not be the ones that are counted.
        headers["Accept-Encoding"] = "identity"

        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                return  # nothing is left to fetch; the hash decides whether that is so

            answer.raise_for_status()
            if answer.status_code != requests.codes.partial_content:
                here = 0  # the server sends the whole file again
                file.truncate(0)

            length = answer.headers.get("Content-Length")
            promised = whole_number(length) if length else None
            total = None if promised is None else here + promised
            # A server may send more than it promised, so the limit is checked as bytes come.
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                here += len(chunk)
                WEIGHTS_BYTES.check(here, url, WeightsError)
                if self.progress:
                    self.progress(here, total)

            if total is not None and here < total:
                raise requests.ConnectionError(f"cut after {here} of {total} bytes")


@contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Wait until no other process stores this file; the one that comes next finds it there.

    Args:
        target: The file's final name.

    Raises:
        WeightsError: If its folder cannot be made or written to.
    """
    try:
        make_private(target.parent)
        lock = FileLock(target.with_name(f"{target.name}.lock"))
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or "takes no locks"
        raise WeightsError(f"{target.parent}: cannot be written: {reason}; set $GLYPHSR_CACHE") from error
    try:
        yield
    finally:
        lock.release()


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT_S} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "cut after" in str(error):
        return "the transfer was cut"
    return "no connection"


def fetch(url: str, target: Path, *, sha256: str | None, progress: DownloadProgress | None = None) -> Path:
    """Fetch a file once; a complete one with the right hash is left alone.

    Processes that may fetch the same one take turns by :func:`one_at_a_time`.

    Args:
        url: Where from.
        target: The final name, which only ever exists complete and checked.
        sha256: Expected hash or its first digits; ``None`` where nobody published one.
        progress: Called with the items done and their total.

    Raises:
        WeightsError: If it cannot be fetched or has another hash (it is then thrown away).
    """
    if target.is_file() and (sha256 is None or sha256_of(target).startswith(sha256)):
        return target

    try:
        make_private(target.parent)
    except OSError as error:
        raise WeightsError(f"{target.parent}: cannot be made: {error.strerror}; set $GLYPHSR_CACHE") from error

    part = target.with_name(f"{target.name}.part")
    pooch.get_logger().setLevel("WARNING")

    # Pooch knows whole hashes only, and prefixes are checked here, so it is given none.
    try:
        fetched = Path(
            pooch.retrieve(
                url,
                known_hash=None,
                fname=f"{target.name}.unchecked",
                path=target.parent,
                downloader=ResumingDownloader(part, progress),
            )
        )
    except OSError as error:
        raise WeightsError(f"{error.filename or part}: cannot be written: {error.strerror}") from error

    # Under its real name only once the hash is right.
    found = sha256_of(fetched)
    if sha256 is not None and not found.startswith(sha256):
        with suppress(OSError):
            fetched.unlink()
        raise WeightsError(
            f"{url}: has SHA-256 {found[:16]}..., expected {sha256[:16]}...; thrown away, try again later"
        )

    fetched.replace(target)
    return target
