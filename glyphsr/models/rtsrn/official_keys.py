"""Two-way table between RTSRN's published keys and ours."""

from glyphsr.models.clue_keys import LANGUAGE_CODES, VISUAL_CLUE, clue_names
from glyphsr.models.rtsrn.settings import RTSRNConfig
from glyphsr.nn.key_tables import KeyTable, Shapes, gru_names, guided_trunk_shape, residual_network_table

_WAVE = {
    "norm1": "norm1",
    "norm2": "norm2",
    "mixing.channels": "attn.fc_c",
    "mixing.project": "attn.proj",
    "mixing.reweight.expand": "attn.reweight.fc1",
    "mixing.reweight.reduce": "attn.reweight.fc2",
    "feed_forward.expand": "mlp.fc1",
    "feed_forward.reduce": "mlp.fc2",
    **{
        f"mixing.{axis}.{part}": f"attn.{name}"
        for axis, h in (("rows", "h"), ("columns", "w"))
        for part, name in (("amplitude", f"fc_{h}"), ("phase", f"theta_{h}_conv"), ("mix", f"tfc_{h}"))
    },
}


def key_table(config: RTSRNConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(RTSRNConfig()).ours("block2.wave_mlp.attn.tfc_w.weight")
        'blocks.0.wave.mixing.columns.mix.weight'
    """
    names = clue_names("guidance")
    for i in range(config.num_srbs):
        names |= gru_names(f"blocks.{i}", f"block{i + 2}")
        names |= {f"blocks.{i}.wave.{a}": f"block{i + 2}.wave_mlp.{b}" for a, b in _WAVE.items()}

    attention = f"block{config.num_srbs + 3}.0.pam"
    names |= {
        "neighbours.gate": f"{attention}.gama",  # (sic): the published spelling
        "neighbours.project": f"{attention}.output.0.trans",
        "neighbours.norm": f"{attention}.output.1",
    }
    return residual_network_table(config, names, stn=config.stn, unused=VISUAL_CLUE, computed=LANGUAGE_CODES)


def config_from_keys(shapes: Shapes) -> tuple[RTSRNConfig, int]:
    """Shape of a published network and its number of prior classes.

    Raises:
        KeyError: If a key is missing that every RTSRN has.
    """
    fields, num_classes = guided_trunk_shape(shapes)
    fields["language_width"] = shapes["lm.proj.weight"][0]
    return RTSRNConfig(**fields), num_classes
