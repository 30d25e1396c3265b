"""The GlyphSR network: an SR trunk guided by a text prior and by the glyphs it sees itself."""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.models.glyphsr.gfm import GlyphFusionModule
from glyphsr.models.glyphsr.gpm import GlyphHeads, GlyphPerceptionModule
from glyphsr.models.glyphsr.net2net import enlarge
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.nn.layers.aligned_prior import AlignedPrior
from glyphsr.nn.layers.guided_block import GuidedResidualBlock
from glyphsr.nn.layers.pixel_shuffle import PixelShuffleUpsampler
from glyphsr.nn.layers.prior_transformer import PriorTransformer
from glyphsr.nn.layers.srb import SequentialResidualBlock
from glyphsr.nn.layers.stem import Stem
from glyphsr.nn.layers.stn import SpatialTransformer
from glyphsr.types import GlyphOutput, SROutput

BLOCKS: dict[str, type[SequentialResidualBlock | GuidedResidualBlock]] = {
    "sequential": SequentialResidualBlock,
    "convolutional": GuidedResidualBlock,
}


GPM_BODY = ("conv0", "conv1", "conv2", "gru", "conv3", "conv4", "conv5")
"""Modules of the glyph perception module by which both maps are made."""


def _prior_transformer(config: GlyphSRConfig, num_classes: int) -> PriorTransformer | AlignedPrior:
    if config.prior_layout == "aligned":
        return AlignedPrior(num_classes, config.prior_hidden[:2], config.prior_width)
    return PriorTransformer(num_classes, config.prior_hidden, config.prior_width)


