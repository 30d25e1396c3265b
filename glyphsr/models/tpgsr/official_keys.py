"""Two-way table between the published TPGSR checkpoints' keys and ours."""

from typing import Any

from glyphsr.models.tpgsr.settings import TPGSRConfig
from glyphsr.nn.key_tables import (
    KeyTable,
    Shapes,
    prior_shape,
    prior_transformer_names,
    residual_network_table,
    srb_names,
    trunk_shape,
)


def key_table(config: TPGSRConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(TPGSRConfig()).ours("infoGen.tconv2.weight")
        'guidance.deconvs.1.weight'
    """
    names = prior_transformer_names("guidance")
    for i in range(config.num_srbs):
        names |= srb_names(f"blocks.{i}", f"block{i + 2}")
    return residual_network_table(config, names, stn=config.stn)


def config_from_keys(shapes: Shapes) -> tuple[TPGSRConfig, int]:
    """Shape of a published network and its number of prior classes.

    Raises:
        KeyError: If a key is missing that every TPGSR has.
    """
    fields: dict[str, Any] = trunk_shape(shapes)
    prior_fields, num_classes = prior_shape(shapes)
    return TPGSRConfig(**(fields | prior_fields)), num_classes
