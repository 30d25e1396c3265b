"""Kind -> architecture, from two plain tables: ``RECOGNIZERS`` here and ``NETWORKS`` of ``config/networks.py``.

Packages of others register theirs by the entry point group ``glyphsr.networks``; see ``docs/adding-a-network.md``.
"""

import importlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeAlias

from glyphsr.config.networks import NETWORKS, NetworkConfig
from glyphsr.config.plugins import load_plugin, plugin_names
from glyphsr.config.recognizers import PriorConfig, RecognizerConfig
from glyphsr.nn.architecture import Architecture
from glyphsr.nn.key_tables import KeyTable, Shapes

if TYPE_CHECKING:
    from glyphsr.models.glyphsr.network import GlyphSR
    from glyphsr.nn.layers.residual_network import ResidualNetwork
    from glyphsr.recognizers.aster.network import ASTER
    from glyphsr.recognizers.crnn.network import CRNN
    from glyphsr.recognizers.ctc_transformer.network import CTCTransformer
    from glyphsr.recognizers.moran.network import MORAN
    from glyphsr.recognizers.parseq.network import PARSeq
    from glyphsr.recognizers.ppocr.network import PPOCR
    from glyphsr.recognizers.siga.network import SIGA
    from glyphsr.recognizers.telescope.network import Telescope

PriorNetwork: TypeAlias = "CRNN | CTCTransformer | PPOCR | PARSeq"
RecognizerNetwork: TypeAlias = "CRNN | CTCTransformer | PPOCR | PARSeq | MORAN | ASTER | Telescope | SIGA"
SRNetwork: TypeAlias = "GlyphSR | ResidualNetwork"

RECOGNIZERS: dict[str, str] = {
    "crnn": "glyphsr.recognizers.crnn:CRNNArchitecture",
    "ctc_transformer": "glyphsr.recognizers.ctc_transformer:CTCTransformerArchitecture",
    "ppocr": "glyphsr.recognizers.ppocr:PPOCRArchitecture",
    "parseq": "glyphsr.recognizers.parseq:PARSeqArchitecture",
    "moran": "glyphsr.recognizers.moran:MORANArchitecture",
    "aster": "glyphsr.recognizers.aster:ASTERArchitecture",
    "telescope": "glyphsr.recognizers.telescope:TelescopeArchitecture",
    "siga": "glyphsr.recognizers.siga:SIGAArchitecture",
}
"""``kind`` of a recognizer -> its architecture, imported when needed; published files are recognised in this order."""


def architecture(kind: str) -> type[Architecture]:
    """What is known of a kind of network or recognizer, of this package or of another.

    Raises:
        ConfigError: If no package offers it.
    """
    path = (RECOGNIZERS | NETWORKS).get(kind)
    if path is None:
        plugin: type[Architecture] = load_plugin(kind)
        return plugin

    module, _, name = path.partition(":")
    found: type[Architecture] = getattr(importlib.import_module(module), name)
    return found


def is_network(kind: str | None) -> bool:
    """Whether a kind is one of super-resolution networks, of this package or of another."""
    return kind in NETWORKS or kind in plugin_names()


def published_kinds(table: dict[str, str]) -> tuple[str, ...]:
    """Those of :data:`RECOGNIZERS` or :data:`NETWORKS` whose authors' files can be read."""
    return tuple(kind for kind in table if architecture(kind).signature is not None)


def build_recognizer(config: RecognizerConfig) -> "RecognizerNetwork":
    """The network that a recognizer's configuration describes, with fresh weights."""
    network: RecognizerNetwork = architecture(config.kind).build(config)
    return network


def build_prior(config: PriorConfig) -> "PriorNetwork":
    """The same for a recognizer that can be a text prior."""
    network: PriorNetwork = architecture(config.kind).build(config)
    return network


def build_network(config: NetworkConfig, *, num_classes: int) -> "SRNetwork":
    """The super-resolution network that a configuration describes, with fresh weights.

    Args:
        config: Its shape.
        num_classes: Classes K of the text prior; of no matter to networks that are not guided by one.
    """
    network: SRNetwork = architecture(config.kind).build(config, num_classes=num_classes)
    return network


def identify(keys: Collection[str], *, image_channels: int | None = None) -> str | None:
    """The kind whose published files have these keys, ``None`` for none that is known.

    Args:
        keys: Of the published file.
        image_channels: Channels that its first convolution sees, where known.

    Example:
        >>> identify(["infoGen.tconv1.weight", "block2.gru1.conv1.weight"])
        'tpgsr'
        >>> identify(["block2.gru1.conv1.weight"], image_channels=3)
        'tg'
    """
    kinds = (*RECOGNIZERS, *NETWORKS, *plugin_names())
    return next((kind for kind in kinds if architecture(kind).detect(keys, image_channels=image_channels)), None)


def is_alike(kind: str, other: str) -> bool:
    """Whether published files of two kinds have the same keys, so that one can be asked to be the other."""
    return kind == other or architecture(kind).signature == architecture(other).signature is not None


def key_table(config: Any) -> KeyTable:
    """Published names and ours for the network that a configuration describes."""
    return architecture(config.kind).key_table(config)


def recognizer_shape(kind: str, shapes: Shapes) -> RecognizerConfig:
    """Configuration of a published recognizer, read off its keys.

    Raises:
        KeyError: If a key is missing that the kind always has.
    """
    config: RecognizerConfig = architecture(kind).read_shape(shapes)
    return config


def network_shape(kind: str, shapes: Shapes) -> tuple[NetworkConfig, int]:
    """Configuration of a published super-resolution network and its number of prior classes, read off its keys.

    Raises:
        KeyError: If a key is missing that the kind always has.
    """
    config: NetworkConfig
    config, num_classes = architecture(kind).read_shape(shapes)
    return config, num_classes
