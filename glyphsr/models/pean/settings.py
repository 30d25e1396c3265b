"""Settings of PEAN."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from glyphsr.config.ranges import Positive
from glyphsr.config.trunk import TrunkConfig


class PEANConfig(TrunkConfig):
    """PEAN: attention along strips, guided by an enhanced text prior. Takes 16 x 64 pictures only."""

    fixed_size: ClassVar[tuple[int, int] | None] = (16, 64)

    kind: Literal["pean"] = "pean"
    num_srbs: Positive = 1
    """Stacks of strip attention; published networks have one."""
    num_pairs: Positive = 6
    """Pairs of blocks in a stack: attention within rows and columns, then between them."""
    strip_heads: Positive = 16
    """Attention heads of the stacks; ``width`` is a multiple of it."""
    attention_heads: Positive = 4
    """Attention heads by which places see the text prior."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Rate inside the prior's attention layers, in training only."""
    mix_batch: bool = False
    """Let a picture's result depend on its place in the batch: a quirk of the published code, for its exact numbers."""
    enhancer_steps: Annotated[int, Field(ge=0)] = 0
    """Denoising steps by which TPEM enhances the text prior, 1 as published; 0 for a network without TPEM."""
    enhancer_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Of the random start that TPEM enhances every picture's prior from."""
    auxiliary_reader: bool = False
    """Read the text in the network's features while it is trained, as published; at test time it rests."""

    @property
    def reads_text(self) -> bool:
        """By its auxiliary reader."""
        return self.auxiliary_reader

    @model_validator(mode="after")
    def _check(self) -> "PEANConfig":
        for heads in ("strip_heads", "attention_heads"):
            if self.width % getattr(self, heads):
                raise ValueError(f"{heads}: expected a divisor of width ({self.width}), got {getattr(self, heads)}")
        return self
