"""Small sets on disk, and sets that something is wrong with."""

import os
import shutil

import cv2
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


def recognition_set(path, samples):
    """A set as parseq, DTRB, MMOCR and PaddleOCR have it: one picture a word."""
    path.mkdir(parents=True)
    values = {b"num-samples": str(len(samples)).encode()}
    for number, sample in enumerate(samples, 1):
        ok, encoded = cv2.imencode(".png", cv2.cvtColor(sample.hr, cv2.COLOR_RGB2BGR))
        assert ok
        values |= {b"image-%09d" % number: encoded.tobytes(), b"label-%09d" % number: sample.label.encode()}
    change(path, values)
    return path
