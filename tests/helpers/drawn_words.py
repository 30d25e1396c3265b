"""Words drawn character by character, with the exact mask of each, and a tiny SAM."""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from glyphsr.config.extraction import ExtractConfig
from glyphsr.sam.shape import SamShape, build_sam

TINY_SAM = SamShape(
    embed_dim=32,
    depth=3,
    num_heads=2,
    global_blocks=(1, 2),
    window=3,
    grid=16,
    patch=16,
    prompt_dim=32,
    decoder_mlp=32,
    iou_hidden=16,
)
"""A SAM of the published structure on a canvas of 256 pixels."""

INK_ONLY = ExtractConfig(segmenter="ink", localizer="cuts", workers=1)
"""No weights, one process."""

PAPER, INK = (235, 230, 215), (40, 30, 90)


def draw_glyphs(text, height=32, gap=3, ink=INK, paper=PAPER, margin=8):
    """A word on plain ground: ``(height, W, 3)`` uint8 and exact masks ``(L, height, W)``."""
    font = ImageFont.load_default(size=0.75 * height)
    width = int(sum(font.getlength(c) for c in text)) + gap * len(text) + 2 * margin
    x, covers = float(margin), []
    for char in text:
        canvas = Image.new("L", (width, height), 0)
        ImageDraw.Draw(canvas).text((x, 0), char, 255, font=font)
        covers.append(np.asarray(canvas, np.float32) / 255)
        x += font.getlength(char) + gap
    coverage = np.stack(covers)
    total = coverage.max(axis=0)[..., None]
    image = np.asarray(paper) * (1 - total) + np.asarray(ink) * total
    return image.round().astype(np.uint8), coverage >= 0.5


def tiny_sam(seed=0, shape=TINY_SAM):
    """Random weights; relative and absolute positions too, which start at zero and would hide mistakes."""
    torch.manual_seed(seed)
    sam = build_sam(shape)
    for name, parameter in sam.named_parameters():
        if "rel_pos" in name or "pos_embed" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return sam
