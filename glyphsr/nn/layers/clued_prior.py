"""Two clues fused into one guidance: what was read, and what a language model makes of it."""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from glyphsr.config.trunk import CluedConfig
from glyphsr.nn.layers.language_model import LanguageModel
from glyphsr.nn.layers.prior_transformer import PriorTransformer
from glyphsr.nn.layers.residual_network import Guidance

DILATIONS = (1, 2, 4, 8)
"""Of the depth-wise convolutions in each clue's branch."""


def _branch(channels: int) -> nn.Sequential:
    """1x1 convolution, ReLU, then four depth-wise convolutions that reach ever further; all weight-normalised."""
    wide = (weight_norm(nn.Conv2d(channels, channels, 3, padding=d, dilation=d, groups=channels)) for d in DILATIONS)
    return nn.Sequential(weight_norm(nn.Conv2d(channels, channels, 1, bias=False)), nn.ReLU(), *wide)


class GatedFusion(nn.Module):
    """Weighs two guidance features against each other, channel by channel and place by place.

    Source: ``wenyu1009/RTSRN: model/gatedfusion.py`` (from C3-STISR), whose third branch rests.

    Args:
        width: Channels of the guidance features and of the features beside them.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _branch(2 * width)
        self.second = _branch(2 * width)
        self.act = nn.LeakyReLU(0.2)
        self.compress = weight_norm(nn.Conv2d(4 * width, 2 * width, 1, bias=False))

    def forward(self, features: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Three ``(B, width, h, w)`` -> ``(B, width, h, w)``, a weighted mean of ``first`` and ``second``."""
        maps = [self.first(torch.cat([features, first], dim=1)), self.second(torch.cat([features, second], dim=1))]
        weights = self.compress(self.act(torch.cat(maps, dim=1))).unflatten(1, (2, -1)).softmax(dim=1)
        return weights[:, 0] * first + weights[:, 1] * second  # type: ignore[no-any-return]


class CluedPrior(nn.Module):
    """The guidance of C3-STISR's paper and of RTSRN: recognition clue and language clue, fused.

    Args:
        config: Widths of the trunk, of the prior transformers and of the language model.
        num_classes: Classes K of the text prior.
    """

    def __init__(self, config: CluedConfig, num_classes: int) -> None:
        super().__init__()
        width, language_width = config.prior_width, config.language_width
        self.recognition = PriorTransformer(num_classes, config.prior_hidden, width)
        self.language = PriorTransformer(num_classes, config.prior_hidden, width)
        self.language_model = LanguageModel(num_classes, width=language_width, hidden=4 * language_width)
        self.reduce = nn.Conv2d(config.width, width, 1)
        self.fusion = GatedFusion(width)

    def correct(self, prior: Tensor) -> Tensor:
        """Logits ``(B, T, K)`` that the language model makes of a prior ``(B, K, 1, T)``, not teaching it."""
        return self.language_model(prior.detach().squeeze(2).transpose(1, 2))  # type: ignore[no-any-return]

    def language_clue(self, prior: Tensor, logits: Tensor | None = None) -> Tensor:
        """Class probabilities ``(B, K, 1, T)`` that the language model makes of a text prior.

        Args:
            prior: ``(B, K, 1, T)``; where it is all zeros there is no clue either, as in the released code.
            logits: Of :meth:`correct`, where they are known.
        """
        logits = self.correct(prior) if logits is None else logits
        # A dropped prior stays nothing: the language model would make a word of it.
        present = (prior != 0).flatten(1).any(dim=1)[:, None, None, None]
        return logits.softmax(dim=2).transpose(1, 2).unsqueeze(2) * present

    def guide(self, prior: Tensor, features: Tensor) -> Guidance:
        """The guidance of every block, and the language model's reading; arguments as of :meth:`forward`."""
        logits = self.correct(prior)
        return Guidance(self(prior, features, self.language_clue(prior, logits)), (logits,))

    def forward(self, prior: Tensor, features: Tensor, clue: Tensor | None = None) -> Tensor:
        """The guidance of every block.

        Args:
            prior: ``(B, K, 1, T)`` class probabilities.
            features: ``(B, width, h, w)`` of the trunk's stem.
            clue: Language clue ``(B, K, 1, T)`` to use instead of the language model's.

        Returns:
            ``(B, prior_width, h, w)``.
        """
        clue = self.language_clue(prior) if clue is None else clue
        read, meant = self.recognition(prior, features), self.language(clue, features)
        return self.fusion(self.reduce(features), read, meant)  # type: ignore[no-any-return]
