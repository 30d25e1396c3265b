"""The published PARSeq checkpoints' keys, which are ours."""

from glyphsr.config.recognizers import PARSeqConfig
from glyphsr.nn.key_tables import KeyTable, Shapes, charset_size


def key_table(config: PARSeqConfig) -> KeyTable:
    """No key is renamed."""
    del config
    return KeyTable({})


def config_from_keys(shapes: Shapes) -> PARSeqConfig:
    """Shape of a published network; ``tiny`` and the base one differ in their heads, which no shape shows.

    Raises:
        KeyError: If a key is missing that every PARSeq has.
        ValueError: If its number of classes is no known charset's.
    """
    _, steps, width = shapes["pos_queries"]
    tiny = width == 192

    depth = len({key.split(".")[2] for key in shapes if key.startswith("encoder.blocks.")})
    patch = shapes["encoder.patch_embed.proj.weight"][2:]

    return PARSeqConfig(
        embed_dim=width,
        encoder_depth=depth,
        encoder_heads=3 if tiny else 6,
        decoder_heads=6 if tiny else 12,
        max_label_length=steps - 1,
        patch_size=(patch[0], patch[1]),
        image_size=(224, 224) if patch == (16, 16) else (32, 128),
        charset_size=charset_size(shapes["head.weight"][0]),
    )
