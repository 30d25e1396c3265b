"""Draws the example pages: a street, a receipt and a scan, with what their lines say and where those are.

    python examples/make_scenes.py SANS.ttf SERIF.ttf MONO.ttf

Every picture here was made by this script; none is a photograph. NAME.json holds the lines of NAME.png, as
``upscale --boxes`` and
tests take them.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from make import FOLDER, degrade
from PIL import Image, ImageDraw, ImageFont

OVER = 4
"""Pages are drawn so many times larger than they end up."""

Colour = tuple[int, int, int]


@dataclass
class Page:
    """A picture in the making."""

    pixels: np.ndarray
    lines: list[dict[str, object]] = field(default_factory=list)

    def board(
        self, corners: list[tuple[float, float]], texts: list[str], font: str, ink: Colour, ground: Colour
    ) -> None:
        """A board with lines of text, seen at an angle; corners in pixels of the finished page."""
        high, margin, aspect = 120, 30, np.linalg.norm(np.subtract(corners[1], corners[0]))
        aspect /= np.linalg.norm(np.subtract(corners[3], corners[0]))
        height = high * len(texts) + 2 * margin
        width = round(aspect * height)
        flat = Image.new("RGB", (width, height), ground)
        pen = ImageDraw.Draw(flat)
        pen.rectangle((8, 8, width - 9, height - 9), outline=ink, width=5)
        places = []
        for row, text in enumerate(texts):
            face = fitted(text, font, width - 3 * margin, high - 24)
            left, top, right, bottom = face.getbbox(text)
            x = (width - (right - left)) / 2 - left
            y = margin + high * row + (high - (bottom - top)) / 2 - top
            pen.text((x, y), text, ink, font=face)
            places.append((text, (x + left, y + top, x + right, y + bottom)))
        target = OVER * np.array(corners, np.float32)
        source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        turn = cv2.getPerspectiveTransform(source, target)
        size = (self.pixels.shape[1], self.pixels.shape[0])
        warped = cv2.warpPerspective(np.asarray(flat, np.float32), turn, size, flags=cv2.INTER_AREA)
        where = cv2.warpPerspective(np.ones((height, width), np.float32), turn, size)[..., None]
        light = np.linspace(1.05, 0.85, size[0])[None, :, None]
        self.pixels = np.asarray(self.pixels * (1 - where) + warped * light * where, np.float32)
        for text, box in places:
            self.note(text, box, turn)

    def write(self, text: str, place: tuple[float, float], font: str, height: float, ink: Colour) -> None:
        """A line of text whose capitals stand at ``place``; lengths in pixels of the finished page."""
        face = ImageFont.truetype(font, round(OVER * height))
        x, y = OVER * place[0], OVER * place[1]
        image = Image.fromarray(self.pixels.clip(0, 255).astype(np.uint8))
        ImageDraw.Draw(image).text((x, y), text, ink, font=face)
        self.pixels = np.asarray(image, np.float32)
        left, top, right, bottom = face.getbbox(text)
        self.note(text.strip(), (x + left, y + top, x + right, y + bottom), np.eye(3))

    def note(self, text: str, box: tuple[float, float, float, float], turn: np.ndarray) -> None:
        """Remember where a line is."""
        x0, y0, x1, y1 = box
        corners = np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], np.float64)
        found = cv2.perspectiveTransform(corners, turn.astype(np.float64))[0] / OVER
        self.lines.append({"text": text, "points": found.round(1).tolist()})

    def turn(self, degrees: float) -> None:
        """Turn the page, with its lines, as it lay on the glass."""
        height, width = self.pixels.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        self.pixels = cv2.warpAffine(
            self.pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        for line in self.lines:
            points = np.array(line["points"]) * OVER
            line["points"] = ((points @ turn[:, :2].T + turn[:, 2]) / OVER).round(1).tolist()


def fitted(text: str, font: str, width: float, height: float) -> ImageFont.FreeTypeFont:
    """The greatest size in which a text fits."""
    size = 8
    while True:
        left, top, right, bottom = ImageFont.truetype(font, size + 2).getbbox(text)
        if right - left > width or bottom - top > height:
            return ImageFont.truetype(font, size)
        size += 2


def cloudy(shape: tuple[int, int], scale: int, rng: np.random.Generator) -> np.ndarray:
    """Soft noise ``(*shape, 1)`` about 0, of the given size of spots."""
    rough = rng.normal(0, 1, (shape[0] // scale + 2, shape[1] // scale + 2)).astype(np.float32)
    return cv2.resize(rough, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)[..., None]


def street(sans: str, serif: str, mono: str, rng: np.random.Generator) -> Page:
    """Sky, a brick wall, a pavement, and signs at angles."""
    width, height = 480 * OVER, 320 * OVER
    sky = np.linspace(0, 1, height)[:, None, None] * np.array((-60, -30, 0)) + np.array((170, 200, 235))
    pixels = np.broadcast_to(sky, (height, width, 3)).astype(np.float32).copy()
    wall, ground = round(0.3 * height), round(0.86 * height)
    pixels[wall:ground] = (150, 92, 74)
    for row, y in enumerate(range(wall, ground, 9 * OVER)):
        pixels[y : y + OVER] = (178, 168, 158)
        for x in range((row % 2) * 12 * OVER, width, 24 * OVER):
            pixels[y : y + 9 * OVER, x : x + OVER] = (178, 168, 158)
    pixels[ground:] = (120, 118, 116)
    pixels += 7 * cloudy((height, width), 6 * OVER, rng) + 4 * cloudy((height, width), OVER, rng)
    page = Page(pixels)
    page.board(
        [(24, 112), (250, 100), (250, 164), (24, 168)],
        ["BLUE HARBOUR", "fish and chips"],
        sans,
        (250, 244, 220),
        (22, 60, 110),
    )
    page.board(
        [(286, 124), (452, 136), (452, 160), (286, 152)], ["Market Street 18"], sans, (250, 250, 250), (20, 96, 60)
    )
    page.board(
        [(300, 184), (440, 190), (438, 252), (300, 250)],
        ["Parking only", "with permit"],
        serif,
        (30, 30, 40),
        (236, 232, 214),
    )
    page.board(
        [(60, 190), (210, 188), (210, 208), (60, 212)], ["open daily 9 to 6"], mono, (240, 230, 200), (70, 34, 30)
    )
    return page


def receipt(sans: str, serif: str, mono: str, rng: np.random.Generator) -> Page:
    """Thermal paper on a table."""
    del serif
    width, height = 260 * OVER, 330 * OVER
    pixels = np.full((height, width, 3), (104, 78, 58), np.float32) + 8 * cloudy((height, width), 3 * OVER, rng)
    pixels[8 * OVER : -8 * OVER, 20 * OVER : -20 * OVER] = (243, 241, 236)
    pixels += 4 * cloudy((height, width), 40 * OVER, rng)
    page = Page(pixels)
    ink = (60, 58, 66)
    page.write("CORNER GROCERY", (50, 22), sans, 16, ink)
    page.write("Mill Lane 7", (86, 46), mono, 13, ink)
    rows = [
        ("Whole milk", "1.19"),
        ("Brown bread", "2.85"),
        ("Apples 1 kg", "3.40"),
        ("Butter", "2.25"),
        ("Coffee", "6.90"),
    ]
    for i, (name, price) in enumerate(rows):
        page.write(name, (34, 78 + 24 * i), mono, 13, ink)
        page.write(price, (188, 78 + 24 * i), mono, 13, ink)
    page.write("TOTAL", (34, 208), sans, 16, ink)
    page.write("16.59", (176, 208), sans, 16, ink)
    page.write("paid by card", (34, 240), mono, 13, ink)
    page.write("Thank you and good bye", (42, 280), mono, 12, ink)
    page.turn(-1.6)
    return page


def scan(sans: str, serif: str, mono: str, rng: np.random.Generator) -> Page:
    """A printed paragraph, scanned at a low resolution."""
    del mono
    width, height = 420 * OVER, 250 * OVER
    pixels = np.full((height, width, 3), (247, 245, 240), np.float32) + 2 * cloudy((height, width), 30 * OVER, rng)
    page = Page(pixels)
    page.write("On reading small print", (28, 18), sans, 19, (20, 20, 24))
    text = (
        "A letter that is drawn with three",
        "or four pixels still has a shape,",
        "and a word has more than one letter.",
        "Readers guess from the neighbours,",
        "which is why a wrong stroke does",
        "more harm than a missing one.",
    )
    for i, line in enumerate(text):
        page.write(line, (28, 56 + 28 * i), serif, 17, (34, 32, 36))
    page.turn(0.7)
    return page


BLUR = {street: 1.3, receipt: 1.2, scan: 1.15}
"""Sigma in pixels of the finished page."""


def main() -> None:
    """Write every page, and its lines, beside this script."""
    for draw, sigma in BLUR.items():
        rng = np.random.default_rng(1)
        page = draw(*sys.argv[1:4], rng)
        lr = degrade(page.pixels, page.pixels.shape[0] // OVER, sigma, rng)
        Image.fromarray(lr).save(FOLDER / f"{draw.__name__}.png", optimize=True)
        rows = ",\n".join(json.dumps(line) for line in page.lines)
        Path(FOLDER / f"{draw.__name__}.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
