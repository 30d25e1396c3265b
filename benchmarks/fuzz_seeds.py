"""Whole documents, and the commands that read them, for ``benchmarks/fuzz.py``; sets and networks are beside it."""

import functools
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from PIL import Image, ImageDraw, ImageFont

from glyphsr.config.evaluation import EvalConfig
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.reader import load
from glyphsr.config.synth import SynthConfig
from glyphsr.config.upscale import UpscaleConfig
from glyphsr.config.validation import C
from glyphsr.config.visualize import VisualizeConfig
from glyphsr.data.label_files import FILE_NAMES, Labelled, read_labels
from glyphsr.data.label_writing import write_labels
from glyphsr.errors import GlyphSRError
from glyphsr.images.text_boxes import read_boxes
from glyphsr.losses.confusion import OWN_TABLE, load_distances
from glyphsr.visualization.views.failures import read_records
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
    commands: Sequence[Command] = ()
    """Those that read it, where they are not those of its kind."""
    write: Callable[[Path, bytes], object] = Path.write_bytes
    """Puts a content where the whole one was."""
    mutate: Callable[[bytes, random.Random], bytes] | None = None
    """How it is changed, where that is not by ``fuzz_mutations.mutate``."""

    def place(self, folder: Path, content: bytes) -> Path:
        """Write a changed content where the whole one would be."""
        if self.around is not None:
            shutil.copytree(self.around, folder / "around")
            target = folder / "around" / self.name
        else:
            target = folder / self.name
        self.write(target, content)
        return folder / self.given if self.given else target


@dataclass(frozen=True)
class Kind:
    """A kind of file."""

    name: str
    seeds: Sequence[Seed]
    commands: Sequence[Command]
    weight: int = 1
    """How many of all files are of this kind, relative to others."""
    costly: Sequence[Command] = ()
    """Commands that take long, for some of the files only."""


@functools.cache
def _command_tree() -> Any:
    """The program, which is built once."""
    return typer.main.get_command(app)


def cli(*words: str) -> Command:
    """A command line; FILE and OUT in it are the file, and a place to write to."""

    def run(file: Path, folder: Path) -> int:
        commands = _command_tree()
        given = [word.replace("FILE", str(file)).replace("OUT", str(folder / "out")) for word in words]
        commands(given)
        return 0

    return run


def library(read: Callable[[Path], object]) -> Command:
    """A public reader, whose errors are those of the command."""

    def run(file: Path, folder: Path) -> int:
        del folder
        try:
            read(file)
        except GlyphSRError as error:
            print(f"error: {error}".encode("unicode_escape").decode())
            return error.exit_code
        return 0

    return run


def draw_picture() -> Image.Image:
    """A small word."""
    image = Image.new("RGB", (96, 24), (230, 225, 210))
    ImageDraw.Draw(image).text((4, 2), "fuzz", (30, 20, 60), font=ImageFont.load_default(18))
    return image


SMALL = (
    "network={num_srbs: 2, width: 8, prior_width: 4, prior_hidden: [8, 8, 8], gfm_from: 2, gpm: {width: 8}}",
    "prior={kind: crnn, width: 4, hidden: 8}",
)
"""Settings of a network that costs nothing."""

