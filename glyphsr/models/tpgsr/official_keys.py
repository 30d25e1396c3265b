"""Two-way table between the published TPGSR checkpoints' keys and ours."""

from glyphsr.models.tpgsr.settings import TPGSRConfig
from glyphsr.nn.key_tables import (
    KeyTable,
    Shapes,
    all_srb_names,
    guided_trunk_shape,
    prior_transformer_names,
    residual_network_table,
)


def key_table(config: TPGSRConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(TPGSRConfig()).ours("infoGen.tconv2.weight")
        'guidance.deconvs.1.weight'
    """
    names = prior_transformer_names("guidance") | all_srb_names(config.num_srbs)
    return residual_network_table(config, names, stn=config.stn)


def config_from_keys(shapes: Shapes) -> tuple[TPGSRConfig, int]:
    """Shape of a published network and its number of prior classes.

    Raises:
        KeyError: If a key is missing that every TPGSR has.
    """
    fields, num_classes = guided_trunk_shape(shapes)
    return TPGSRConfig(**fields), num_classes
