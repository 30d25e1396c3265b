"""The published CRNN checkpoint's keys, which are ours."""

from glyphsr.config.recognizers import CRNNConfig
from glyphsr.nn.key_tables import KeyTable, Shapes, charset_size


def key_table(config: CRNNConfig) -> KeyTable:
    """No key is renamed."""
    del config
    return KeyTable({})


def config_from_keys(shapes: Shapes) -> CRNNConfig:
    """Shape of a published network.

    Raises:
        KeyError: If a key is missing that every CRNN has.
        ValueError: If its number of classes is no known charset's.
    """
    return CRNNConfig(
        width=shapes["cnn.conv0.weight"][0],
        hidden=shapes["rnn.0.embedding.weight"][0],
        charset_size=charset_size(shapes["rnn.1.embedding.weight"][0]),
    )
