"""Kind -> network, two plain typed tables; a new network is a new folder and one line here."""

import importlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeAlias

from glyphsr.config.networks import NetworkConfig
from glyphsr.config.recognizers import PriorConfig, RecognizerConfig
from glyphsr.models.key_tables import KeyTable, Shapes

if TYPE_CHECKING:
    from glyphsr.models.glyphsr.network import GlyphSR
    from glyphsr.models.layers.residual_network import ResidualNetwork
    from glyphsr.models.recognizers.aster.network import ASTER
    from glyphsr.models.recognizers.crnn.network import CRNN
    from glyphsr.models.recognizers.ctc_transformer.network import CTCTransformer
    from glyphsr.models.recognizers.moran.network import MORAN
    from glyphsr.models.recognizers.parseq.network import PARSeq
    from glyphsr.models.recognizers.ppocr.network import PPOCR
    from glyphsr.models.recognizers.telescope.network import Telescope

PriorNetwork: TypeAlias = "CRNN | CTCTransformer | PPOCR | PARSeq"
RecognizerNetwork: TypeAlias = "CRNN | CTCTransformer | PPOCR | PARSeq | MORAN | ASTER | Telescope"
SRNetwork: TypeAlias = "GlyphSR | ResidualNetwork"

RECOGNIZERS: dict[str, tuple[str, str]] = {
    "crnn": ("glyphsr.models.recognizers.crnn", "CRNN"),
    "ctc_transformer": ("glyphsr.models.recognizers.ctc_transformer", "CTCTransformer"),
    "ppocr": ("glyphsr.models.recognizers.ppocr", "PPOCR"),
    "parseq": ("glyphsr.models.recognizers.parseq", "PARSeq"),
    "moran": ("glyphsr.models.recognizers.moran", "MORAN"),
    "aster": ("glyphsr.models.recognizers.aster", "ASTER"),
    "telescope": ("glyphsr.models.recognizers.telescope", "Telescope"),
}
"""``kind`` of a recognizer's configuration -> package and class; imported when needed, since timm is slow to load."""

NETWORKS: dict[str, tuple[str, str]] = {
    "glyphsr": ("glyphsr.models.glyphsr", "GlyphSR"),
    "tsrn": ("glyphsr.models.tsrn", "TSRN"),
    "tbsrn": ("glyphsr.models.tbsrn", "TBSRN"),
    "tpgsr": ("glyphsr.models.tpgsr", "TPGSR"),
    "tatt": ("glyphsr.models.tatt", "TATT"),
    "tg": ("glyphsr.models.tg", "TextGestalt"),
    "lemma": ("glyphsr.models.lemma", "LEMMA"),
    "pean": ("glyphsr.models.pean", "PEAN"),
    "tsan": ("glyphsr.models.tsan", "TSAN"),
    "c3stisr": ("glyphsr.models.c3stisr", "C3STISR"),
    "rtsrn": ("glyphsr.models.rtsrn", "RTSRN"),
}
"""``kind`` of a super-resolution network's configuration -> package and class."""

SIGNATURES: dict[str, str] = {
    "crnn": "cnn.conv0.weight",
    "ppocr": "linear_8.w_0",
    "parseq": "pos_queries",
    "moran": "MORN.cnn.1.weight",
    "aster": "decoder.decoder.tgt_embedding.weight",
    "telescope": "embedding_word.lut.weight",
    "tbsrn": "block2.feature_enhancer.linear.weight",
    "tatt": "infoGen.init_factor.weight",
    "lemma": "guidanceGen.text_proj.weight",
    "pean": "block2.Trans_block_1.attention_norm.weight",
    "tsan": "gwam.conv_match.0.weight",
    "rtsrn": "block2.wave_mlp.norm1.weight",
    "c3stisr": "infoGen_ling.tconv1.weight",
    "glyphsr": "dsta_rec.conv1.weight",
    "tpgsr": "infoGen.tconv1.weight",
    "tg": "block2.gru1.conv1.weight",
    "tsrn": "block2.gru1.conv1.weight",
}
"""Kind -> a published key that tells it from those below it; looked for in this order."""

IMAGE_CHANNELS: dict[str, int] = {"tg": 3}
"""Kinds with the keys of the next one, by the image channels of their published files: Text Gestalt publishes TSRN
without the mask that TextZoom's has."""


def _class(table: dict[str, tuple[str, str]], kind: str) -> Any:
    package, name = table[kind]
    return getattr(importlib.import_module(f"{package}.network"), name)


def build_recognizer(config: RecognizerConfig) -> "RecognizerNetwork":
    """The network that a recognizer's configuration describes, with fresh weights."""
    network: RecognizerNetwork = _class(RECOGNIZERS, config.kind)(config)
    return network


def build_prior(config: PriorConfig) -> "PriorNetwork":
    """The same for a recognizer that can be a text prior."""
    network: PriorNetwork = _class(RECOGNIZERS, config.kind)(config)
    return network


def build_network(config: NetworkConfig, *, num_classes: int) -> "SRNetwork":
    """The super-resolution network that a configuration describes, with fresh weights.

    Args:
        config: Its shape.
        num_classes: Classes K of the text prior; of no matter to networks that are not guided by one.
    """
    network: SRNetwork = _class(NETWORKS, config.kind).from_config(config, num_classes=num_classes)
    return network


def identify(keys: Collection[str], *, image_channels: int | None = None) -> str | None:
    """The kind whose published files have these keys, ``None`` for none that is known.

    Args:
        keys: Of the published file.
        image_channels: Those that its first convolution sees, where known.

    Example:
        >>> identify(["infoGen.tconv1.weight", "block2.gru1.conv1.weight"])
        'tpgsr'
        >>> identify(["block2.gru1.conv1.weight"], image_channels=3)
        'tg'
    """
    found = (kind for kind, key in SIGNATURES.items() if key in keys)
    return next((kind for kind in found if IMAGE_CHANNELS.get(kind, image_channels) == image_channels), None)


def is_alike(kind: str, other: str) -> bool:
    """Whether published files of two kinds have the same keys, so that one can be asked to be the other."""
    return kind == other or SIGNATURES.get(kind) == SIGNATURES.get(other) is not None


def _official(kind: str) -> Any:
    package, _ = (RECOGNIZERS | NETWORKS)[kind]
    return importlib.import_module(f"{package}.official_keys")


def key_table(config: Any) -> KeyTable:
    """Published names and ours for the network that a configuration describes."""
    table: KeyTable = _official(config.kind).key_table(config)
    return table


def recognizer_shape(kind: str, shapes: Shapes) -> RecognizerConfig:
    """Configuration of a published recognizer, read off its keys.

    Raises:
        KeyError: If a key is missing that the kind always has.
    """
    config: RecognizerConfig = _official(kind).config_from_keys(shapes)
    return config


def network_shape(kind: str, shapes: Shapes) -> tuple[NetworkConfig, int]:
    """Configuration of a published super-resolution network and its number of prior classes, read off its keys.

    Raises:
        KeyError: If a key is missing that the kind always has.
    """
    config: NetworkConfig
    config, num_classes = _official(kind).config_from_keys(shapes)
    return config, num_classes
