"""Text Gestalt's network: TSRN, whose spatial transformer looks at the picture as it is."""

from typing import ClassVar

from glyphsr.models.tsrn.network import TSRN


class TextGestalt(TSRN):
    """TSRN as Text Gestalt trains it.

    Source: ``FudanVI/FudanOCR: text-gestalt/model/tsrn.py``. Its other choice, TBSRN, is
    :class:`glyphsr.models.tbsrn.network.TBSRN` to the last digit.
    """

    enlarges: ClassVar[bool] = False
