"""Two-way table between the published PEAN and TPEM checkpoints' keys and ours."""

import re

from glyphsr.models.pean.settings import PEANConfig
from glyphsr.nn.key_tables import DECODER_NAMES, STEM, KeyTable, Shapes, trunk_shape

_INTERPRETER = {
    "embed": "fn",
    "places": "init_factor",
    "places_gru": "upsample_transformer.gru_encoding",
    "norm": "upsample_transformer.decoder.norm",
    "step_code": "pe.pe",
    **{
        f"decoder.{i}.{a}": f"upsample_transformer.decoder.layers.{i}.{b}"
        for i in range(3)
        for a, b in DECODER_NAMES.items()
    },
}
_STRIP = {
    "norm1": "attention_norm",
    "prepare": "conv_input",
    "fuse": "fuse_out",
    "norm2": "ffn_norm",
    "expand": "ffn.fc1",
    "reduce": "ffn.fc2",
}
_WITHIN = {**_STRIP, "rows": "qkv_local_h", "columns": "qkv_local_v"}
_BETWEEN = {**_STRIP, "rows": "conv_h", "columns": "conv_v"}
_ENHANCER = {
    "mix": "conv",
    "level_mlp.0": "noise_level_mlp.1",
    "level_mlp.2": "noise_level_mlp.3",
    **{
        f"blocks.{i}.{a}": f"block_{i + 1}.{b}"
        for i in range(4)
        for a, b in (("norm", "bn"), ("linear", "fc"), ("level", "noise_func.noise_func"))
    },
}

UNUSED = (
    r"upsample_transformer\.(fn|decoder\.layers\.\d+\.(self_attn|norm1))\..*"
    r"|arm\..*"  # a recognizer that guides the training
    r"|betas|\w*alphas_cumprod(_prev)?|posterior_\w+"  # the noise schedule, which is computed
)


def key_table(config: PEANConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(PEANConfig()).ours("block2.Trans_block_4.conv_h.weight")
        'blocks.0.between.1.rows.weight'
        >>> key_table(PEANConfig(enhancer_steps=1)).ours("denoise_fn.block_3.fc.weight")
        'enhancer.blocks.2.linear.weight'
    """
    table = STEM | {f"guidance.{a}": b for a, b in _INTERPRETER.items()}

    for n in range(config.num_srbs):
        ours, published = f"blocks.{n}", f"block{n + 2}"

        # Published blocks come in pairs: attention within rows and columns, then between them.
        for i in range(config.num_pairs):
            within, between = f"{published}.Trans_block_{2 * i + 1}", f"{published}.Trans_block_{2 * i + 2}"
            table[f"{ours}.merges.{i}"] = f"{published}.conv_{i + 1}"
            table |= {f"{ours}.within.{i}.{a}": f"{within}.{b}" for a, b in _WITHIN.items()}
            table |= {f"{ours}.between.{i}.{a}": f"{between}.{b}" for a, b in _BETWEEN.items()}

    tail = config.num_srbs + 2
    table |= {"tail": f"block{tail}", "upsampler.conv": f"block{tail + 1}.0.conv"}
    table |= {"head": f"block{tail + 1}.1", "head_norm": f"block{tail + 1}.2"}

    if config.enhancer_steps:
        table |= {f"enhancer.{a}": f"denoise_fn.{b}" for a, b in _ENHANCER.items()}

    return KeyTable(table, unused=UNUSED, computed=r"guidance\.step_code")


def config_from_keys(shapes: Shapes) -> tuple[PEANConfig, int]:
    """Shape of a published network, with its enhancer if that file was added, and its number of prior classes.

    Raises:
        KeyError: If a key is missing that every PEAN has.
    """
    fields = trunk_shape(shapes, block=r"block(\d+)\.Trans_block_1\.")
    del fields["stn"]
    fields["num_pairs"] = sum(re.fullmatch(r"block2\.conv_\d+\.weight", key) is not None for key in shapes)
    fields["enhancer_steps"] = int("denoise_fn.conv.weight" in shapes)
    return PEANConfig(**fields), shapes["fn.weight"][1]
