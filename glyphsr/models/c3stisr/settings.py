"""Settings of C3-STISR."""

from typing import Annotated, Literal

from glyphsr.config.base import formerly
from glyphsr.config.trunk import CluedConfig


class C3STISRConfig(CluedConfig):
    """C3-STISR: TPGSR's trunk with a taller prior transformer and, as its paper says, a language clue."""

    kind: Literal["c3stisr"] = "c3stisr"
    guidance: Annotated[Literal["recognition", "fused"], formerly("hint", now="guidance")] = "recognition"
    """What guides the blocks: ``recognition``, the text prior alone, which is what the released code uses whatever else
    its files hold; ``fused`` with what a language model makes of it, as in the paper."""

    @property
    def reads_text(self) -> bool:
        """Where there is a language model."""
        return self.guidance == "fused"
