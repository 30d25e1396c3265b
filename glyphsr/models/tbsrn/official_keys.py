"""Two-way table between the published TBSRN checkpoints' keys and ours."""

from glyphsr.models.tbsrn.settings import TBSRNConfig
from glyphsr.nn.key_tables import KeyTable, Shapes, conv_names, residual_network_table, trunk_shape

_ENHANCER = {
    **{f"attention.{name}": f"multihead.linears.{i}" for i, name in enumerate(("query", "key", "value", "out"))},
    "norm1.scale": "mul_layernorm1.a_2",
    "norm1.shift": "mul_layernorm1.b_2",
    "feed_forward.expand": "pff.w_1",
    "feed_forward.reduce": "pff.w_2",
    "norm2.scale": "mul_layernorm3.a_2",
    "norm2.shift": "mul_layernorm3.b_2",
    "project": "linear",
}

UNUSED = r"(conv|bn)\..*|block\d+\.gru[12]\..*|.*\.compress_attention_linear\..*"
"""What the published class builds and never calls."""


def key_table(config: TBSRNConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(TBSRNConfig()).ours("block3.feature_enhancer.mul_layernorm3.a_2")
        'blocks.1.enhancer.norm2.scale'
    """
    blocks: dict[str, str] = {}
    for i in range(config.num_srbs):
        ours, published = f"blocks.{i}", f"block{i + 2}"
        blocks |= conv_names(ours, published)
        blocks |= {f"{ours}.enhancer.{a}": f"{published}.feature_enhancer.{b}" for a, b in _ENHANCER.items()}
    return residual_network_table(config, blocks, stn=config.stn, unused=UNUSED)


def config_from_keys(shapes: Shapes) -> tuple[TBSRNConfig, int]:
    """Shape of a published network and its number of prior classes, which is 0.

    Raises:
        KeyError: If a key is missing that every TBSRN has.
    """
    heads = shapes["block2.feature_enhancer.multihead.compress_attention_linear.weight"][1]
    return TBSRNConfig(**trunk_shape(shapes), attention_heads=heads), 0
