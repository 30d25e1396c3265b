"""Two-way table between the published MORAN checkpoint's keys and ours."""

from glyphsr.config.recognizers import MORANConfig
from glyphsr.nn.key_tables import KeyTable, Shapes

_DECODER = {
    "characters": "char_embeddings",
    "feature_key": "attention_cell.i2h",
    "state_key": "attention_cell.h2h",
    "score": "attention_cell.score",
    "cell": "attention_cell.rnn",
    "classifier": "generator",
}


def key_table(config: MORANConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(MORANConfig()).ours("ASRN.cnn.block2.0.conv1.0.weight")
        'encoder.stages.1.0.conv1.0.weight'
    """
    del config  # every MORAN has these names
    return KeyTable(
        {
            "rectifier": "MORN",
            "encoder.stem": "ASRN.cnn.block0",
            **{f"encoder.stages.{i}": f"ASRN.cnn.block{i + 1}" for i in range(5)},
            "encoder.rnn": "ASRN.rnn",
            **{f"decoder.{a}": f"ASRN.attentionL2R.{b}" for a, b in _DECODER.items()},
            **{f"reverse_decoder.{a}": f"ASRN.attentionR2L.{b}" for a, b in _DECODER.items()},
        }
    )


def config_from_keys(shapes: Shapes) -> MORANConfig:
    """Shape of a published network.

    Raises:
        KeyError: If a key is missing that every MORAN has.
    """
    return MORANConfig(
        hidden=shapes["ASRN.attentionL2R.char_embeddings"][1], width=shapes["ASRN.cnn.block0.0.weight"][0]
    )
