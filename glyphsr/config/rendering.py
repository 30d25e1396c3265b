"""How words are drawn."""

from typing import Annotated

from pydantic import Field, model_validator

from glyphsr.config.base import FORMERLY_SHARES, Config
from glyphsr.config.ranges import Fraction, FractionRange, NonNegative, Range

BUILTIN_FONT = "builtin"
"""Stands for the one font that comes with Pillow; there everywhere, but no basis for training."""


Count = Annotated[int, Field(ge=1, le=12)]


class TextConfig(Config):
    """What is written; kinds are drawn by weight."""

    word: NonNegative = 0.66
    """Words of the word lists."""
    number: NonNegative = 0.08
    price: NonNegative = 0.03
    code: NonNegative = 0.08
    """Letters and digits in no order."""
    plate: NonNegative = 0.03
    """Like licence plates."""
    address: NonNegative = 0.04
    """House numbers with streets, web addresses, telephone numbers."""
    phrase: NonNegative = 0.08
    """Several words."""
    date: NonNegative = 0.0
    """Days and times, in the orders and with the marks of several countries."""
    email: NonNegative = 0.0
    """E-mail addresses."""
    upper: NonNegative = 0.45
    """Weight of words in capitals."""
    capitalised: NonNegative = 0.27
    lower: NonNegative = 0.25
    mixed: NonNegative = 0.03
    """Weight of words in random case."""
    marked: Fraction = 0.0
    """Fraction of the words of the word lists that have a punctuation mark before or after them, or quotes around."""
    phrase_words: tuple[Count, Count] = (2, 3)
    """Least and greatest number of words of a phrase."""
    phrase_characters: Annotated[int, Field(ge=1, le=64)] | None = None
    """Of a phrase at most; null for ``max_characters``."""
    max_characters: Annotated[int, Field(ge=1, le=64)] = 16
    """Of a word from a list found on the system, and of a phrase."""

    @model_validator(mode="after")
    def _check(self) -> "TextConfig":
        kinds = self.word + self.number + self.price + self.code + self.plate + self.address + self.phrase
        kinds += self.date + self.email
        for name, total in (("word", kinds), ("upper", self.upper + self.capitalised + self.lower + self.mixed)):
            if not total:
                raise ValueError(f"{name}: expected a weight above 0 here or at one beside it")
        return self


class RenderConfig(Config):
    """Words, fonts, colours, geometry; lengths are fractions of the height of the drawn text."""

    model_config = FORMERLY_SHARES

    height: Annotated[int, Field(ge=8, le=512, multiple_of=2)] = 32
    """Of the HR picture, in pixels; even, so that LR has half of it."""
    max_aspect: Annotated[float, Field(gt=1, le=100)] = 12.0
    """Longest picture in heights, before it is turned; longer text is drawn narrower."""
    text: TextConfig = TextConfig()
    words: tuple[str, ...] = ()
    """Text files, one text a line, drawn as they stand; none for the kinds of ``text``."""
    fonts: tuple[str, ...] = ()
    """Font files or folders of them, or ``builtin``; none for all of the system's."""
    backgrounds: str | None = None
    """Folder of photographs of which patches become grounds."""
    background_prob: Fraction = 0.4
    """Words on such a patch, where there is a folder."""
    margin: FractionRange = (0.08, 0.26)
    """Between the text and each side of the picture."""
    loose_prob: Fraction = 0.0
    """Pictures that are cropped loosely, as people crop."""
    loose_margin: FractionRange = (0.26, 1.0)
    """Instead of ``margin`` in those."""
    turned_prob: Fraction = 0.0
    """Pictures that are turned by an angle of up to ``turn`` beyond ``rotation``."""
    turn: Annotated[float, Field(ge=0, le=0.8)] = 0.17
    """Greatest angle of those, in radians."""
    stretch: Annotated[float, Field(ge=1, le=3)] = 1.28
    """Greatest factor by which letters are made wider or narrower."""
    tracking: NonNegative = 0.08
    """Deviation of the space that is added between letters, in ems."""
    touching_prob: Fraction = 0.06
    """Words whose letters touch."""
    rotation: NonNegative = 0.02
    """Deviation, in radians."""
    shear: NonNegative = 0.03
    """Deviation."""
    perspective: NonNegative = 0.12
    """Deviation of how much larger one end is than the other."""
    small_caps_prob: Fraction = 0.0
    """Capitalised texts whose other letters are small capitals."""
    curve_prob: Fraction = 0.06
    """Words on an arc."""
    curve: NonNegative = 0.5
    """Greatest angle of the arc between both ends, in radians."""
    outline_prob: Fraction = 0.15
    shadow_prob: Fraction = 0.2
    bevel_prob: Fraction = 0.04
    """Words with a light and a dark edge, like raised letters."""
    gradient_prob: Fraction = 0.06
    """Words whose ink changes from top to bottom."""
    worn_prob: Fraction = 0.08
    """Words whose ink is worn."""
    clutter_prob: Fraction = 0.25
    """Pictures with lines, frames, or parts of other words at the borders."""
    light_on_dark_prob: Fraction = 0.45
    """Words lighter than their ground."""
    contrast: FractionRange = (0.22, 1.0)
    """Between the brightness of ink and ground, on a scale of 1."""
    colourfulness: FractionRange = (0.3, 1.0)
    """Saturation of grounds and inks that have colour."""
    gray_prob: Fraction = 0.1
    """Words without colour."""
    texture: NonNegative = 0.13
    """Greatest deviation of clouds and grain on the ground, on a scale of 1."""
    shade: NonNegative = 0.06
    """Greatest change of light from one side to the other."""
    softness: Range = (0.15, 0.8)
    """Blur of the HR picture, in pixels at height 32: cameras are never quite sharp."""
    noise: FractionRange = (0.0, 0.018)
    """Deviation of the HR picture's own noise, on a scale of 1."""
