"""Published names of what C3-STISR, RTSRN and LEMMA share: the language model, and fused guidance."""

from glyphsr.nn.key_tables import DECODER_NAMES, dsta_names, prior_transformer_names
from glyphsr.nn.layers.clued_prior import DILATIONS

LANGUAGE_CODES = r".*language_model\.\w+_code"
"""Position codes of the language model, which its constructor computes."""

VISUAL_CLUE = r"(dsta_vis|gated\.gated3|infoGen_visual|correction_model|vis_rec_fuser)\..*"
"""Published parts of the visual clue, and a second language model; no released code calls them."""

LANGUAGE_CLUE = r"(lm|dsta_rec|dsta_ling|gated|down_conv|infoGen_ling)\..*"
"""Published parts of the fused guidance beside the text prior's."""


def language_model_names(ours: str, published: str, num_layers: int = 4) -> dict[str, str]:
    """Names inside a language model."""
    table = {
        f"{ours}.embed": f"{published}.proj",
        f"{ours}.query_code": f"{published}.pos_encoder.pe",
        f"{ours}.token_code": f"{published}.token_encoder.pe",
        f"{ours}.classify": f"{published}.cls",
    }
    for i in range(num_layers):
        table |= {f"{ours}.layers.{i}.{a}": f"{published}.model.layers.{i}.{b}" for a, b in DECODER_NAMES.items()}
    return table


def clue_names(ours: str) -> dict[str, str]:
    """Names inside the guidance of recognition and language clue."""
    table = {f"{ours}.reduce": "down_conv"}
    table |= language_model_names(f"{ours}.language_model", "lm")
    # Each clue has its prior transformer and gate, the fusion one branch for each.
    for clue, strip, gate in (("recognition", "infoGen", "dsta_rec"), ("language", "infoGen_ling", "dsta_ling")):
        table |= prior_transformer_names(f"{ours}.{clue}", strip)
        table |= dsta_names(f"{ours}.{clue}.gate", gate)
    table |= _weight_norm_names(f"{ours}.fusion.compress", "gated.compress.1")
    for branch, name in (("first", "gated1"), ("second", "gated2")):
        for layer in (0, *range(2, 2 + len(DILATIONS))):
            table |= _weight_norm_names(f"{ours}.fusion.{branch}.{layer}", f"gated.{name}.{layer}")
    return table


def _weight_norm_names(ours: str, published: str) -> dict[str, str]:
    table = {f"{ours}.parametrizations.weight.original{i}": f"{published}.weight_{part}" for i, part in enumerate("gv")}
    return table | {f"{ours}.bias": f"{published}.bias"}
