"""A super-resolution network together with the recognizer that guides it."""

from typing import Annotated

from pydantic import Field, model_validator

from glyphsr.config.base import Config
from glyphsr.config.networks import GlyphSRConfig, NetworkConfig
from glyphsr.config.ranges import Share
from glyphsr.config.recognizers import PARSeqConfig, PriorConfig


class RestraintConfig(Config):
    """Where a network holds its change over bicubic back, since its prior is not sure what it sees.

    A wrong letter drawn sharply harms more readers than a right one helps; see ``docs/weights.md``.
    """

    reach: Annotated[float, Field(gt=0)] = 4.0
    """How far on each side the reading counts, in line heights; words of a long line are judged by themselves."""
    low: Share = 0.3
    """Certainty up to which only ``floor`` of the change is applied."""
    high: Share = 0.8
    """Certainty from which all of it is applied; linear in between."""
    floor: Share = 0.0
    """Share of the change that is applied whatever the prior reads."""

    @model_validator(mode="after")
    def _check(self) -> "RestraintConfig":
        if self.low >= self.high:
            raise ValueError(f"high: expected more than low, {self.low:g}, got {self.high:g}")
        return self


class ModelConfig(Config):
    """The super-resolution network and the recognizer that gives it the text prior."""

    network: NetworkConfig = GlyphSRConfig()
    prior: PriorConfig = PARSeqConfig()
    """The text prior generator (TPG); networks that are not guided by one (TSRN, TBSRN) are built without it."""
    restraint: RestraintConfig | None = None
    """Hold back where a CTC prior is unsure; in use only, never while training. Null applies the change everywhere."""

    @model_validator(mode="after")
    def _check(self) -> "ModelConfig":
        if self.restraint is not None and (self.prior.kind == "parseq" or not self.network.needs_prior):
            raise ValueError("restraint: expected null unless a CTC prior (crnn, ctc_transformer) guides the network")
        return self
