"""A super-resolution network together with the recognizer that guides it."""

from typing import Annotated, Any

from pydantic import model_validator

from glyphsr.config.base import Config, formerly
from glyphsr.config.networks import SETTINGS, NetworkConfig
from glyphsr.config.ranges import Fraction
from glyphsr.config.recognizers import PRIOR_CONFIGS, PARSeqConfig, PriorConfig

PLACED = tuple(config.model_fields["kind"].default for config in PRIOR_CONFIGS if config.places_ink)
"""Priors that say for every step whose ink it is on."""


class ConfidenceGateConfig(Config):
    """Which words a network draws as its prior reads them; the others it sharpens as they are seen.

    A wrong text drawn sharply harms more readers than a right one helps; see decision 0034.
    """

    low: Fraction = 0.3
    """Confidence up to which a word's text has the weight ``floor`` beside the prior's probabilities."""
    high: Fraction = 0.8
    """Confidence from which the text alone guides the network; linear in between."""
    floor: Fraction = 0.0
    """Least weight of a text."""

    @model_validator(mode="before")
    @classmethod
    def _without_reread(cls, values: Any) -> Any:
        """Checkpoints of version 0.1 have a field that says whether results were read again."""
        return {key: value for key, value in values.items() if key != "reread"} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _check(self) -> "ConfidenceGateConfig":
        if self.low >= self.high:
            raise ValueError(f"high: expected more than low, {self.low:g}, got {self.high:g}")
        return self


class ModelConfig(Config):
    """The super-resolution network and the recognizer that gives it the text prior."""

    network: NetworkConfig = SETTINGS["glyphsr"]()
    prior: PriorConfig = PARSeqConfig()
    """The text prior generator (TPG); networks that are not guided by one (TSRN, TBSRN) are built without it."""
    condition_on_reading: bool = False
    """Give the network the characters of the prior's reading at their places, rather than all that the prior holds
    possible there; for networks that were trained so."""
    confidence_gate: Annotated[ConfidenceGateConfig | None, formerly("restraint", now="confidence_gate")] = None
    """Give the network a text only where the prior is sure of it, whenever the model is used or validated; it learns
    from every text. Null gives it every text. Without ``condition_on_reading`` there is none to give."""

    @model_validator(mode="after")
    def _check(self) -> "ModelConfig":
        reads_words = self.network.needs_prior and self.prior.places_ink
        if self.confidence_gate is not None and not reads_words:
            raise ValueError(
                f"confidence_gate: expected null unless a prior of kind {' or '.join(PLACED)} guides the network"
            )
        if getattr(self.network, "prior_layout", "searched") == "aligned" and self.prior.kind == "parseq":
            raise ValueError("network.prior_layout: expected searched with a parseq prior, whose steps are no places")
        return self
