"""Starts a larger GlyphSR network from a smaller one that computes the same.

Source: Chen, Goodfellow, Shlens, *Net2Net: Accelerating Learning via Knowledge Transfer*, ICLR 2016.
"""

import re

import torch
from torch import Tensor, nn

_NUMBERED = re.compile(r"(srbs|gfms)\.(\d+)\.")


def enlarge(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Weights of a smaller network for a larger one, so that both give the same picture.

    Units that the smaller network has come first in every layer and do not see the new ones, which start from the
    larger network's own random weights. New residual blocks follow those that there are, and start as the identity;
    fusion moves after them. Both networks have the same width of trunk, and fuse once.

    Args:
        state: The smaller network's weights, by their names in a GlyphSR network.
        network: The larger one, as it was built.

    Returns:
        Weights of the larger network.

    Raises:
        ValueError: Naming the first layer that the larger network has not, or has smaller.

    Example:
        >>> from glyphsr.models.glyphsr.settings import GlyphSRConfig
        >>> from glyphsr.models.glyphsr.network import GlyphSR
        >>> shape = {"block": "convolutional", "prior_layout": "aligned", "output": "residual", "width": 32}
        >>> small = GlyphSR.from_config(GlyphSRConfig(num_srbs=1, gfm_from=1, **shape), num_classes=8)
        >>> large = GlyphSR.from_config(GlyphSRConfig(num_srbs=3, gfm_from=3, **shape), num_classes=8)
        >>> sorted(enlarge(small.state_dict(), large)) == sorted(large.state_dict())
        True
    """
    own = network.state_dict()
    blocks = _numbers(state, "srbs")
    fused, now_fused = _numbers(state, "gfms"), _numbers(own, "gfms")
    if len(fused) > 1 or len(fused) != len(now_fused):
        raise ValueError(f"gfms: expected both networks to fuse once or never, got {len(fused)} and {len(now_fused)}")

    found = {key: value.clone() for key, value in own.items()}
    for key, weight in state.items():
        # The fusion may stand after another block in the larger network.
        name = re.sub(r"^gfms\.\d+\.", f"gfms.{max(now_fused, default=0)}.", key)
        if name not in own or any(few > many for few, many in zip(weight.shape, own[name].shape, strict=True)):
            raise ValueError(f"{key}: the larger network has no such layer, or a smaller one")
        found[name] = _placed(weight, found[name])

    for number in _numbers(own, "srbs") - blocks:  # a block whose last normalisation gives zero passes its input on
        found[f"srbs.{number}.bn2.weight"].zero_()
    return found


def _numbers(state: dict[str, Tensor], kind: str) -> set[int]:
    matches = (_NUMBERED.match(key) for key in state)
    return {int(match[2]) for match in matches if match and match[1] == kind}


def _placed(small: Tensor, large: Tensor) -> Tensor:
    """The smaller layer in the first places of the larger one; its outputs do not see the new inputs."""
    if small.shape == large.shape:
        return small.to(large.dtype)
    if large.ndim > 1:
        large[: len(small)] = 0
    large[tuple(slice(size) for size in small.shape)] = small.to(large.dtype)
    return torch.clone(large)
