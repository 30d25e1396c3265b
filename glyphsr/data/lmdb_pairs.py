"""TextZoom's LMDB layout: ``image_hr-%09d``, ``image_lr-%09d``, ``label-%09d``, ``num-samples``, counted from 1."""

import functools
from collections.abc import Iterable
from pathlib import Path

import cv2
import lmdb
import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import DataError
from glyphsr.types import Sample


def decode_rgb(encoded: bytes, where: str) -> NDArray[np.uint8]:
    """Picture bytes to ``(H, W, 3)`` uint8 RGB.

    Raises:
        DataError: If the bytes are no readable picture; ``where`` names it.
    """
    array = np.frombuffer(encoded, np.uint8)
    image = cv2.imdecode(array, cv2.IMREAD_COLOR) if array.size else None
    if image is None:
        raise DataError(f"{where}: not a readable picture ({len(encoded)} bytes)")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


@functools.cache
def _open(path: Path) -> lmdb.Environment:
    """LMDB allows an environment to be open once per process, so all readers of one share it."""
    if not (path / "data.mdb").is_file():
        raise DataError(f"{path}: no LMDB here (no data.mdb)")
    try:
        return lmdb.open(str(path), readonly=True, lock=False, readahead=False, meminit=False)
    except lmdb.Error as error:
        raise DataError(f"{path}: cannot open the LMDB: {error}") from error


class PairedLmdb:
    """LR/HR word pairs, opened read-only, without locks, and only when the first sample is asked for.

    Args:
        path: The environment's folder.

    Raises:
        DataError: From :meth:`__len__` and :meth:`__getitem__`, if the environment or a sample is missing or broken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _get(self, key: str) -> bytes:
        with _open(self.path.resolve()).begin() as transaction:
            value = transaction.get(key.encode())
        if value is None:
            raise DataError(f"{self.path}: no {key!r} key; is this a TextZoom LMDB?")
        return bytes(value)

    def __len__(self) -> int:
        return int(self._get("num-samples"))

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, counted from 0 (its keys count from 1)."""
        number = f"{index + 1:09d}"
        where = f"{self.path.name}/{index + 1:06d}"
        return Sample(
            id=where,
            hr=decode_rgb(self._get(f"image_hr-{number}"), f"{self.path}: image_hr-{number}"),
            lr=decode_rgb(self._get(f"image_lr-{number}"), f"{self.path}: image_lr-{number}"),
            label=self._get(f"label-{number}").decode(),
        )


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """``(H, W, 3)`` uint8 RGB to PNG bytes."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def write_pairs(path: Path, samples: Iterable[Sample], *, map_size: int = 1 << 30) -> int:
    """Write samples that have both sides as a TextZoom LMDB.

    Args:
        path: Folder of the new environment.
        samples: Samples with ``lr``.
        map_size: Greatest size of the environment in bytes.

    Returns:
        How many were written.

    Raises:
        ValueError: If a sample has no LR side.
    """
    count = 0
    with lmdb.open(str(path), map_size=map_size, lock=False) as env:
        for count, sample in enumerate(samples, start=1):
            if sample.lr is None:
                raise ValueError(f"{sample.id}: expected an LR side")
            with env.begin(write=True) as transaction:
                transaction.put(f"image_hr-{count:09d}".encode(), encode_png(sample.hr))
                transaction.put(f"image_lr-{count:09d}".encode(), encode_png(sample.lr))
                transaction.put(f"label-{count:09d}".encode(), sample.label.encode())
        with env.begin(write=True) as transaction:
            transaction.put(b"num-samples", str(count).encode())
    return count
