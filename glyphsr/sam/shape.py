"""The shape of a SAM network, read off its checkpoint; the three published ones have names."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

Shapes = Mapping[str, tuple[int, ...]]

ENCODER, DECODER = "image_encoder", "mask_decoder"
PIXEL_MEAN, PIXEL_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
DECODER_HEADS = 8
"""Attention heads of the mask decoder; no weight's shape shows them, and every published file has eight."""

MASK_CHANNELS = 16
LOGITS_PER_PATCH = 4
"""Mask logits per patch, along one axis."""


@dataclass(frozen=True)
class SamShape:
    """Sizes of the image encoder and of the mask decoder."""

    embed_dim: int
    depth: int
    num_heads: int
    global_blocks: tuple[int, ...]
    """Encoder blocks whose attention spans the whole picture; the others see windows."""
    window: int = 14
    grid: int = 64
    """Patches along each side of the canvas."""
    patch: int = 16
    """Pixels along each side of a patch."""
    prompt_dim: int = 256
    decoder_depth: int = 2
    decoder_mlp: int = 2048
    iou_hidden: int = 256

    @property
    def canvas(self) -> int:
        """Side of the encoder's input in pixels."""
        return self.grid * self.patch

    @property
    def type(self) -> str | None:
        """``vit_b``, ``vit_l`` or ``vit_h``; ``None`` for another shape."""
        return next((name for name, shape in PUBLISHED.items() if shape == self), None)


PUBLISHED = {
    "vit_b": SamShape(768, 12, 12, (2, 5, 8, 11)),
    "vit_l": SamShape(1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": SamShape(1280, 32, 16, (7, 15, 23, 31)),
}
"""The published networks. Source: ``facebookresearch/segment-anything: segment_anything/build_sam.py`` (facts)."""


def shape_of(shapes: Shapes) -> SamShape:
    """Sizes of the network that a state dict belongs to.

    Args:
        shapes: Shape of each entry by its published name.

    Raises:
        KeyError: Naming an entry that every SAM has and this one lacks.
    """
    # Sizes are read off the weights' shapes.
    embed_dim, _, patch, _ = shapes[f"{ENCODER}.patch_embed.proj.weight"]
    grid = shapes[f"{ENCODER}.pos_embed"][1]
    depth = _count(shapes, f"{ENCODER}.blocks.")
    # A table of relative positions has 2 n - 1 rows: n is the window, or the grid for a global block.
    reach = [shapes[f"{ENCODER}.blocks.{i}.attn.rel_pos_h"] for i in range(depth)]
    windows = {(length + 1) // 2 for length, _ in reach if (length + 1) // 2 != grid}

    return SamShape(
        embed_dim=embed_dim,
        depth=depth,
        num_heads=embed_dim // reach[0][1],
        global_blocks=tuple(i for i, (length, _) in enumerate(reach) if (length + 1) // 2 == grid),
        window=min(windows, default=0),
        grid=grid,
        patch=patch,
        prompt_dim=shapes[f"{DECODER}.iou_token.weight"][1],
        decoder_depth=_count(shapes, f"{DECODER}.transformer.layers."),
        decoder_mlp=shapes[f"{DECODER}.transformer.layers.0.mlp.lin1.weight"][0],
        iou_hidden=shapes[f"{DECODER}.iou_prediction_head.layers.0.weight"][0],
    )


def _count(shapes: Shapes, prefix: str) -> int:
    """How many numbered parts there are; a huge number in a name does not stand for as many."""
    return len({key.removeprefix(prefix).split(".")[0] for key in shapes if key.startswith(prefix)})


def build_sam(shape: SamShape) -> Sam:
    """The network of that shape with fresh weights, in eval mode; its entries have the published names."""
    encoder = ImageEncoderViT(
        depth=shape.depth,
        embed_dim=shape.embed_dim,
        img_size=shape.canvas,
        mlp_ratio=4,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        num_heads=shape.num_heads,
        patch_size=shape.patch,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=shape.global_blocks,
        window_size=shape.window,
        out_chans=shape.prompt_dim,
    )

    prompts = PromptEncoder(
        embed_dim=shape.prompt_dim,
        image_embedding_size=(shape.grid, shape.grid),
        input_image_size=(shape.canvas, shape.canvas),
        mask_in_chans=MASK_CHANNELS,
    )

    # The published decoder: three masks for a prompt, and one more for when only one is wanted.
    transformer = TwoWayTransformer(
        depth=shape.decoder_depth,
        embedding_dim=shape.prompt_dim,
        mlp_dim=shape.decoder_mlp,
        num_heads=DECODER_HEADS,
    )

    decoder = MaskDecoder(
        num_multimask_outputs=3,
        transformer=transformer,
        transformer_dim=shape.prompt_dim,
        iou_head_depth=3,
        iou_head_hidden_dim=shape.iou_hidden,
    )

    return Sam(encoder, prompts, decoder, pixel_mean=list(PIXEL_MEAN), pixel_std=list(PIXEL_STD)).eval()
