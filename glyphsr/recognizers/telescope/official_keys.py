"""Two-way table between the published Telescope recognizer's keys and ours."""

from glyphsr.config.recognizers import TelescopeConfig
from glyphsr.nn.key_tables import KeyTable, Shapes
from glyphsr.recognizers.telescope.encoder import GROUPS

_LINEARS = ("query", "key", "value", "out")

UNUSED = r".*\.compress_attention_linear\..*|pe\.pe"
"""Attention's unused compression, and the position code, which is a constant."""


def _conv_norm(ours: str, conv: str, norm: str) -> dict[str, str]:
    return {f"{ours}.0": conv, f"{ours}.1": norm}


def key_table(config: TelescopeConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(TelescopeConfig()).ours("encoder.cnn.layer4_conv2_bn.bias")
        'encoder.transitions.3.1.bias'
    """
    cnn = "encoder.cnn"
    word = "word_with_upperword" if config.reads == "strokes" else "word"
    names = {"embedding": f"embedding_{word}.lut", "classifier": f"generator_{word}.proj"}
    for i in (1, 2):
        names |= _conv_norm(f"encoder.conv{i}", f"{cnn}.conv{i}", f"{cnn}.bn{i}")

    # Groups of residual blocks, each with a convolution after it; the last one's has another name.
    for g, (_, depth, _) in enumerate(GROUPS):
        layer = f"{cnn}.layer{g + 1}"
        for b in range(depth):
            for i in (1, 2):
                names |= _conv_norm(f"encoder.groups.{g}.{b}.conv{i}", f"{layer}.{b}.conv{i}", f"{layer}.{b}.bn{i}")
            names[f"encoder.groups.{g}.{b}.downsample"] = f"{layer}.{b}.downsample"
        last = g == len(GROUPS) - 1
        conv, norm = ("_conv2", "_conv2_bn") if last else ("_conv", "_bn")
        names |= _conv_norm(f"encoder.transitions.{g}", layer + conv, layer + norm)

    for ours, published in (("self_attention", "mask_multihead"), ("cross_attention", "multihead")):
        names |= {f"decoder.{ours}.{name}": f"decoder.{published}.linears.{i}" for i, name in enumerate(_LINEARS)}

    for i in (1, 2, 3):
        names[f"decoder.norm{i}.scale"] = f"decoder.mul_layernorm{i}.a_2"
        names[f"decoder.norm{i}.shift"] = f"decoder.mul_layernorm{i}.b_2"

    names |= {"decoder.feed_forward.expand": "decoder.pff.w_1", "decoder.feed_forward.reduce": "decoder.pff.w_2"}
    return KeyTable(names, unused=UNUSED)


def config_from_keys(shapes: Shapes) -> TelescopeConfig:
    """Shape of a published network.

    Raises:
        KeyError: If a key is missing that every one of them has.
    """
    strokes = "embedding_word_with_upperword.lut.weight"
    return TelescopeConfig(
        reads="strokes" if strokes in shapes else "characters",
        embed_dim=shapes[strokes if strokes in shapes else "embedding_word.lut.weight"][1],
        heads=shapes["decoder.multihead.compress_attention_linear.weight"][1],
        mlp_dim=shapes["decoder.pff.w_1.weight"][0],
    )
