"""Settings of RTSRN."""

from typing import Literal

from glyphsr.config.trunk import CluedConfig


class RTSRNConfig(CluedConfig):
    """RTSRN: recurrent blocks with Wave-MLP, guided by recognition and language clue."""

    kind: Literal["rtsrn"] = "rtsrn"

    @property
    def reads_text(self) -> bool:
        """By its language model."""
        return True
