"""Two-way table between the published ASTER checkpoint's keys and ours."""

from glyphsr.config.recognizers import ASTERConfig
from glyphsr.nn.key_tables import SPLINE_CONSTANTS, STN, KeyTable, Shapes, charset_size
from glyphsr.recognizers.aster.network import SPECIALS

_DECODER = {
    "state_key": "attention_unit.sEmbed",
    "feature_key": "attention_unit.xEmbed",
    "score": "attention_unit.wEmbed",
    "embedding": "tgt_embedding",
    "gru": "gru",
    "classifier": "fc",
}


def key_table(config: ASTERConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(ASTERConfig()).ours("decoder.decoder.attention_unit.sEmbed.bias")
        'decoder.state_key.bias'
    """
    del config  # every ASTER has these names
    names = {
        "encoder.stem": "encoder.layer0",
        **{f"encoder.stages.{i}": f"encoder.layer{i + 1}" for i in range(5)},
        **{f"decoder.{a}": f"decoder.decoder.{b}" for a, b in _DECODER.items()},
        **{ours.replace("stn.", "rectifier."): published for ours, published in STN.items()},
    }
    return KeyTable(names, computed=SPLINE_CONSTANTS)


def config_from_keys(shapes: Shapes) -> ASTERConfig:
    """Shape of a published network.

    Raises:
        KeyError: If a key is missing that every ASTER has.
        ValueError: If its number of classes is no known charset's.
    """
    return ASTERConfig(
        charset_size=charset_size(shapes["decoder.decoder.fc.weight"][0], specials=SPECIALS),
        hidden=shapes["decoder.decoder.attention_unit.sEmbed.weight"][0],
        width=shapes["encoder.layer0.0.weight"][0],
    )
