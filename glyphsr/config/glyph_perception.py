"""Settings of the Glyph Perception Module."""

from typing import Annotated, Literal

from pydantic import Field

from glyphsr.config.base import Config
from glyphsr.config.ranges import EvenWidth, Positive


class GPMConfig(Config):
    """Glyph Perception Module: its size and which of its tasks are learned (paper, Table 3)."""

    line: bool = True
    """Learn the mask of the whole line (L_line)."""
    char: bool = True
    """Learn one mask per character (L_char)."""
    cls: bool = True
    """Learn the class of each character (L_cls)."""
    width: EvenWidth = 128
    """Channels at full size."""
    levels: Literal[2, 3] = 2
    """Sizes of the feature pyramid: full and half as in the released code, or also a quarter as the paper says."""
    num_slots: Annotated[int, Field(ge=1, le=256)] = 16
    """Character slots: the paper's L = 15 and one for the end (the released code has 16)."""
    end_slot: bool = True
    """Keep the last slot for the end of the text; else as many characters as slots, the end only where it has room."""
    attention: Literal["softmax", "plain"] = "softmax"
    """Weights by which features are pooled into a class: the softmax over all places of the character map times the
    line map (released code), or that product itself (paper, eq. 3)."""
    class_features: Literal["projected", "trunk"] = "projected"
    """What is pooled: a 3 x 3 convolution of the trunk's features (released code), or the latter (paper, eq. 3)."""
    detach_classes: bool = False
    """Let L_cls teach the classifier alone, not the maps that it is pooled with; of no matter once trained."""
    num_classes: Positive = 39
    """Classes of a slot: 36 characters and three specials."""
    class_order: Literal["characters_first", "end_first"] = "characters_first"
    """``characters_first``: 0-9a-z, end, padding, unknown (ASTER's way); ``end_first``: end, 0-9a-z, start, padding
    (PARSeq's way). The published order is not known; the released weights' readings will show it."""
