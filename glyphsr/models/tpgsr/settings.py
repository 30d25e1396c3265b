"""Settings of TPGSR."""

from typing import Literal

from glyphsr.config.trunk import PriorTrunkConfig


class TPGSRConfig(PriorTrunkConfig):
    """TPGSR: the trunk guided by a text prior."""

    kind: Literal["tpgsr"] = "tpgsr"
