"""Two-way table between the published TSRN checkpoints' keys and ours."""

from typing import Any

from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.nn.key_tables import KeyTable, Shapes, residual_network_table, srb_names, trunk_shape


def key_table(config: TSRNConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(TSRNConfig()).ours("block2.gru1.conv1.weight")
        'blocks.0.vertical_gru.project.weight'
    """
    blocks: dict[str, str] = {}
    for i in range(config.num_srbs):
        blocks |= srb_names(f"blocks.{i}", f"block{i + 2}")
    return residual_network_table(config, blocks, stn=config.stn)


def config_from_keys(shapes: Shapes) -> tuple[TSRNConfig, int]:
    """Shape of a published network and its number of prior classes, which is 0.

    Raises:
        KeyError: If a key is missing that every TSRN has.
    """
    fields: dict[str, Any] = trunk_shape(shapes)
    return TSRNConfig(**fields), 0
