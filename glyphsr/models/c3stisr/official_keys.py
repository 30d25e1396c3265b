"""Two-way table between C3-STISR's published keys and ours."""

from glyphsr.models.c3stisr.settings import C3STISRConfig
from glyphsr.models.clue_keys import LANGUAGE_CLUE, LANGUAGE_CODES, VISUAL_CLUE, clue_names
from glyphsr.nn.key_tables import (
    KeyTable,
    Shapes,
    all_srb_names,
    guided_trunk_shape,
    prior_transformer_names,
    residual_network_table,
)


def key_table(config: C3STISRConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(C3STISRConfig()).ours("infoGen.tconv2.weight")
        'guidance.deconvs.1.weight'
        >>> key_table(C3STISRConfig(guidance="fused")).ours("gated.gated2.0.weight_v")
        'guidance.fusion.second.0.parametrizations.weight.original1'
    """
    fused = config.guidance == "fused"
    names = all_srb_names(config.num_srbs)
    names |= clue_names("guidance") if fused else prior_transformer_names("guidance")
    # The released code runs the language clue, too, and drops the result.
    unused = VISUAL_CLUE if fused else f"{VISUAL_CLUE}|{LANGUAGE_CLUE}"
    return residual_network_table(config, names, stn=config.stn, unused=unused, computed=LANGUAGE_CODES)


def config_from_keys(shapes: Shapes) -> tuple[C3STISRConfig, int]:
    """Shape of a published network and its number of prior classes.

    Raises:
        KeyError: If a key is missing that every C3-STISR has.
    """
    fields, num_classes = guided_trunk_shape(shapes)
    if "lm.proj.weight" in shapes:  # of no matter where the blocks see the prior alone
        fields["language_width"] = shapes["lm.proj.weight"][0]
    return C3STISRConfig(**fields), num_classes