TRAIN = """base: other.yaml
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


def small_network(folder: Path) -> str:
    """A network with its prior that is built and run in no time."""
    from glyphsr.config.model import ModelConfig
    from glyphsr.models.super_resolver import SuperResolver
    from glyphsr.weights.checkpoints import save_checkpoint

    config = load(ModelConfig, sets=SMALL, environment={})
    save_checkpoint(
        folder / "s.safetensors", SuperResolver.from_config(config), kind="super_resolver", config=config, card={}
    )
    return str(folder / "s.safetensors")


def _settings(kind: type[C]) -> Command:
    return library(lambda path: load(kind, path, environment={}))


def yaml_files(folder: Path) -> Kind:
    """Settings of all commands, each read as its command reads it; the training's by its own commands too."""
    (folder / "other.yaml").write_text("seed: 1\n")
    texts = (
        (UpscaleConfig, "scale: 2.5\nstrength: 0.7\nlexicon: english\nrecursive: true\n"),
        (EvalConfig, "recognizer: [crnn]\nsplit: [easy, hard]\nbatch_size: 8\n"),
        (ExtractConfig, "segmenter: ink\nthreshold: 0.8\nsteps: [2, 4]\n"),
        (SynthConfig, "seed: 3\nrender: {height: 32, texture: 0.2}\ndegradation: {noise_after: [0.0, 0.1]}\n"),
        (VisualizeConfig, "what: compare\nsample: 3\nseed: 2\n"),
    )
    train = [cli("config", "validate", "FILE"), cli("config", "show", "FILE")]
    own = [Seed(text.encode(), "a.yaml", commands=[_settings(kind)]) for kind, text in texts]
    return Kind("YAML", [*[Seed(TRAIN.encode(), "a.yaml", around=folder)] * 3, *own], train, 8)


def box_files(folder: Path) -> Kind:
    """Boxes of lines, alone and with the picture that they are of."""
    draw_picture().save(folder / "p.png")
    boxes: list[object] = [{"box": [1, 1, 60, 20], "text": "fuzz"}, [[1, 1], [90, 1], [90, 20], [1, 20]]]
    upscale = ("upscale", str(folder / "p.png"), "-o", "OUT.png", "--boxes", "FILE", "--guard", "off", "--report")
    costly = cli(*upscale, "OUT.json", "-q", "--device", "cpu", "--offline", "-w", small_network(folder))
    documents = (boxes, {"boxes": boxes}, [[1, 1, 60, 20]] * 3)
    return Kind(
        "boxes", [Seed(json.dumps(each).encode(), "a.json") for each in documents], [library(read_boxes)], 6, [costly]
    )


def confusion_tables(_: Path) -> Kind:
    """JSON of numbers."""
    return Kind("confusion tables", [Seed(OWN_TABLE.read_bytes(), "a.json")], [library(load_distances)], 1)


def record_files(_: Path) -> Kind:
    """What ``eval --per-image`` writes."""
    record = {"subset": "easy", "id": "easy/000001", "label": "a", "row": "bicubic", "protocol": "paper"}
    line = json.dumps(record | {"readings": {"crnn": {"text": "a"}}}) + "\n"
    return Kind("records", [Seed(line.encode() * 3, "a.jsonl")], [library(read_records)], 3)


def label_files(folder: Path) -> Kind:
    """Label files of every form, with their pictures."""
    pictures = folder / "pictures"
    pictures.mkdir()
    rows = []
    for name in ("one.png", "two.png"):
        draw_picture().save(pictures / name)
        rows.append(Labelled(name, name[:3]))
    commands = [cli("data", "make", "FILE", "-o", "OUT", "-q"), library(_read_all)]
    seeds = [Seed(write_labels(rows, form), name, around=pictures, given="around") for form, name in FILE_NAMES.items()]
    return Kind("labels", seeds, commands, 6)


def _read_all(folder: Path) -> None:
    for file in folder.iterdir():
        if file.suffix != ".png":
            read_labels(file)


def word_lists(folder: Path) -> Kind:
    """Lexicons, and texts to be drawn."""
    draw_picture().save(folder / "p.png")
    upscale = ("upscale", str(folder / "p.png"), "-o", "OUT.png", "--lexicon", "FILE", "--guard", "off", "-q")
    synth = ("data", "synth", "-n", "2", "--words", "FILE", "--fonts", "builtin", "-o", "OUT", "-q", "--workers", "1")
    costly = cli(*upscale, "--mode", "line", "--device", "cpu", "--offline", "-w", small_network(folder))
    seed = Seed(b"fuzz\nword\nTwo words\n", "a.txt")
    return Kind("word lists", [seed], [cli(*synth)], 2, [costly])


DOCUMENTS: dict[str, Callable[[Path], Kind]] = {
    "yaml": yaml_files,
    "boxes": box_files,
    "tables": confusion_tables,
    "records": record_files,
    "labels": label_files,
    "words": word_lists,
}
