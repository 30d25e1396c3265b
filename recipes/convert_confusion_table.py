"""Takes the numbers out of the published ``confuse.pkl`` and writes them as JSON, without unpickling it.

usage: python recipes/convert_confusion_table.py confuse.pkl -o confuse.json

A pickle is a program. This one is only listed, instruction by instruction, which runs nothing; the one long text of
bytes in it is the array's content.
"""

import argparse
import json
import pickletools
from pathlib import Path

import numpy as np

from glyphsr.errors import DataError
from glyphsr.losses.text_focus import TABLE_ORDER
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import SETTINGS_BYTES

SIZE = len(TABLE_ORDER)
KINDS = {SIZE * SIZE * 8: "<f8", SIZE * SIZE * 4: "<f4"}


def distances_of(path: Path) -> np.ndarray:
    """``(62, 62)`` float32.

    Raises:
        DataError: If the file is no pickle of one such array.
    """
    found: list[np.ndarray] = []
    try:
        for _, argument, _ in pickletools.genops(read_content(path, SETTINGS_BYTES)):
            # Pickles of Python 2, and of protocol 2, hold bytes as text in Latin-1.
            content = argument.encode("latin-1") if isinstance(argument, str) else argument
            if isinstance(content, bytes | bytearray) and len(content) in KINDS:
                found.append(np.frombuffer(content, KINDS[len(content)]).reshape(SIZE, SIZE).astype(np.float32))
    except (ValueError, OverflowError) as error:
        raise DataError(f"{path}: not a pickle that can be listed: {error}") from error
    if len(found) != 1 or not (np.isfinite(found[0]).all() and (found[0] >= 0).all()):
        raise DataError(f"{path}: expected one array of {SIZE} x {SIZE} distances, found {len(found)}")
    return found[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    arguments = parser.parse_args()
    table = distances_of(arguments.file)
    # Text of nine digits gives a float32 back exactly.
    rows = [[float(f"{value:.9g}") for value in row] for row in table]
    arguments.out.write_text(json.dumps({"order": TABLE_ORDER, "distances": rows}) + "\n", encoding="utf-8")
    print(f"{arguments.out}: {SIZE} x {SIZE} distances, {table.min():g} to {table.max():g}")


if __name__ == "__main__":
    main()
