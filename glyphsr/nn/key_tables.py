"""Two-way tables between published state-dict keys and ours, and the names that the TSRN lineage shares."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

from glyphsr.config.trunk import TrunkConfig

V = TypeVar("V")


def _rename(key: str, table: Mapping[str, str]) -> str:
    parts = key.split(".")
    # From the whole key to its first part, so that the longest match wins.
    for cut in range(len(parts), 0, -1):
        prefix = ".".join(parts[:cut])
        if prefix in table:
            return ".".join([table[prefix], *parts[cut:]])
    return key


@dataclass(frozen=True)
class KeyTable:
    r"""Names of one network's modules, ours and the published ones.

    Example:
        >>> table = KeyTable({"stem.conv": "block1.0"}, unused=r"conv\..*")
        >>> table.published("stem.conv.weight"), table.ours("block1.0.bias")
        ('block1.0.weight', 'stem.conv.bias')
        >>> table.translate({"block1.0.bias": 1, "conv.bias": 2})
        {'stem.conv.bias': 1}
    """

    modules: Mapping[str, str]
    """Our module (or parameter) -> the published name; the longest match counts, what is not named keeps its name."""
    unused: str = r"(?!)"
    """Regular expression of published entries that the published network itself never uses."""
    computed: str = r"(?!)"
    """Regular expression of our entries that are constants; a published file may lack them."""

    @cached_property
    def _back(self) -> dict[str, str]:
        return {published: ours for ours, published in self.modules.items()}

    def published(self, key: str) -> str:
        """Published name of one of our keys."""
        return _rename(key, self.modules)

    def ours(self, key: str) -> str:
        """Our name of a published key; an unknown one comes back as it is."""
        return _rename(key, self._back)

    def is_unused(self, key: str) -> bool:
        """Whether the published network carries this published entry without using it."""
        return re.fullmatch(self.unused, key) is not None

    def is_computed(self, key: str) -> bool:
        """Whether this entry of ours is a constant that our constructor computes."""
        return re.fullmatch(self.computed, key) is not None

    def translate(self, state: Mapping[str, V]) -> dict[str, V]:
        """A published state under our names, without its unused entries."""
        return {self.ours(key): value for key, value in state.items() if not self.is_unused(key)}


Shapes = Mapping[str, tuple[int, ...]]
"""Published key -> shape."""

STEM = {"stem.conv": "block1.0", "stem.act": "block1.1"}

STN = {
    **{f"stn.localizer.convs.{i}": f"stn_head.stn_convnet.{2 * i}" for i in range(6)},
    "stn.localizer.hidden": "stn_head.stn_fc1",
    "stn.localizer.points": "stn_head.stn_fc2",
    "stn.tps": "tps",
}

SPLINE_CONSTANTS = r"(stn|rectifier)\.tps\..*"
"""Matrices of the thin-plate spline, which its constructor computes."""

ENCODER_NAMES = {
    "attention": "self_attn",
    "expand": "linear1",
    "reduce": "linear2",
    "norm1": "norm1",
    "norm2": "norm2",
}
"""Published names inside the layer of a transformer's encoder."""

DECODER_NAMES = {
    "attention": "multihead_attn",
    "expand": "linear1",
    "reduce": "linear2",
    "norm1": "norm2",
    "norm2": "norm3",
}
"""Published names inside a decoder's layer without self-attention, whose norm the published numbers count."""

_DSTA = {
    "reduce": "conv1",
    "skip": "conv_f",
    "stride": "conv2",
    "pooled1": "conv_max",
    "pooled2": "conv3",
    "pooled3": "conv3_",
    "offsets": "mask",
    "coarse": "down_conv2.0",
    "coarse_offsets": "mask2",
    "deform": "dcn",
    "channel_gate1": "conv_du.0",
    "channel_gate2": "conv_du.2",
    "space_gate": "conv4",
}
_GRU_BLOCK = {"project": "conv1", "gru": "gru"}


def conv_names(ours: str, published: str) -> dict[str, str]:
    """Names of a block's two convolutions, whose names are the same on either side."""
    return {f"{ours}.{part}": f"{published}.{part}" for part in ("conv1", "bn1", "conv2", "bn2")}


def srb_names(ours: str, published: str) -> dict[str, str]:
    """Names inside one sequential residual block."""
    return conv_names(ours, published) | gru_names(ours, published)


