"""A super-resolution network together with the recognizer that guides it."""

from glyphsr.config.base import Config
from glyphsr.config.networks import GlyphSRConfig, NetworkConfig
from glyphsr.config.recognizers import PARSeqConfig, PriorConfig


class ModelConfig(Config):
    """The super-resolution network and the recognizer that gives it the text prior."""

    network: NetworkConfig = GlyphSRConfig()
    prior: PriorConfig = PARSeqConfig()
    """The text prior generator (TPG); networks that are not guided by one (TSRN, TBSRN) are built without it."""
