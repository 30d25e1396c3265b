"""Two-way table between the published SIGA checkpoint's keys and ours."""

from collections.abc import Mapping

from glyphsr.config.recognizers import SIGAConfig
from glyphsr.nn.key_tables import KeyTable, Shapes

_ATTENTION = {
    "column_key": "attention_cell.i2h",
    "state_key": "attention_cell.h2h",
    "score": "attention_cell.score",
    "gate.weight": "attention_cell.fusion.W",
    "cell": "attention_cell.rnn",
    "classifier": "generator",
    "characters": "char_embeddings",
}
_DECODER = {"cell": "rnn", "classifier": "generator", "characters": "char_embeddings"}
_HEAD = {
    "up1.0": "unpool2.0",
    "up1.1": "unpool2.1",
    "up2.0": "unpool3.0",
    "up2.1": "unpool3.1",
    **{f"conv{i}.0": f"conv{i}" for i in range(1, 6)},
    **{f"conv{i}.1": f"bn{i}" for i in range(1, 6)},
    "foreground": "seg_cls",
    "quarter_maps": "cls_Head_Middle.0",
    "half_maps": "cls_Head_Low.0",
    "quarter_features": "Middle",
    "half_features": "Low",
    "half_encoder.layers.0": "lstm.0",
    "quarter_encoder.layers.0": "lstm.1",
}


def _attention(name: str, published: str, *, gated: bool = False) -> Mapping[str, str]:
    return {f"{name}.{a}": f"{published}.{b}" for a, b in _ATTENTION.items() if gated or a != "gate.weight"}


def key_table(config: SIGAConfig) -> KeyTable:
    """Our names and the published ones.

    Example:
        >>> key_table(SIGAConfig()).ours("model_two.Attention_Cls.seg_cls.bias")
        'head.foreground.bias'
    """
    del config  # every SIGA has these names
    net, transformation = "model_one.FeatureExtraction.ConvNet", "model_one.Transformation"
    localizer = f"{transformation}.LocalizationNetwork"
    names = {
        **{f"rectifier.localizer.convs.{i}.{j}": f"{localizer}.conv.{4 * i + j}" for i in range(4) for j in range(2)},
        "rectifier.localizer.hidden": f"{localizer}.localization_fc1.0",
        "rectifier.localizer.points": f"{localizer}.localization_fc2",
        "rectifier.inverse_kernel": f"{transformation}.GridGenerator.inv_delta_C",
        "rectifier.pixel_terms": f"{transformation}.GridGenerator.P_hat",
        "backbone.stem.0": f"{net}.conv1",
        "backbone.stem.1": f"{net}.bn1",
        **{f"backbone.stage{i}": f"{net}.layer{i}" for i in range(1, 8)},
        "backbone.conv6.0": f"{net}.conv6",
        "backbone.conv6.1": f"{net}.bn6",
        **{f"backbone.flatten{i}.0": f"{net}.conv7_{i}" for i in (1, 2)},
        **{f"backbone.flatten{i}.1": f"{net}.bn7_{i}" for i in (1, 2)},
        "column_encoder.layers": "model_one.SequenceModeling",
        "encoder.layers": "model_two.SequenceEncoding",
        **{f"head.{a}": f"model_two.Attention_Cls.{b}" for a, b in _HEAD.items()},
        **_attention("column_decoder", "model_one.Prediction"),
        **_attention("decoder", "model_two.Prediction"),
        **_attention("fused_half_decoder", "model_two.Iterable_Predicition_one", gated=True),
        **_attention("fused_quarter_decoder", "model_two.Iterable_Predicition_two", gated=True),
        **{f"half_decoder.{a}": f"model_two.FC_Prediction_1.{b}" for a, b in _DECODER.items()},
        **{f"quarter_decoder.{a}": f"model_two.FC_Prediction_2.{b}" for a, b in _DECODER.items()},
        **{f"final_decoder.{a}": f"model_two.generator.{b}" for a, b in _DECODER.items()},
        "gate.weight": "model_two.Fusion.W",
        "widen": "model_two.pw",
    }

    return KeyTable(names, unused=r"model_two\.downsampler\..*", computed=r"rectifier\.(inverse_kernel|pixel_terms)")


def config_from_keys(shapes: Shapes) -> SIGAConfig:
    """Shape of a published network.

    Raises:
        KeyError: If a key is missing that every SIGA has.
        ValueError: If it reads other characters than a-z and digits.
    """
    classes = shapes["model_one.Prediction.generator.weight"][0]
    if classes != 37:
        raise ValueError(f"reads {classes} classes; expected 37, a-z and digits")
    return SIGAConfig(
        width=shapes["model_one.FeatureExtraction.ConvNet.conv1.weight"][0],
        hidden=shapes["model_one.Prediction.attention_cell.i2h.weight"][0],
        max_steps=shapes["model_two.Attention_Cls.cls_Head_Low.0.weight"][0] - 1,
    )
