"""Two-way table between the published LEMMA checkpoints' keys and ours."""

from glyphsr.models.clue_keys import LANGUAGE_CODES, language_model_names
from glyphsr.models.lemma.settings import LEMMAConfig
from glyphsr.nn.key_tables import (
    DECODER_NAMES,
    ENCODER_NAMES,
    KeyTable,
    Shapes,
    conv_names,
    residual_network_table,
    trunk_shape,
)

_MODULATION = {
    "guidance_norm": "BN",
    "gate": "conv1x1_1",
    "scaled": "conv1x1_2",
    "shift": "conv1x1_3",
    "channel_gate": "channel_attn",
    "aggregate": "aggregation",
    "norm": "BN2",
}
_READER = {
    "encoder.stem.0": "vision.backbone.resnet.conv1",
    "encoder.stem.1": "vision.backbone.resnet.bn1",
    **{f"encoder.stages.{i}": f"vision.backbone.resnet.layer{i + 1}" for i in range(5)},
    "place_code": "vision.backbone.pos_encoder.pe",
    "attention.position_code": "vision.attention.pos_encoder.pe",
    "attention.project": "vision.attention.project",
    "classify": "vision.cls",
    **{f"attention.down.{i}.{j}": f"vision.attention.k_encoder.{i}.{j}" for i in range(4) for j in (0, 1)},
    **{f"attention.up.{i}.{j}": f"vision.attention.k_decoder.{i}.{j + 1}" for i in range(4) for j in (0, 1)},
    **{
        f"layers.{i}.{a}": f"vision.backbone.transformer.layers.{i}.{b}"
        for i in range(3)
        for a, b in ENCODER_NAMES.items()
    },
}
_GUIDANCE = {
    "locate": "attn_conv",
    "mix": "DWC",
    "embed": "text_proj",
    "pixel_code": "vision_pos.pe",
    **{f"text_encoder.{i}.{a}": f"text_Encoder.layers.{i}.{b}" for i in range(2) for a, b in ENCODER_NAMES.items()},
    **{f"text_decoder.{i}.{a}": f"text_decoder.layers.{i}.{b}" for i in range(3) for a, b in DECODER_NAMES.items()},
    **{
        f"pixel_decoder.{i}.{a}": f"sematic_decoder.layers.{i}.{b}"  # (sic): the published spelling
        for i in range(3)
        for a, b in DECODER_NAMES.items()
    },
}

UNUSED = r"guidanceGen\.(text|select)_pos\.pe"
"""What the published class builds and never calls."""

CODES = rf"(reader|guidance)\.(\w+\.)?(place|position|pixel)_code|{LANGUAGE_CODES}"


def key_table(config: LEMMAConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(LEMMAConfig()).ours("position_prior.vision.attention.k_decoder.3.1.weight")
        'reader.attention.up.3.0.weight'
    """
    names = {f"reader.{a}": f"position_prior.{b}" for a, b in _READER.items()}
    names |= {f"guidance.{a}": f"guidanceGen.{b}" for a, b in _GUIDANCE.items()}
    names |= language_model_names("reader.language_model", "position_prior.language")

    for i in range(config.num_srbs):
        ours, published = f"blocks.{i}", f"block{i + 2}"
        names |= conv_names(ours, published)
        names |= {f"{ours}.modulation.{a}": f"{published}.affine.{b}" for a, b in _MODULATION.items()}
        names |= {f"{ours}.norm": f"{published}.BN"}
        names |= {f"{ours}.vertical_gru.gru": f"{published}.gru1.gru"}
        names |= {f"{ours}.horizontal_gru.gru": f"{published}.gru2.gru"}
    return residual_network_table(config, names, stn=config.stn, unused=UNUSED, computed=CODES)


def config_from_keys(shapes: Shapes) -> tuple[LEMMAConfig, int]:
    """Shape of a published network and its number of prior classes, which is 0.

    Raises:
        KeyError: If a key is missing that every LEMMA has.
    """
    fields = trunk_shape(shapes)
    fields["reader_width"] = shapes["position_prior.vision.backbone.resnet.conv1.weight"][0]
    return LEMMAConfig(**fields), 0
