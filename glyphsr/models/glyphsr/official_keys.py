"""Two-way table between the released GlyphSR checkpoints' keys and ours."""

import re

from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.nn.key_tables import (
    SPLINE_CONSTANTS,
    STEM,
    STN,
    KeyTable,
    Shapes,
    dsta_names,
    guided_trunk_shape,
    prior_transformer_names,
    srb_names,
)

_GFM = {
    "reduce": "conv1",
    "refine": "conv2",
    "map_gate1": "channel_wise_attn.attention.1",
    "map_gate2": "channel_wise_attn.attention.3",
    "expand": "conv3",
}
_GPM = {
    **{f"conv{i}": f"conv{i}" for i in range(6)},
    "gru.project": "gru.conv1",
    "gru.gru": "gru.gru",
    "class_features": "rec_proj",
    "char_head": "char_heed",  # (sic): the published spelling
    "line_head": "seg_heed",
    "class_head": "char_cls",
}


def key_table(config: GlyphSRConfig) -> KeyTable:
    """Our names and the released ones, for every module of a network.

    The official code counts blocks from the stem: its ``block{n+1}`` is the paper's SRB n.

    Example:
        >>> table = key_table(GlyphSRConfig())
        >>> table.published("srbs.0.vertical_gru.project.weight"), table.ours("block_merge5.dsta.dcn.weight")
        ('block2.gru1.conv1.weight', 'gfms.4.gate.deform.weight')
    """
    table = dict(STEM)

    # Published blocks are counted from the stem, which is block1.
    for n in range(1, config.num_srbs + 1):
        table |= srb_names(f"srbs.{n - 1}", f"block{n + 1}")

    table |= prior_transformer_names("prior_transformer")
    table |= dsta_names("prior_transformer.gate", "dsta_rec")

    for n in range(config.gfm_from or config.num_srbs + 1, config.num_srbs + 1):
        table |= {f"gfms.{n}.{a}": f"block_merge{n + 1}.{b}" for a, b in _GFM.items()}
        table |= dsta_names(f"gfms.{n}.gate", f"block_merge{n + 1}.dsta")

    if config.has_gpm:
        table |= {f"gpm.{a}": f"char_seg.{b}" for a, b in _GPM.items()}

    tail = config.num_srbs + 2
    table |= {"tail": f"block{tail}", "upsampler.conv": "block_up.0.conv", "head": "block_out.0"}

    return KeyTable(table | (STN if config.stn else {}), computed=SPLINE_CONSTANTS)


def config_from_keys(shapes: Shapes) -> tuple[GlyphSRConfig, int]:
    """Read the shape of a released network off its official keys.

    Args:
        shapes: Official key -> shape.

    Returns:
        The configuration and the number of classes of its text prior.

    Raises:
        KeyError: If a key is missing that every released GlyphSR network has.
    """
    fields, num_classes = guided_trunk_shape(shapes)
    # The first fused block tells `gfm_from`; no fused block, a network without GFM.
    merges = {int(m[1]) for key in shapes if (m := re.match(r"block_merge(\d+)\.", key))}
    fields["gfm_from"] = min(merges) - 1 if merges else None
    return GlyphSRConfig(**fields), num_classes