class GlyphSR(nn.Module):
    """SR branch, prior transformer, GPM and GFM (paper, Figure 2).

    SRBs are counted from 1 as in the paper: ``gfm_from = 4`` is N_gly = 4, the released code's ``char_block`` 5.
    Without GFM the GPM only supervises and, by default, reads the last SRB, as in the released variant.

    The SR branch draws its weights before the glyph modules, so that at one seed all rows of an ablation start alike.

    Args:
        config: Shape and switches; :class:`glyphsr.models.glyphsr.settings.GlyphSRConfig` explains each.
        trunk: The SRBs.
        prior_transformer: Makes the feature map of the prior.
    """

    gpm: GlyphPerceptionModule | None

    def __init__(
        self,
        config: GlyphSRConfig,
        *,
        trunk: nn.ModuleList,
        prior_transformer: PriorTransformer | AlignedPrior,
    ) -> None:
        super().__init__()
        self.config = config
        self.num_classes = prior_transformer.num_classes
        # The trunk: stem, residual blocks, tail, then twice the size and back to pixels.
        self.stem = Stem(config.image_channels, config.width)
        self.prior_transformer = prior_transformer
        self.srbs = trunk
        self.tail = nn.Sequential(nn.Conv2d(config.width, config.width, 3, padding=1), nn.BatchNorm2d(config.width))
        self.upsampler = PixelShuffleUpsampler(config.width)
        self.head = nn.Conv2d(
            config.width, config.image_channels, kernel_size=config.head_kernel, padding=config.head_kernel // 2
        )
        # Part of the released checkpoints, but without influence on the image: the released code warps after the
        # stem has read the unwarped picture. See docs/decisions/0002-released-code.md.
        self.stn = SpatialTransformer(config.image_channels) if config.stn else None
        if config.output == "residual":  # start from the bicubic picture
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

        # Glyphs: maps of characters are built wherever they are fused, even if no loss teaches them.
        self.gpm = None
        if config.has_gpm:
            fused = config.gfm_from is not None
            heads = GlyphHeads(line=config.gpm.line, chars=config.gpm.char or fused, classes=config.gpm.cls)
            self.gpm = GlyphPerceptionModule(config.width, config.gpm, heads=heads)

        fused_srbs = range(config.gfm_from or config.num_srbs + 1, config.num_srbs + 1)
        self.gfms = nn.ModuleDict({str(n): GlyphFusionModule(config.width, config.gpm.num_slots) for n in fused_srbs})

    @classmethod
    def from_config(cls, config: GlyphSRConfig, *, num_classes: int) -> Self:
        """Build the network.

        Args:
            config: Shape and switches.
            num_classes: Classes K of the text prior.
        """
        return cls(
            config,
            trunk=nn.ModuleList(BLOCKS[config.block](config.width, config.prior_width) for _ in range(config.num_srbs)),
            prior_transformer=_prior_transformer(config, num_classes),
        )

    def perceive(self, lr: Tensor, prior: Tensor | None, *, with_glyphs: bool) -> SROutput:
        """The forward pass with every glyph output, or only with what the picture needs."""
        out: SROutput = self(lr, prior, with_glyphs=with_glyphs)
        return out

    def idle_parts(self, *, line: bool, char: bool, cls: bool) -> list[nn.Module]:
        """Heads that none of these tasks teaches, and the transformer that only old weights carry."""
        idle: list[nn.Module | None] = [self.stn]

        gpm, config = self.gpm, self.config
        if gpm is not None:
            # Classes are pooled under both maps, so they teach these too.
            by_classes = cls and not config.gpm.detach_classes
            has_chars = char or by_classes or (bool(self.gfms) and not config.detach_fusion)
            has_line = line or by_classes
            if not has_chars and not has_line:
                idle += [getattr(gpm, name) for name in GPM_BODY]
            idle += [gpm.char_head] if not has_chars else []
            idle += [gpm.line_head] if not has_line else []
            idle += [gpm.class_features, gpm.class_head] if not cls else []

        return [module for module in idle if module is not None]

    def state_from_smaller(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """As :func:`glyphsr.models.glyphsr.net2net.enlarge`, for this network."""
        return enlarge(state, self)

    def forward(self, lr: Tensor, prior: Tensor | None, *, with_glyphs: bool | None = None) -> SROutput:
        """Super-resolve.

        Args:
            lr: ``(B, C, h, w)`` float in [0, 1], C as configured; h and w at least 2.
            prior: ``(B, K, 1, T)`` class probabilities; ``None`` stands for no prior (zeros, T = 26).
            with_glyphs: Compute every glyph output too, not only what the image needs; default in training.

        Returns:
            ``sr`` is ``(B, C, 2h, 2w)``: in (-1, 1) with ``output="tanh"``, unbounded with ``"residual"``.
        """
        everything = self.training if with_glyphs is None else with_glyphs
        # Without a prior it is zeros, as in the released code: 26 steps of nothing.
        if prior is None:
            prior = lr.new_zeros(1, self.num_classes, 1, 26)

        if self.config.block == "convolutional" or not self.training:  # convolutions are quickest in it on CPUs
            lr = lr.contiguous(memory_format=torch.channels_last)

        features = self.stem(lr)  # (B, width, h, w)
        guidance = self.prior_transformer(prior, features)

        guidance = guidance.expand(lr.shape[0], -1, -1, -1)  # (B, prior_width, h, w)
        x = features
        glyphs: GlyphOutput | None = None
        for n, srb in enumerate(self.srbs, start=1):
            x = srb(x, guidance)
            # Glyphs are seen once, and fused in every block from there on.
            if n == self.config.glyph_srb and self.gpm is not None and (everything or self.gfms):
                glyphs = self.gpm(x, GlyphHeads(line=everything, chars=True, classes=everything))
            if str(n) in self.gfms:
                assert glyphs is not None
                maps = glyphs.chars
                assert maps is not None
                x = self.gfms[str(n)](x, maps.detach() if self.config.detach_fusion else maps)

        # The trunk's sum is enlarged and drawn, on top of bicubic where the configuration says so.
        out = self.upsampler.then(self.head, features + self.tail(x))  # (B, C, 2h, 2w)
        if self.config.output == "tanh":
            out = torch.tanh(out)
        else:
            out = out + F.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)

        return SROutput(sr=out, glyphs=glyphs)
