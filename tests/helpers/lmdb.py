"""Small sets on disk, and sets that something is wrong with."""

import os
import shutil

import lmdb
import numpy as np
from PIL import Image


def save(path, height, width, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(path)


def change(path, changes):
    with lmdb.open(str(path), map_size=1 << 24) as env, env.begin(write=True) as transaction:
        for key, value in changes.items():
            if value is None:
                transaction.delete(key)
            else:
                transaction.put(key, value)


def changed(lmdb_folder, path, changes):
    shutil.copytree(lmdb_folder, path)
    change(path, changes)
    return path


def values(path):
    """Every key and value of an environment; opened from a copy, since a process may open one only once."""
    copy = path.with_name(path.name + "-read")
    shutil.copytree(path, copy)
    with lmdb.open(os.fsencode(copy), readonly=True, lock=False) as env, env.begin() as transaction:
        found = {bytes(key): bytes(value) for key, value in transaction.cursor()}
    shutil.rmtree(copy)
    return found
