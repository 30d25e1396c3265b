"""Whole files of every kind, and the commands that read them, for ``benchmarks/fuzz.py``."""

import io
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from glyphsr.data.label_files import FILE_NAMES, Labelled, read_labels
from glyphsr.data.label_writing import write_labels
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.dataset_tools.inspection import inspect
from glyphsr.errors import GlyphSRError
from glyphsr.images.reader import read_picture
from glyphsr.images.text_boxes import read_boxes
from glyphsr.losses.confusion import OWN_TABLE, load_distances
from glyphsr.visualization.views.failures import read_records
from glyphsr.weights.registry import BUNDLED_FOLDER
from glyphsr_cli.app import app

Command = Callable[[Path, Path], int]
"""Reads a file, with a folder of its own to write into; gives the exit code."""


@dataclass(frozen=True)
class Seed:
    """A whole file, where it lies, and what lies around it."""

    content: bytes
    name: str
    around: Path | None = None
    """Folder that is copied first."""
    given: str = ""
    """What the command is given: a path in the folder, the file itself by default."""

    def place(self, folder: Path, content: bytes) -> Path:
        """Write a changed content where the whole one would be."""
        if self.around is not None:
            shutil.copytree(self.around, folder / "around")
            target = folder / "around" / self.name
        else:
            target = folder / self.name
        target.write_bytes(content)
        return folder / self.given if self.given else target


@dataclass(frozen=True)
class Kind:
    """A kind of file."""

    name: str
    seeds: Sequence[Seed]
    commands: Sequence[Command]
    share: int = 1
    """How many of all files are of this kind, relative to others."""


def cli(*words: str) -> Command:
    """A command line; FILE and OUT in it are the file, and a place to write to."""

    def run(file: Path, folder: Path) -> int:
        given = [word.replace("FILE", str(file)).replace("OUT", str(folder / "out")) for word in words]
        app(given)
        return 0

    return run


def library(read: Callable[[Path], object]) -> Command:
    """A public reader, whose errors are those of the command."""

    def run(file: Path, folder: Path) -> int:
        del folder
        try:
            read(file)
        except GlyphSRError as error:
            return error.exit_code
        return 0

    return run


def _picture() -> Image.Image:
    image = Image.new("RGB", (96, 24), (230, 225, 210))
    ImageDraw.Draw(image).text((4, 2), "fuzz", (30, 20, 60), font=ImageFont.load_default(18))
    return image


def _saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def _pictures() -> list[Seed]:
    import tifffile

    image = _picture()
    wide = (np.asarray(image, np.uint16) * 257)[..., :3]
    seeds = [
        Seed(_saved(image, "PNG", dpi=(300, 300)), "a.png"),
        Seed(_saved(image.convert("RGBA"), "PNG"), "a.png"),
        Seed(_saved(image.convert("P"), "PNG"), "a.png"),
        Seed(_saved(image, "JPEG", quality=90), "a.jpg"),
        Seed(_saved(image, "JPEG", progressive=True), "a.jpg"),
        Seed(_saved(image.convert("CMYK"), "JPEG"), "a.jpg"),
        Seed(_saved(image, "WEBP"), "a.webp"),
        Seed(_saved(image, "WEBP", lossless=True), "a.webp"),
        Seed(_saved(image, "TIFF"), "a.tif"),
        Seed(_saved(image, "TIFF", compression="tiff_lzw"), "a.tif"),
        Seed(_saved(image, "BMP"), "a.bmp"),
        Seed(_saved(image, "GIF"), "a.png"),
    ]
    for options in ({}, {"compression": "zlib"}):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, wide, photometric="rgb", **options)
        seeds.append(Seed(buffer.getvalue(), "a.tif"))
    import cv2

    seeds.append(Seed(cv2.imencode(".png", wide)[1].tobytes(), "a.png"))
    return seeds


def _labels(folder: Path) -> list[Seed]:
    pictures = folder / "pictures"
    pictures.mkdir()
    rows = []
    for name in ("one.png", "two.png"):
        _picture().save(pictures / name)
        rows.append(Labelled(name, name[:3]))
    return [Seed(write_labels(rows, form), name, around=pictures, given="around") for form, name in FILE_NAMES.items()]


YAML = """base: other.yaml
model:
  network: {num_srbs: 2, width: 8, prior_width: 4, prior_hidden: [8, 8, 8], gfm_from: 2, gpm: {width: 8}}
  prior: {kind: crnn, width: 4, hidden: 8}
data: {sources: [{kind: lmdb, path: train, weight: 1.0}]}
loss: &loss {text_focus: 0.0, hog: 0.1}
steps: 2
batch_size: 2
seed: 3
optimiser: {learning_rate: 1.0e-3, warmup_steps: 1}
"""


def _run_folder(folder: Path) -> Path:
    """Of a training run of two steps."""
    (folder / "run.yaml").write_text(YAML.removeprefix("base: other.yaml\n"))
    out = folder / "run"
    words = ["train", "--config", str(folder / "run.yaml"), "--glyphs", "none", "--out", str(out), "--quiet"]
    with suppress(SystemExit):
        app([*words, "--device", "cpu", "--workers", "0"])
    assert (out / "checkpoints" / "last.state").is_file()
    return out