def all_srb_names(num_srbs: int) -> dict[str, str]:
    """Names inside every sequential residual block; published blocks are counted from the stem, which is the first."""
    table: dict[str, str] = {}
    for i in range(num_srbs):
        table |= srb_names(f"blocks.{i}", f"block{i + 2}")
    return table


def gru_names(ours: str, published: str) -> dict[str, str]:
    """Names inside a block's vertical and horizontal GRU."""
    table: dict[str, str] = {}
    for gru, name in (("vertical_gru", "gru1"), ("horizontal_gru", "gru2")):
        table |= {f"{ours}.{gru}.{a}": f"{published}.{name}.{b}" for a, b in _GRU_BLOCK.items()}
    return table


def prior_transformer_names(ours: str, published: str = "infoGen") -> dict[str, str]:
    """Names inside the transposed convolutions of the prior."""
    table = {f"{ours}.deconvs.{i}": f"{published}.tconv{i + 1}" for i in range(4)}
    return table | {f"{ours}.norms.{i}": f"{published}.bn{i + 1}" for i in range(4)}


def dsta_names(ours: str, published: str) -> dict[str, str]:
    """Names inside a DSTA gate."""
    return {f"{ours}.{a}": f"{published}.{b}" for a, b in _DSTA.items()}


def residual_network_table(
    config: TrunkConfig, blocks: Mapping[str, str], *, stn: bool, unused: str = r"(?!)", computed: str = r"(?!)"
) -> KeyTable:
    """Table of a :class:`~glyphsr.nn.layers.residual_network.ResidualNetwork`.

    Args:
        config: Its shape.
        blocks: Names inside the blocks and the guidance.
        stn: Whether it carries the spatial transformer.
        unused: See :class:`KeyTable`.
        computed: Likewise, beside the spline's constants.
    """
    tail = config.num_srbs + 2
    ends = {"tail": f"block{tail}", "upsampler.conv": f"block{tail + 1}.0.conv", "head": f"block{tail + 1}.1"}
    table = STEM | dict(blocks) | ends | (STN if stn else {})
    return KeyTable(table, unused=unused, computed=f"{SPLINE_CONSTANTS}|{computed}")


def charset_size(num_classes: int, *, specials: int = 1) -> Literal[36, 62, 94]:
    """Symbols that a recognizer can read.

    Args:
        num_classes: Its classes.
        specials: Those of them that are no symbols.

    Raises:
        ValueError: If no charset has that many.
    """
    sizes: dict[int, Literal[36, 62, 94]] = {36 + specials: 36, 62 + specials: 62, 94 + specials: 94}
    if num_classes not in sizes:
        raise ValueError(f"{num_classes} classes; expected one of {', '.join(map(str, sizes))}")
    return sizes[num_classes]


def trunk_shape(shapes: Shapes, *, block: str = r"block(\d+)\.gru1\.") -> dict[str, Any]:
    """The fields that every network's configuration has, read off published keys.

    Args:
        shapes: Published key -> shape.
        block: Regular expression of a key that every block has, its number in the first group.

    Raises:
        KeyError: If a key is missing that all networks of the lineage have.
    """
    # The stem tells width and channels; blocks are counted by their names.
    width, channels = shapes["block1.0.weight"][:2]
    blocks = {int(match[1]) for key in shapes if (match := re.match(block, key))}
    stn = any(key.startswith("stn_head.") for key in shapes)
    return {"num_srbs": len(blocks), "width": width, "image_channels": 4 if channels == 4 else 3, "stn": stn}


def guided_trunk_shape(shapes: Shapes) -> tuple[dict[str, Any], int]:
    """The fields of :func:`trunk_shape` and of a prior transformer, and the number of the prior's classes.

    Raises:
        KeyError: If a key is missing that all networks with a prior transformer have.
    """
    # Transposed convolutions have (in, out, ...) weights: the first input is the prior's classes.
    hidden = tuple(shapes[f"infoGen.tconv{i}.weight"][1] for i in (1, 2, 3))
    fields = {"prior_hidden": hidden, "prior_width": shapes["infoGen.tconv4.weight"][1]}
    return trunk_shape(shapes) | fields, shapes["infoGen.tconv1.weight"][0]
