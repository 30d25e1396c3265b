"""Two-way table between the published TATT checkpoints' keys and ours."""

from glyphsr.models.tatt.settings import TATTConfig
from glyphsr.nn.key_tables import (
    DECODER_NAMES,
    ENCODER_NAMES,
    KeyTable,
    Shapes,
    all_srb_names,
    residual_network_table,
    trunk_shape,
)

_INTERPRETER = {
    "embed": "fc_in",
    "act": "activation",
    "places": "init_factor",
    "places_gru": "transformer.gru_encoding",
    "norm": "transformer.decoder.norm",
    "step_code": "pe.pe",
    **{f"encoder.{a}": f"transformer.encoder.layers.0.{b}" for a, b in ENCODER_NAMES.items()},
    **{f"decoder.{i}.{a}": f"transformer.decoder.layers.{i}.{b}" for i in (0, 1) for a, b in DECODER_NAMES.items()},
}

UNUSED = r"infoGen\.fc_feature_in\..*|infoGen\.transformer\.decoder\.layers\.\d+\.(self_attn|norm1)\..*"
"""What the published class builds and never calls."""


def key_table(config: TATTConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(TATTConfig()).ours("infoGen.transformer.decoder.layers.1.norm3.bias")
        'guidance.decoder.1.norm2.bias'
    """
    names = all_srb_names(config.num_srbs) | {f"guidance.{a}": f"infoGen.{b}" for a, b in _INTERPRETER.items()}
    return residual_network_table(config, names, stn=config.stn, unused=UNUSED, computed=r"guidance\.step_code")


def config_from_keys(shapes: Shapes) -> tuple[TATTConfig, int]:
    """Shape of a published network and its number of prior classes.

    Raises:
        KeyError: If a key is missing that every TATT has.
    """
    return TATTConfig(**trunk_shape(shapes)), shapes["infoGen.fc_in.weight"][1]