def _yaml(folder: Path) -> Kind:
    (folder / "other.yaml").write_text("seed: 1\n")
    return Kind("yaml", [Seed(YAML.encode(), "a.yaml", around=folder)], [cli("config", "validate", "FILE")], 8)


def _boxes(_: Path) -> Kind:
    boxes = [{"box": [1, 1, 60, 20], "text": "fuzz"}, [[1, 1], [90, 1], [90, 20], [1, 20]]]
    return Kind("boxes", [Seed(json.dumps(boxes).encode(), "a.json")], [library(read_boxes)], 8)


def _tables(_: Path) -> Kind:
    return Kind("confusion tables", [Seed(OWN_TABLE.read_bytes(), "a.json")], [library(load_distances)], 2)


def _records(_: Path) -> Kind:
    record = {"subset": "easy", "id": "easy/000001", "label": "a", "row": "bicubic", "protocol": "paper"}
    line = json.dumps(record | {"readings": {"crnn": {"text": "a"}}}) + "\n"
    return Kind("records", [Seed(line.encode() * 3, "a.jsonl")], [library(read_records)], 4)


def _label_files(folder: Path) -> Kind:
    read_all = library(lambda path: _read_all(path, read_labels))
    return Kind("labels", _labels(folder), [cli("data", "make", "FILE", "-o", "OUT", "-q"), read_all], 6)


def _picture_files(_: Path) -> Kind:
    line = ("upscale", "FILE", "-o", "OUT.png", "--mode", "line", "--quiet", "--offline", "--device", "cpu")
    commands = [cli(*line), cli(*line, "--report", "OUT.hocr"), cli("data", "degrade", "FILE", "-o", "OUT.png", "-q")]
    # The reader is what all of them begin with, and the quickest.
    return Kind("pictures", _pictures(), [*commands, *[library(read_picture)] * 3], 6)


def _lmdb(_: Path) -> Kind:
    easy = SAMPLE_ROOT / "test" / "easy"
    commands = [
        cli("data", "verify", "FILE", "-q"),
        cli("data", "export", "FILE", "-o", "OUT", "-q"),
        cli("eval", "--split", "FILE", "--bootstrap", "0", "--limit", "2", "-q", "--device", "cpu"),
        library(lambda path: inspect(path, sheet=2)),
    ]
    return Kind("lmdb", [Seed((easy / "data.mdb").read_bytes(), "data.mdb", around=easy, given="around")], commands, 6)


def _glyph_sets(_: Path) -> Kind:
    glyphs = SAMPLE_ROOT / "train-glyphs"
    seed = Seed((glyphs / "data.mdb").read_bytes(), "data.mdb", around=glyphs, given="around")
    return Kind("glyph sets", [seed], [cli("data", "verify", "FILE", "-q")], 4)


def _checkpoints(_: Path) -> Kind:
    from glyphsr.weights.checkpoints import read_checkpoint
    from glyphsr.weights.loading import load_recognizer

    names = ("crnn-light-synth", "compact")
    seeds = [Seed((BUNDLED_FOLDER / f"{name}.safetensors").read_bytes(), "a.safetensors") for name in names]
    commands = [library(lambda path: read_checkpoint(path, tensors=False)), library(load_recognizer)]
    return Kind("checkpoint headers", seeds, commands, 2)


def _run_folders(folder: Path) -> Kind:
    run = _run_folder(folder)
    names = ("metrics.jsonl", "config.yaml", "checkpoints/last.state", "checkpoints/last.safetensors")
    seeds = [Seed((run / name).read_bytes(), name, around=run, given="around") for name in names]
    show = cli("visualize", "--what", "training", "--run", "FILE", "-o", "OUT.png", "-q")
    resume = cli("train", "--config", str(folder / "run.yaml"), "--out", "FILE", "--max-steps", "2", "-q")
    return Kind("run folders", seeds, [show, resume], 1)


KINDS: dict[str, Callable[[Path], Kind]] = {
    "yaml": _yaml,
    "boxes": _boxes,
    "tables": _tables,
    "records": _records,
    "labels": _label_files,
    "pictures": _picture_files,
    "lmdb": _lmdb,
    "glyphs": _glyph_sets,
    "checkpoints": _checkpoints,
    "runs": _run_folders,
}


def make_kinds(folder: Path, names: Sequence[str]) -> list[Kind]:
    """Kinds by name, with their whole files made in a folder; what is heavy is imported on the way."""
    kinds = []
    for name in names:
        (folder / name).mkdir()
        kinds.append(KINDS[name](folder / name))
    if {"pictures", "lmdb", "runs"} & set(names):
        from glyphsr.weights.loading import load_model

        load_model("compact")  # its imports would else be every child's
    return kinds


def _read_all(folder: Path, read: Callable[[Path], object]) -> None:
    for file in folder.iterdir():
        if file.suffix not in (".png",):
            read(file)
