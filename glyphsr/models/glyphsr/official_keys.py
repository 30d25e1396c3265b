"""Two-way table between the released GlyphSR checkpoints' keys and ours."""

import re

from glyphsr.config.model import GlyphSRConfig

_GRU_BLOCK = {"project": "conv1", "gru": "gru"}
_DSTA = {
    "reduce": "conv1",
    "skip": "conv_f",
    "stride": "conv2",
    "pooled1": "conv_max",
    "pooled2": "conv3",
    "pooled3": "conv3_",
    "offsets": "mask",
    "coarse": "down_conv2.0",
    "coarse_offsets": "mask2",
    "deform": "dcn",
    "channel_gate1": "conv_du.0",
    "channel_gate2": "conv_du.2",
    "space_gate": "conv4",
}
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
_STN = {
    **{f"localizer.convs.{i}": f"stn_head.stn_convnet.{2 * i}" for i in range(6)},
    "localizer.hidden": "stn_head.stn_fc1",
    "localizer.points": "stn_head.stn_fc2",
    "tps": "tps",
}


def module_table(config: GlyphSRConfig) -> dict[str, str]:
    """Our module prefix -> the official one, for every module of a network.

    The official code counts blocks from the stem: its ``block{n+1}`` is the paper's SRB n.
    """
    table = {"stem.conv": "block1.0", "stem.act": "block1.1"}
    for n in range(1, config.num_srbs + 1):
        ours, official = f"srbs.{n - 1}", f"block{n + 1}"
        table |= {f"{ours}.{part}": f"{official}.{part}" for part in ("conv1", "bn1", "conv2", "bn2")}
        for gru, name in (("vertical_gru", "gru1"), ("horizontal_gru", "gru2")):
            table |= {f"{ours}.{gru}.{a}": f"{official}.{name}.{b}" for a, b in _GRU_BLOCK.items()}
    for i in range(4):
        table |= {f"prior_transformer.deconvs.{i}": f"infoGen.tconv{i + 1}"}
        table |= {f"prior_transformer.norms.{i}": f"infoGen.bn{i + 1}"}
    table |= {f"prior_transformer.gate.{a}": f"dsta_rec.{b}" for a, b in _DSTA.items()}
    for n in range(config.gfm_from or config.num_srbs + 1, config.num_srbs + 1):
        table |= {f"gfms.{n}.{a}": f"block_merge{n + 1}.{b}" for a, b in _GFM.items()}
        table |= {f"gfms.{n}.gate.{a}": f"block_merge{n + 1}.dsta.{b}" for a, b in _DSTA.items()}
    if config.has_gpm:
        table |= {f"gpm.{a}": f"char_seg.{b}" for a, b in _GPM.items()}
    tail = config.num_srbs + 2
    table |= {"tail": f"block{tail}", "upsampler.conv": "block_up.0.conv", "head": "block_out.0"}
    if config.stn:
        table |= {f"stn.{a}": b for a, b in _STN.items()}
    return table


def _rename(key: str, table: dict[str, str]) -> str:
    parts = key.split(".")
    for cut in range(len(parts), 0, -1):
        prefix = ".".join(parts[:cut])
        if prefix in table:
            return ".".join([table[prefix], *parts[cut:]])
    return key


def to_official(key: str, config: GlyphSRConfig) -> str:
    """Official name of one of our state-dict keys.

    Example:
        >>> to_official("srbs.0.vertical_gru.project.weight", GlyphSRConfig())
        'block2.gru1.conv1.weight'
    """
    return _rename(key, module_table(config))


def from_official(key: str, config: GlyphSRConfig) -> str:
    """Our name of an official key; an unknown key comes back as it is.

    Example:
        >>> from_official("block_merge5.dsta.dcn.weight", GlyphSRConfig())
        'gfms.4.gate.deform.weight'
    """
    return _rename(key, {official: ours for ours, official in module_table(config).items()})


def config_from_keys(shapes: dict[str, tuple[int, ...]]) -> tuple[GlyphSRConfig, int]:
    """Read the shape of a released network off its official keys.

    Args:
        shapes: Official key -> shape.

    Returns:
        The configuration and the number of classes of its text prior.

    Raises:
        ValueError: If the keys are not those of a released GlyphSR network.
    """
    needed = ("block1.0.weight", "infoGen.tconv1.weight", "infoGen.tconv4.weight")
    missing = [key for key in needed if key not in shapes]
    if missing:
        raise ValueError(f"no {missing[0]!r} among the keys; is this a released GlyphSR checkpoint?")
    blocks = {int(m[1]) for key in shapes if (m := re.match(r"block(\d+)\.gru1\.", key))}
    merges = {int(m[1]) for key in shapes if (m := re.match(r"block_merge(\d+)\.", key))}
    hidden = [shapes[f"infoGen.tconv{i}.weight"][1] for i in (1, 2, 3)]
    config = GlyphSRConfig(
        num_srbs=len(blocks),
        width=shapes["block1.0.weight"][0],
        image_channels=4 if shapes["block1.0.weight"][1] == 4 else 3,
        prior_width=shapes["infoGen.tconv4.weight"][1],
        prior_hidden=(hidden[0], hidden[1], hidden[2]),
        gfm_from=min(merges) - 1 if merges else None,
        stn=any(key.startswith("stn_head.") for key in shapes),
    )
    return config, shapes["infoGen.tconv1.weight"][0]
