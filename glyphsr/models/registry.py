"""Name -> network, one plain typed table; a new recognizer is a new folder and one line here."""

import importlib
from typing import TYPE_CHECKING, TypeAlias

from glyphsr.config.model import CRNNConfig, PARSeqConfig

if TYPE_CHECKING:
    from glyphsr.models.recognizers.crnn.network import CRNN
    from glyphsr.models.recognizers.parseq.network import PARSeq

RecognizerNetwork: TypeAlias = "CRNN | PARSeq"

RECOGNIZERS: dict[str, tuple[str, str]] = {
    "crnn": ("glyphsr.models.recognizers.crnn.network", "CRNN"),
    "parseq": ("glyphsr.models.recognizers.parseq.network", "PARSeq"),
}
"""``kind`` of a recognizer's configuration -> module and class; imported when needed, since timm is slow to load."""


def build_recognizer(config: CRNNConfig | PARSeqConfig) -> RecognizerNetwork:
    """The network that a recognizer's configuration describes, with fresh weights."""
    module, name = RECOGNIZERS[config.kind]
    network: RecognizerNetwork = getattr(importlib.import_module(module), name)(config)
    return network
