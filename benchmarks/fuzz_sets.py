"""Whole pictures, sets, weights, fonts and run folders, and the commands that read them, for ``benchmarks/fuzz.py``."""

import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lmdb
import numpy as np
import torch
from fuzz_mutations import mutate
from fuzz_seeds import TRAIN, Command, Kind, Seed, cli, draw_picture, library, small_network
from PIL import Image, ImageFont

from glyphsr.config.recognizers import CRNNConfig
from glyphsr.data.lmdb_pairs import PairedLmdb, decode_rgb
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.images.reader import read_picture
from glyphsr.models.registry import build_recognizer
from glyphsr.weights.checkpoints import read_checkpoint
from glyphsr.weights.loading import load_model, load_recognizer
from glyphsr.weights.registry import BUNDLED_FOLDER

UPSCALE = ("upscale", "FILE", "-o", "OUT.png", "--mode", "line", "--guard", "off", "-q", "--offline", "--device", "cpu")
WORDS = 4
"""Of the small sets."""


def _saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def _picture_seeds() -> list[Seed]:
    import cv2
    import tifffile

    image = draw_picture()
    wide = (np.asarray(image, np.uint16) * 257)[..., :3]
    moving = [image, image.rotate(5)]
    seeds = [
        Seed(_saved(image, "PNG", dpi=(300, 300)), "a.png"),
        Seed(_saved(image.convert("RGBA"), "PNG"), "a.png"),
        Seed(_saved(image.convert("P"), "PNG"), "a.png"),
        Seed(_saved(moving[0], "PNG", save_all=True, append_images=moving[1:]), "a.png"),
        Seed(_saved(image, "JPEG", quality=90, exif=_turned()), "a.jpg"),
        Seed(_saved(image, "JPEG", progressive=True), "a.jpg"),
        Seed(_saved(image.convert("CMYK"), "JPEG"), "a.jpg"),
        Seed(_saved(image, "WEBP"), "a.webp"),
        Seed(_saved(image, "WEBP", lossless=True), "a.webp"),
        Seed(_saved(moving[0], "WEBP", save_all=True, append_images=moving[1:]), "a.webp"),
        Seed(_saved(image, "TIFF"), "a.tif"),
        Seed(_saved(image, "TIFF", compression="tiff_lzw"), "a.tif"),
        Seed(_saved(image.convert("1"), "TIFF", compression="group4"), "a.tif"),
        Seed(_saved(image.convert("LAB"), "TIFF"), "a.tif"),
        Seed(_saved(image.convert("F"), "TIFF"), "a.tif"),
        Seed(_saved(image, "BMP"), "a.bmp"),
        Seed(_saved(image, "GIF"), "a.png"),
        Seed(_saved(image, "PPM"), "a.png"),
        Seed(cv2.imencode(".png", wide)[1].tobytes(), "a.png"),
    ]
    for options in ({}, {"compression": "zlib"}, {"tile": (16, 16)}):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, wide, photometric="rgb", **options)
        seeds.append(Seed(buffer.getvalue(), "a.tif"))
    return seeds


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def picture_files(folder: Path) -> Kind:
    """Pictures of every kind that we read, through every way in."""

    def beside(*words: str) -> Command:
        """A command that is given the picture's folder."""
        return lambda file, folder: cli(*(word.replace("FOLDER", str(file.parent)) for word in words))(file, folder)

    commands = [library(read_picture), library(lambda path: decode_rgb(path.read_bytes(), str(path)))]
    costly = [
        beside("data", "make", "FOLDER", "-o", "OUT", "-f", "filename", "-q"),
        cli(*UPSCALE, "--report", "OUT.hocr", "-w", small_network(folder)),
        beside("data", "synth", "-n", "1", "--fonts", "builtin", "--backgrounds", "FOLDER", "-o", "OUT", "-q"),
    ]
    return Kind("pictures", _picture_seeds(), commands, 10, costly)


def _small_set(source: Path, folder: Path) -> Path:
    """The first words of a set."""
    pairs = PairedLmdb(source)
    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for name in ("image_hr", "image_lr", "label", "glyph_line", "glyph_chars", "glyph_meta"):
            for number in range(1, WORDS + 1):
                value = pairs.get(f"{name}-{number:09d}")
                if value is not None:
                    transaction.put(f"{name}-{number:09d}".encode(), value)
        manifest = pairs.get("manifest")
        if manifest is not None:
            transaction.put(b"manifest", manifest)
        transaction.put(b"num-samples", str(WORDS).encode())
    return folder


