"""Two-way table between the published TSAN checkpoints' keys and ours."""

import re

from glyphsr.models.tsan.settings import TSANConfig
from glyphsr.nn.key_tables import SPLINE_CONSTANTS, STN, KeyTable, Shapes, conv_names

_GRADIENT = {
    "edges": "g",
    "values": "theta",
    "query": "fc1.0",
    "key": "fc2.0",
    "threshold": "thr_conv",
    "bias": "bias_conv",
}
_BLOCK = {"conv1": "body.0", "act": "body.1", "conv2": "body.2"}
_WEIGHED = {
    "conv1": "body.0",
    "conv2": "body.2",
    "squeeze": "prm_inner.conv_du.0",
    "excite": "prm_inner.conv_du.2",
}

UNUSED = (
    r"ggams\.c1_\d\.W\..*"  # a convolution that is never called
    r"|cam\d+\.mysrb\.(prm1\.body\.[1-9]|prm[23]\.body\.\d)\.body\.1\.weight"  # one activation's other 26 names
)


def key_table(config: TSANConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(TSANConfig()).ours("cam2.mysrb.prm3.body.8.prm_inner.conv_du.2.weight")
        'blocks.1.groups.2.blocks.8.excite.weight'
    """
    table = {
        "stem.conv": "initial.0",
        "stem.act": "initial.1",
        "hash_attention.match": "gwam.conv_match.0",
        "hash_attention.assemble": "gwam.conv_assembly.0",
        "merge": "c1",
        "tail": "normal",
        "upsampler.conv": "upsample.0.conv",
        "head": "upsample.1",
    }
    table |= {f"body.{i}.{a}": f"body1.{i}.{b}" for i in range(3) for a, b in _BLOCK.items()}

    table |= {f"refine.{i}.{a}": f"RBS1.{i}.{b}" for i in range(4) for a, b in _BLOCK.items()}
    heads = [(f"gradient_attention.heads.{i}", f"ggams.c1_{i + 1}") for i in range(4)]
    table |= {f"{ours}.{a}": f"{published}.{b}" for ours, published in heads for a, b in _GRADIENT.items()}
    # Published groups: three in each block, of nine weighed blocks and a convolution.
    for n in range(config.num_srbs):
        ours, published = f"blocks.{n}", f"cam{n + 1}"
        table |= conv_names(ours, published)
        table[f"{ours}.act"] = f"{published}.mysrb.prm1.body.0.body.1"
        for g in range(3):
            group, refinement = f"{ours}.groups.{g}", f"{published}.mysrb.prm{g + 1}.body"
            table[f"{group}.tail"] = f"{refinement}.9"
            table |= {f"{group}.blocks.{i}.{a}": f"{refinement}.{i}.{b}" for i in range(9) for a, b in _WEIGHED.items()}

    return KeyTable(table | (STN if config.stn else {}), unused=UNUSED, computed=SPLINE_CONSTANTS)


def config_from_keys(shapes: Shapes) -> tuple[TSANConfig, int]:
    """Shape of a published network and its number of prior classes, which is 0.

    Raises:
        KeyError: If a key is missing that every TSAN has.
    """
    width, channels = shapes["initial.0.weight"][:2]
    blocks = {match[0] for key in shapes if (match := re.match(r"cam\d+\.", key))}
    stn = any(key.startswith("stn_head.") for key in shapes)
    config = TSANConfig(num_srbs=len(blocks), width=width, image_channels=4 if channels == 4 else 3, stn=stn)
    return config, 0
