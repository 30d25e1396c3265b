"""Two-way table between the published TSRN checkpoints' keys and ours."""

from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.nn.key_tables import KeyTable, Shapes, all_srb_names, residual_network_table, trunk_shape


def key_table(config: TSRNConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(TSRNConfig()).ours("block2.gru1.conv1.weight")
        'blocks.0.vertical_gru.project.weight'
    """
    return residual_network_table(config, all_srb_names(config.num_srbs), stn=config.stn)


def config_from_keys(shapes: Shapes) -> tuple[TSRNConfig, int]:
    """Shape of a published network and its number of prior classes, which is 0.

    Raises:
        KeyError: If a key is missing that every TSRN has.
    """
    return TSRNConfig(**trunk_shape(shapes)), 0
