"""Measures what upscaling does to amounts, plates and loosely cropped words, rendered and blurred.

    python benchmarks/blurred_crops.py [--kind amounts] [--kind plates] [--kind loose] [--count N] [--seed S]
        [-R rapidocr] [--sheet FILE.png]

amounts, plates: prices such as `$40.07` and part numbers such as `AX-7322`, in letters 9 to 16 rows tall. Of those that
the reader reads in bicubic it counts how many it reads otherwise in the result: by default, with --guard revert, and
with no guard. Spaces do not count, every other character does.
loose: common words with ground of 0, 25, 50 and 100% of the letters' height around them. It counts the results that
differ from bicubic by more than 0.5 grey levels on average, and those that are read rightly.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from glyphsr.data.rendering.fonts import find_fonts, open_font
from glyphsr.images.resize import FloatImage, resize
from glyphsr.ocr.readers import Reader, open_reader
from glyphsr.text.charset import filter_lower
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler

DRAWN_AT = 8
"""Rows that are drawn for each row of the LR picture."""

WORDS = (
    "Bakery",
    "Garden",
    "Harbour",
    "Hotel",
    "Theatre",
    "Window",
    "Kitchen",
    "Library",
    "Station",
    "Museum",
    "Coffee",
    "Market",
    "Chemist",
    "Office",
    "Parking",
    "School",
    "Gallery",
    "Flowers",
    "Cinema",
    "Tickets",
    "Laundry",
    "Pharmacy",
    "Butcher",
    "Airport",
    "Bridge",
    "Castle",
    "Studio",
    "Travel",
    "Tailor",
    "Books",
)

MARGINS = (0.0, 0.25, 0.5, 1.0)
"""Ground around loosely cropped words, in heights of the letters."""

SETTINGS: dict[str, dict[str, str]] = {"default": {}, "revert": {"guard": "revert"}, "off": {"guard": "off"}}


def amount(rng: np.random.Generator) -> str:
    sign = rng.choice(["$", "€", "£", ""], p=[0.4, 0.2, 0.2, 0.2])
    return f"{sign}{rng.integers(1, 10 ** int(rng.integers(1, 4)))}.{rng.integers(100):02d}"


def plate(rng: np.random.Generator) -> str:
    def letters(count: int) -> str:
        return "".join(rng.choice(list("ABCDEFGHJKLMNPRSTUVWXYZ"), count))

    def digits(count: int) -> str:
        return "".join(rng.choice(list("0123456789"), count))

    forms = (
        lambda: f"{letters(2)}-{digits(3)}-{letters(2)}",
        lambda: f"{letters(2)}-{digits(4)}",
        lambda: f"{letters(1)}{digits(2)}-{digits(4)}",
        lambda: f"{digits(4)}-{letters(3)}",
    )
    return forms[int(rng.integers(len(forms)))]()


def word(rng: np.random.Generator) -> str:
    return str(rng.choice(WORDS))


TEXTS: dict[str, Callable[[np.random.Generator], str]] = {"amounts": amount, "plates": plate, "loose": word}


def blurred(text: str, rng: np.random.Generator, fonts: Sequence[str], *, margin: float | None = None) -> FloatImage:
    """``(h, w, 3)``: the text in a font by lot, dark on light or light on dark, blurred, small and noisy."""
    rows = int(rng.integers(9, 17)) if margin is None else 16
    font = open_font(str(rng.choice(fonts)), rows * DRAWN_AT)
    left, top, right, bottom = (round(side) for side in font.getbbox(text))
    around = round((margin if margin is not None else rng.uniform(0.1, 0.3)) * rows * DRAWN_AT)
    around = max(around, DRAWN_AT)
    size = (right - left + 2 * around, bottom - top + 2 * around)
    size = (-(-size[0] // DRAWN_AT) * DRAWN_AT, -(-size[1] // DRAWN_AT) * DRAWN_AT)

    ink, ground = rng.uniform(10, 70), rng.uniform(200, 250)
    ink, ground = (ground, ink) if rng.random() < 0.2 else (ink, ground)
    picture = Image.new("L", size, round(ground))
    ImageDraw.Draw(picture).text((around - left, around - top), text, fill=round(ink), font=font)

    sigma = rng.uniform(0.7, 1.6) * DRAWN_AT * rows / 16
    soft = cv2.GaussianBlur(np.asarray(picture, np.float32), (0, 0), sigma)
    small = cv2.resize(soft, (size[0] // DRAWN_AT, size[1] // DRAWN_AT), interpolation=cv2.INTER_AREA)
    noisy = small + rng.normal(0, rng.uniform(0.5, 3), small.shape)
    grey = (noisy.clip(0, 255).round() / 255).astype(np.float32)
    return np.repeat(grey[..., None], 3, axis=2)


def read(reader: Reader, pictures: Sequence[FloatImage]) -> list[str]:
    tensors = [torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1) for picture in pictures]
    return ["".join(reading.text.split()) for reading in reader.read(tensors)]


def numbers(kind: str, options: argparse.Namespace, fonts: Sequence[str], reader: Reader) -> list[NDArray[np.uint8]]:
    """Prints how many of the texts that bicubic shows are read otherwise afterwards."""
    rng = np.random.default_rng(options.seed)
    texts = [TEXTS[kind](rng) for _ in range(options.count)]
    lines = [lined(blurred(text, rng, fonts)) for text in texts]
    plain = [resize(line.rgb, line.size).clip(0, 1) for line in lines]
    known = [i for i, seen in enumerate(read(reader, plain)) if seen == texts[i]]
    print(f"\n{kind}: {options.reader} reads {len(known)} of {len(texts)} in bicubic")

    shown: list[NDArray[np.uint8]] = []
    for name, settings in SETTINGS.items():
        made = Upscaler(options.weights, **settings, device="cpu").upscale_lines([lines[i] for i in known])  # type: ignore[arg-type]
        seen = read(reader, [line.rgb for line in made])
        wrong = [(texts[i], now) for i, now in zip(known, seen, strict=True) if now != texts[i]]
        changed = np.mean([line.is_changed for line in made])
        print(f"  {name:8s} broken {len(wrong) / max(1, len(known)):6.1%} ({len(wrong)})   changed {changed:6.1%}")
        print("           " + ", ".join(f"{text} {now or '-'}" for text, now in wrong[:6]) if wrong else "", end="\n")
        if name == "default":
            shown = [side_by_side(plain[i], line.rgb) for i, line in zip(known, made, strict=True)]
    return shown


def loose(options: argparse.Namespace, fonts: Sequence[str], reader: Reader) -> list[NDArray[np.uint8]]:
    """Prints how many words of each margin are changed, and how many are read."""
    rng = np.random.default_rng(options.seed)
    texts = [TEXTS["loose"](rng) for _ in range(options.count)]
    seeds = rng.integers(1 << 32, size=len(texts))
    upscaler = Upscaler(options.weights, device="cpu")

    print(f"\nloose: {len(texts)} words, 16 rows tall\n  margin   changed  read in bicubic  read in ours")
    shown: list[NDArray[np.uint8]] = []
    for margin in MARGINS:
        crops = [
            blurred(text, np.random.default_rng(seed), fonts, margin=margin)
            for text, seed in zip(texts, seeds, strict=True)
        ]
        lines = [lined(crop) for crop in crops]
        plain = [resize(line.rgb, line.size).clip(0, 1) for line in lines]
        made = upscaler.upscale_lines(lines)
        before, after = (
            np.mean(
                [filter_lower(seen) == filter_lower(text) for seen, text in zip(read(reader, own), texts, strict=True)]
            )
            for own in (plain, [line.rgb for line in made])
        )
        changed = sum(line.is_changed for line in made)
        print(f"  {margin:6.0%}  {changed:4d}/{len(texts)} {before:15.1%} {after:13.1%}")
        shown += [side_by_side(own, line.rgb) for own, line in zip(plain, made, strict=True)]
    return shown


def lined(crop: FloatImage) -> Line:
    return Line(crop, (2 * crop.shape[0], 2 * crop.shape[1]))


def side_by_side(before: FloatImage, after: FloatImage) -> NDArray[np.uint8]:
    return (np.hstack([before, np.ones_like(before[:, :4]), after]).clip(0, 1) * 255).round().astype(np.uint8)


def save_sheet(file: Path, pictures: Sequence[NDArray[np.uint8]]) -> None:
    width, rows = max(picture.shape[1] for picture in pictures), []
    for first in range(0, len(pictures), 3):
        three = pictures[first : first + 3]
        height = max(picture.shape[0] for picture in three)
        padded = [
            np.pad(own, ((0, height - own.shape[0]), (0, width - own.shape[1] + 6), (0, 0)), constant_values=128)
            for own in three
        ]
        padded += [np.full_like(padded[0], 128)] * (3 - len(padded))
        rows.append(np.hstack(padded))
    Image.fromarray(np.vstack(rows)).save(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=list(TEXTS))
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-R", "--reader", default="rapidocr")
    parser.add_argument("-w", "--weights", default="compact")
    parser.add_argument("--sheet", type=Path, help="picture of all, before and after, by default")
    options = parser.parse_args()

    fonts = [font.path for font in find_fonts().able("$£€0123456789.-ABCabc")]
    reader = open_reader(options.reader, torch.device("cpu"))
    shown: list[NDArray[np.uint8]] = []
    for kind in options.kind or list(TEXTS):
        shown += loose(options, fonts, reader) if kind == "loose" else numbers(kind, options, fonts, reader)
    if options.sheet and shown:
        save_sheet(options.sheet, shown)


if __name__ == "__main__":
    main()
