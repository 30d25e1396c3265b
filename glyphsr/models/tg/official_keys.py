"""Two-way table between Text Gestalt's published keys and ours, which are TSRN's."""

from glyphsr.models.tg.settings import TGConfig
from glyphsr.models.tsrn.official_keys import key_table as key_table
from glyphsr.nn.key_tables import Shapes, trunk_shape


def config_from_keys(shapes: Shapes) -> tuple[TGConfig, int]:
    """Shape of a published network and its number of prior classes, which is 0.

    Raises:
        KeyError: If a key is missing that every TSRN has.
    """
    return TGConfig(**trunk_shape(shapes)), 0