def _value(whole: Path, key: str) -> Seed:
    """One value of a set, the rest of which stays well."""

    def write(data: Path, content: bytes) -> None:
        with lmdb.open(str(data.parent), map_size=1 << 26) as environment, environment.begin(write=True) as changed:
            changed.put(key.encode(), content)

    content = PairedLmdb(whole).get(key)
    assert content is not None
    return Seed(content, "data.mdb", around=whole, given="around", write=write)


def _pages(whole: Path) -> Seed:
    return Seed((whole / "data.mdb").read_bytes(), "data.mdb", around=whole, given="around")


def pair_sets(folder: Path) -> Kind:
    """Pages and values of pairs, through all commands that read pairs."""
    whole = _small_set(SAMPLE_ROOT / "test" / "easy", folder / "set")
    (folder / "run.yaml").write_text(TRAIN.removeprefix("base: other.yaml\n").replace("steps: 2", "steps: 1"))
    evaluate = ("eval", "--split", "FILE", "--recognizer", "crnn", "--bootstrap", "0", "--limit", "2", "-q")
    train = ("train", "--glyphs", "none", "--out", "OUT", "-q", "--device", "cpu", "--workers", "0")
    commands = [
        cli("data", "verify", "FILE", "-q"),
        cli("data", "inspect", "FILE", "--sheet", "OUT.png", "-q"),
        cli("data", "export", "FILE", "-o", "OUT", "-q"),
    ]
    costly = [
        cli("extract", "--lmdb", "FILE", "-o", "OUT", "--segmenter", "ink", "--localizer", "cuts", "-q"),
        cli(*evaluate, "--per-image", "OUT.jsonl", "--device", "cpu", "--offline"),
        cli(*train, "--config", str(folder / "run.yaml"), "--set", 'data.sources=[{kind: lmdb, path: "FILE"}]'),
    ]
    keys = ("image_hr-000000002", "image_lr-000000001", "label-000000002", "num-samples")
    return Kind("LMDB pairs", [*[_pages(whole)] * 4, *[_value(whole, key) for key in keys]], commands, 8, costly)


def glyph_sets(folder: Path) -> Kind:
    """Pages and values of glyph masks, through all commands that read them."""
    pairs = _small_set(SAMPLE_ROOT / "train", folder / "pairs")
    whole = folder / "set"
    extract = ("extract", "--lmdb", str(pairs), "-o", str(whole), "--segmenter", "ink", "--localizer", "cuts", "-q")
    subprocess.run([sys.executable, "-m", "glyphsr_cli", *extract], check=True, stdout=subprocess.DEVNULL)
    (folder / "run.yaml").write_text(TRAIN.removeprefix("base: other.yaml\n").replace("steps: 2", "steps: 1"))
    train = ("train", "--glyphs", "FILE", "--out", "OUT", "-q", "--device", "cpu", "--workers", "0")
    show = ("visualize", "--what", "gem", "--lmdb", str(pairs), "--index", "2", "--glyphs", "FILE", "-o", "OUT.png")
    costly = [
        cli(*show, "-q", "--device", "cpu", "--offline", "--recognizer", "none"),
        cli(*train, "--config", str(folder / "run.yaml"), "--set", f'data.sources=[{{kind: lmdb, path: "{pairs}"}}]'),
    ]
    verify = [cli("data", "verify", "FILE", "-q")]
    keys = ("glyph_meta-000000002", "glyph_line-000000002", "glyph_chars-000000002", "manifest", "num-samples")
    return Kind("glyph sets", [*[_pages(whole)] * 3, *[_value(whole, key) for key in keys]], verify, 6, costly)


def _mutate_header(content: bytes, rng: random.Random) -> bytes:
    """Mostly the header of a safetensors file, sometimes with its length put right, now and then anything."""
    if rng.random() < 0.15:
        return mutate(content, rng)
    size = int.from_bytes(content[:8], "little")
    header = mutate(content[8 : 8 + size], rng, head=4000)
    length = size if rng.random() < 0.2 else len(header)
    return length.to_bytes(8, "little") + header + content[8 + size :]


