"""Settings of LEMMA."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glyphsr.config.ranges import EvenWidth
from glyphsr.config.trunk import StraightenedConfig


class LEMMAConfig(StraightenedConfig):
    """LEMMA: guided by where a reader of its own finds characters. Takes 16 x 64 pictures only."""

    needs_prior: ClassVar[bool] = False
    fixed_size: ClassVar[tuple[int, int] | None] = (16, 64)

    kind: Literal["lemma"] = "lemma"
    reader_width: EvenWidth = 32
    """Channels of the stem of its reader; the reader's features have 16 times as many."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Rate inside the attention layers, in training only."""

    @property
    def reads_text(self) -> bool:
        """By its reader."""
        return True
