"""The published GlyphSR network as its released code runs it: plain modules, every map computed, nothing merged.

Written anew from the published architecture, for timing only; names of weights are ours, so that a state dict loads
into both. See ``docs/decisions/0002-released-code.md``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

from glyphsr.models.glyphsr.settings import GlyphSRConfig


def conv(in_channels: int, out_channels: int, side: int, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, side, padding=side // 2, bias=bias)


def conv_bn_relu(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(conv(in_channels, out_channels, 3, bias=bias), nn.BatchNorm2d(out_channels), nn.ReLU())


def mish(x: Tensor) -> Tensor:
    return x * torch.tanh(F.softplus(x))


class GRU(nn.Module):
    """1x1 convolution and a bidirectional GRU along the rows."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(in_channels, out_channels, 1)
        self.gru = nn.GRU(out_channels, out_channels // 2, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x).permute(0, 2, 3, 1).contiguous()
        y, _ = self.gru(x.view(x.shape[0] * x.shape[1], x.shape[2], x.shape[3]))
        return y.view(x.shape).permute(0, 3, 1, 2).contiguous()


class SRB(nn.Module):
    """Sequential residual block."""

    def __init__(self, width: int, prior_width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.vertical_gru = GRU(width + prior_width, width)
        self.horizontal_gru = GRU(width, width)

    def forward(self, x: Tensor, guidance: Tensor) -> Tensor:
        y = self.bn2(self.conv2(mish(self.bn1(self.conv1(x)))))
        y = torch.cat([y, guidance], dim=1)
        y = self.vertical_gru(y.transpose(2, 3)).transpose(2, 3)
        return self.horizontal_gru(x + y)


class Deformable(nn.Module):
    """torchvision's deformable convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels, 1, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        return deform_conv2d(x, offset, self.weight, self.bias, padding=1, mask=mask)


class DSTA(nn.Module):
    """Gate by channel and by place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        f = channels // 4
        self.reduce, self.skip = conv(channels, f, 1), conv(f, f, 1)
        self.stride = nn.Conv2d(f, f, 3, stride=2)
        self.pooled1, self.pooled2, self.pooled3 = conv(f, f, 3), conv(f, f, 3), conv(f, f, 3)
        self.offsets, self.coarse_offsets = conv(f, 27 * f, 3), conv(f, 27 * f, 3)
        self.coarse = nn.Conv2d(f, f, 3, stride=2, padding=1)
        self.deform = Deformable(f)
        self.channel_gate1, self.channel_gate2 = conv(f, 2 * f, 1), conv(2 * f, channels, 1)
        self.space_gate = conv(f, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.reduce(x)
        p = F.max_pool2d(self.stride(a), 7, 3)
        c = F.relu(self.pooled3(F.relu(self.pooled2(F.relu(self.pooled1(p))))))
        coarse = self.coarse_offsets(F.relu(self.coarse(c)))
        fields = self.offsets(c) + F.interpolate(coarse, c.shape[2:], mode="bilinear", align_corners=False)
        y, x_, mask = torch.chunk(fields, 3, dim=1)
        d = F.relu(self.deform(p, torch.cat([y, x_], dim=1), torch.sigmoid(mask)))
        channel = self.channel_gate2(F.relu(self.channel_gate1(F.adaptive_avg_pool2d(d, 1))))
        place = self.space_gate(F.interpolate(d, x.shape[2:], mode="bilinear", align_corners=False) + self.skip(a))
        return x * torch.sigmoid(place) * torch.sigmoid(channel)


class PriorTransformer(nn.Module):
    """Text prior to feature map."""

    def __init__(self, num_classes: int, config: GlyphSRConfig) -> None:
        super().__init__()
        widths = (num_classes, *config.prior_hidden, config.prior_width)
        how = ((2, 0), (2, 0), (2, 1), ((2, 1), 1))
        pairs = list(zip(widths[:-1], widths[1:], how, strict=True))
        self.deconvs = nn.ModuleList(nn.ConvTranspose2d(i, o, 3, s, p, bias=False) for i, o, (s, p) in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for o in widths[1:])
        self.gate = DSTA(config.prior_width)

    def forward(self, prior: Tensor, size: tuple[int, int]) -> Tensor:
        for deconv, norm in zip(self.deconvs, self.norms, strict=True):
            prior = F.relu(norm(deconv(prior)))
        return self.gate(F.interpolate(prior, size, mode="bilinear", align_corners=True))


class GPM(nn.Module):
    """All maps and classes."""

    def __init__(self, channels: int, config: GlyphSRConfig) -> None:
        super().__init__()
        width = config.gpm.width
        self.conv0, self.conv1 = conv_bn_relu(channels, width), conv_bn_relu(width, 2 * width)
        self.conv2, self.conv3 = conv_bn_relu(2 * width, 2 * width), conv_bn_relu(2 * width, 2 * width)
        self.gru = GRU(2 * width, 2 * width)
        self.conv4, self.conv5 = conv_bn_relu(2 * width, width), conv_bn_relu(width, width // 2)
        self.char_head, self.line_head = conv(width // 2, config.gpm.num_slots, 3), conv(width // 2, 1, 3)
        self.class_features = conv_bn_relu(channels, 2 * width, bias=False)
        self.class_head = nn.Linear(2 * width, config.gpm.num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        full = self.conv0(x)
        half = self.conv1(F.max_pool2d(full, 2))
        y = self.conv3(self.gru(self.conv2(half))) + half
        y = F.interpolate(self.conv4(y), full.shape[2:], mode="bilinear", align_corners=False) + full
        y = self.conv5(y)
        chars, line = self.char_head(y), self.line_head(y)
        attention = (chars * line).flatten(2).softmax(dim=2)
        pooled = attention @ self.class_features(x).flatten(2).transpose(1, 2)
        return line, chars, self.class_head(pooled)


class GFM(nn.Module):
    """Fuses the character maps."""

    def __init__(self, width: int, slots: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(conv(width, slots, 1, bias=False), nn.BatchNorm2d(slots))
        self.refine = nn.Sequential(conv(slots, slots, 3), nn.BatchNorm2d(slots))
        self.map_gate1, self.map_gate2 = conv(slots, slots, 1), conv(slots, slots, 1)
        self.expand = nn.Sequential(conv(slots, width, 1, bias=False), nn.BatchNorm2d(width))
        self.gate = DSTA(width)

    def forward(self, x: Tensor, chars: Tensor) -> Tensor:
        y = F.relu(self.refine(F.relu(self.reduce(x))))
        gate = torch.sigmoid(self.map_gate2(F.relu(self.map_gate1(F.adaptive_avg_pool2d(chars, 1)))))
        return F.relu(x + self.gate(self.expand(y * (chars * gate))))


class Stem(nn.Module):
    """Pixels to features."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv, self.act = conv(in_channels, width, 9), nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(x))


class Upsampler(nn.Module):
    """Twice the size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = conv(width, 4 * width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return mish(F.pixel_shuffle(self.conv(x), 2))


class ReleasedForm(nn.Module):
    """Picture ``(B, 4, 16, 64)`` and prior ``(B, K, 1, 26)`` to ``(B, 4, 32, 128)`` and the maps."""

    def __init__(self, config: GlyphSRConfig, num_classes: int) -> None:
        super().__init__()
        width = config.width
        self.first_fused = config.gfm_from or config.num_srbs + 1
        self.stem = Stem(config.image_channels, width)
        self.prior_transformer = PriorTransformer(num_classes, config)
        self.srbs = nn.ModuleList(SRB(width, config.prior_width) for _ in range(config.num_srbs))
        self.tail = nn.Sequential(conv(width, width, 3), nn.BatchNorm2d(width))
        self.upsampler = Upsampler(width)
        self.head = conv(width, config.image_channels, 9)
        self.gpm = GPM(width, config)
        fused = range(self.first_fused, config.num_srbs + 1)
        self.gfms = nn.ModuleDict({str(n): GFM(width, config.gpm.num_slots) for n in fused})

    def forward(self, lr: Tensor, prior: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        features = self.stem(lr)
        guidance = self.prior_transformer(prior, (lr.shape[2], lr.shape[3]))
        x, maps = features, None
        for n, srb in enumerate(self.srbs, 1):
            x = srb(x, guidance)
            if n == self.first_fused:
                maps = self.gpm(x)
            if maps is not None:
                x = self.gfms[str(n)](x, maps[1])
        assert maps is not None
        return torch.tanh(self.head(self.upsampler(features + self.tail(x)))), maps
