"""Makes the table of how far the glyphs of 62 characters are apart, from rendered glyphs.

usage: python recipes/confusion_table.py [--fonts N] [--seed S] [-o glyphsr/losses/confusion.json]

Each character is drawn in each font, fitted into a square (so that case and size do not count, as in the published
table, where o and O are close), blurred, and scaled to length one. The distance of two characters is the mean over the
fonts of the cosine distance of their pictures; all distances are scaled so that their median is 1, and none is below
0.02, the least distance in the published table.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from glyphsr.data.rendering.fonts import find_fonts
from glyphsr.losses.confusion import OWN_TABLE
from glyphsr.losses.text_focus import TABLE_ORDER as ORDER

SIDE, MARGIN, BLUR = 28, 4, 1.5
LEAST = 0.02


def draw(char: str, font: ImageFont.FreeTypeFont) -> np.ndarray | None:
    """``(SIDE, SIDE)`` of length one; ``None`` where the font draws nothing."""
    canvas = Image.new("L", (160, 160), 0)
    ImageDraw.Draw(canvas).text((40, 20), char, 255, font=font)
    box = canvas.getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 2:
        return None
    glyph = canvas.crop(box)
    scale = (SIDE - 2 * MARGIN) / max(glyph.size)
    size = (max(1, round(glyph.width * scale)), max(1, round(glyph.height * scale)))
    square = Image.new("L", (SIDE, SIDE), 0)
    square.paste(glyph.resize(size, Image.Resampling.BICUBIC), ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    blurred = cv2.GaussianBlur(np.asarray(square, np.float32), (0, 0), BLUR)
    return blurred / max(float(np.linalg.norm(blurred)), 1e-6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fonts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, default=OWN_TABLE)
    arguments = parser.parse_args()

    every = [font.path for font in find_fonts().fonts]
    rng = np.random.default_rng(arguments.seed)
    chosen = [every[i] for i in sorted(rng.permutation(len(every))[: arguments.fonts])]

    # A glyph is compared with the others of its own font; fonts without all of them are left out.
    tables = []
    for path in chosen:
        font = ImageFont.truetype(path, 80)
        drawn = [draw(char, font) for char in ORDER]
        if all(glyph is not None for glyph in drawn):
            glyphs = np.stack([glyph for glyph in drawn if glyph is not None]).reshape(len(ORDER), -1)
            tables.append(1 - glyphs @ glyphs.T)

    distances = np.mean(tables, axis=0)
    np.fill_diagonal(distances, 0.0)
    others = ~np.eye(len(ORDER), dtype=bool)
    distances /= np.median(distances[others])
    distances[others] = np.maximum(distances[others], LEAST)

    document = {
        "made_by": "recipes/confusion_table.py",
        "fonts": len(tables),
        "seed": arguments.seed,
        "order": ORDER,
        "distances": [[round(float(value), 3) for value in row] for row in distances],
    }

    text = json.dumps(document).replace("], [", "],\n[")
    arguments.out.write_text(text + "\n", encoding="utf-8")

    weights = 1 / distances[others]
    print(f"{len(tables)} fonts; weights {weights.min():.2f} to {weights.max():.1f}, mean {weights.mean():.2f}")
    pairs = sorted((distances[i, j], ORDER[i] + ORDER[j]) for i in range(len(ORDER)) for j in range(i))
    print("closest:", ", ".join(f"{pair} {value:.2f}" for value, pair in pairs[:24]))


if __name__ == "__main__":
    main()
