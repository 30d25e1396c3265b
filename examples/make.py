"""Draws the example pictures: signs rendered with a free font, then degraded like small photographs.

    python examples/make.py FONT.ttf

Every picture here was made by this script; none is a photograph.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parent

SIGNS = {
    "sign": ("Garden Street 47", (245, 245, 240), (18, 94, 60), 18, 1.15),
    "label": ("Fresh Bread daily", (70, 30, 20), (236, 214, 170), 20, 1.2),
}


def draw(text: str, ink: tuple[int, int, int], ground: tuple[int, int, int], font_file: str) -> np.ndarray:
    """A sign about 120 pixels high, lit from one corner, slightly turned."""
    font = ImageFont.truetype(font_file, 84)
    width = int(font.getlength(text)) + 90
    image = Image.new("RGB", (width, 132), ground)
    ImageDraw.Draw(image).text((45, 14), text, ink, font=font)
    pixels = np.asarray(image, np.float32)
    light = np.linspace(0.82, 1.08, width)[None, :] * np.linspace(1.04, 0.92, 132)[:, None]
    pixels = pixels * light[..., None]
    turn = cv2.getRotationMatrix2D((width / 2, 66), 0.9, 1.0)
    return cv2.warpAffine(pixels, turn, (width, 132), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def degrade(pixels: np.ndarray, height: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Small, blurred (sigma in pixels of the result), a little noisy, once through JPEG."""
    factor = pixels.shape[0] / height
    blurred = cv2.GaussianBlur(pixels, (0, 0), sigma * factor)
    small = cv2.resize(blurred, (round(pixels.shape[1] / factor), height), interpolation=cv2.INTER_AREA)
    noisy = np.clip(small + rng.normal(0, 3.0, small.shape), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


def main() -> None:
    """Write every sign as PNG beside this script."""
    rng = np.random.default_rng(0)
    for name, (text, ink, ground, height, sigma) in SIGNS.items():
        lr = degrade(draw(text, ink, ground, sys.argv[1]), height, sigma, rng)
        Image.fromarray(lr).save(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