def _change_config(content: bytes, rng: random.Random) -> bytes:
    """A network of other sizes in a header that is well-formed."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    name = rng.choice(("config", "card"))
    header["__metadata__"][name] = mutate(header["__metadata__"][name].encode(), rng).decode(errors="replace")
    encoded = json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + content[8 + size :]


def checkpoints(folder: Path) -> Kind:
    """Our checkpoints: a super-resolver's and a recognizer's."""
    draw_picture().save(folder / "p.png")
    upscale = [word.replace("FILE", str(folder / "p.png")) for word in UPSCALE]
    commands = [
        library(lambda path: read_checkpoint(path, tensors=False)),
        library(load_recognizer),
        library(load_model),
    ]
    network = Path(small_network(folder)).read_bytes()
    recognizer = (BUNDLED_FOLDER / "crnn-light-synth.safetensors").read_bytes()
    seeds = [
        Seed(network, "a.safetensors", mutate=_mutate_header),
        Seed(network, "a.safetensors", mutate=_change_config),
        Seed(recognizer, "a.safetensors", mutate=_mutate_header, commands=commands[:2]),
    ]
    return Kind("checkpoints", seeds, commands, 5, [cli(*upscale, "-w", "FILE")])


def published_files(_: Path) -> Kind:
    """``.pth`` files of both forms that torch ever wrote, and ONNX files."""
    published = build_recognizer(CRNNConfig(width=4, hidden=8)).state_dict()
    contents = []
    for packed in (True, False):
        buffer = io.BytesIO()
        torch.save({"state_dict": published, "epoch": 3}, buffer, _use_new_zipfile_serialization=packed)
        contents.append(buffer.getvalue())
    commands = [library(_read_published)]
    return Kind("published weights", [Seed(content, "a.pth") for content in contents], commands, 4)


def _read_published(path: Path) -> None:
    from glyphsr.weights.published import read_state

    read_state(path)


def _run_folder(folder: Path) -> Path:
    """Of a training run of two steps."""
    out = folder / "run"
    if not out.exists():
        (folder / "run.yaml").write_text(TRAIN.removeprefix("base: other.yaml\n"))
        words = ["train", "--config", str(folder / "run.yaml"), "--glyphs", "none", "--out", str(out), "--quiet"]
        words += ["--device", "cpu", "--workers", "0"]
        subprocess.run([sys.executable, "-m", "glyphsr_cli", *words], check=True, stdout=subprocess.DEVNULL)
    return out


def run_folders(folder: Path) -> Kind:
    """Every file of a training run, which is shown and gone on with."""
    run = _run_folder(folder)
    names = ("metrics.jsonl", "config.yaml", "checkpoints/last.state", "checkpoints/last.safetensors")
    seeds = [Seed((run / name).read_bytes(), name, around=run, given="around") for name in names]
    show = cli("visualize", "--what", "training", "--run", "FILE", "-o", "OUT.png", "-q")
    resume = ("train", "--config", str(folder / "run.yaml"), "--glyphs", "none", "--out", "FILE", "--max-steps", "3")
    costly = cli(*resume, "-q", "--device", "cpu", "--workers", "0")
    return Kind("run folders", seeds, [show], 4, [costly])


def font_files(folder: Path) -> Kind:
    """TrueType fonts."""
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    source = font.path if isinstance(font.path, str | Path) else None
    content = Path(source).read_bytes() if source else font.font_bytes
    synth = ("data", "synth", "-n", "1", "--fonts", "FILE", "-o", "OUT", "-q", "--workers", "1")
    del folder
    return Kind("fonts", [Seed(content, "a.ttf")], [cli(*synth)], 2)


def caches(folder: Path) -> Kind:
    """What we keep between runs: hashes of weights, and chunks of an extraction that was stopped."""
    cache = folder / "cache"
    cache.mkdir()
    (cache / "crnn.safetensors").write_bytes((BUNDLED_FOLDER / "crnn-light-synth.safetensors").read_bytes())
    (cache / "hashes.json").write_text(json.dumps({"crnn.safetensors": "0" * 64}))
    (cache / "checked.json").write_text(json.dumps({"x": [1, 2, 3, 4, "0"]}))

    def verify(file: Path, out: Path) -> int:
        import os

        os.environ["GLYPHSR_CACHE"] = str(file.parent)
        return cli("models", "list")(file, out)

    names = ("hashes.json", "checked.json")
    return Kind("caches", [Seed((cache / name).read_bytes(), name, around=cache) for name in names], [verify], 1)


SETS: dict[str, Callable[[Path], Kind]] = {
    "pictures": picture_files,
    "pairs": pair_sets,
    "glyphs": glyph_sets,
    "checkpoints": checkpoints,
    "published": published_files,
    "runs": run_folders,
    "fonts": font_files,
    "caches": caches,
}
