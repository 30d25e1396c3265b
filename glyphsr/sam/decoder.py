"""Answers many single-point prompts of one picture with SAM's mask decoder, with the published weights.

A prompt brings seven tokens to thousands of places of the picture. The published code projects every place to queries,
keys and values, once per prompt. Here the few tokens are projected instead, through the transposed matrices, and what
does not depend on the prompt is computed once per picture: the same numbers from a third of the multiplications.
Masks are only computed where the picture is, not on the padding.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from segment_anything.modeling import Sam
from torch import Tensor


def _heads(x: Tensor, heads: int) -> Tensor:
    """``(..., n, C)`` to ``(..., heads, n, C / heads)``."""
    return x.view(*x.shape[:-1], heads, -1).transpose(-3, -2)


def _per_head(weight: Tensor, heads: int) -> Tensor:
    """A projection's weight ``(heads d, C)`` to ``(heads, d, C)``."""
    return weight.view(heads, -1, weight.shape[1])


def _tokens_to_places(attention: Any, tokens: Tensor, places: Tensor, keyed: Tensor) -> Tensor:
    """Attention of few tokens over many places, which are projected by way of the tokens.

    Args:
        attention: The published attention.
        tokens: ``(P, t, C)`` queries.
        places: ``(P or 1, n, C)`` of which the values are made.
        keyed: ``(P or 1, n, C)`` of which the keys are made: places with their position code.

    Returns:
        ``(P, t, C)``.
    """
    heads: int = attention.num_heads
    query = _heads(attention.q_proj(tokens), heads)  # (P, heads, t, d)
    scale = query.shape[-1] ** -0.5
    # q . (W k + b): the bias adds the same to every place, so the softmax does not see it.
    reached = torch.einsum("phtd,hdc->phtc", query, _per_head(attention.k_proj.weight, heads))
    weights = (reached.flatten(1, 2) * scale @ keyed.transpose(1, 2)).softmax(dim=-1)  # (P, heads t, n)
    seen = (weights @ places).view(len(tokens), heads, -1, places.shape[2])  # (P, heads, t, C)
    # Values are projected after the mean, on few tokens instead of many places; as weights sum to 1,
    # the bias adds once.
    value = torch.einsum("phtc,hdc->phtd", seen, _per_head(attention.v_proj.weight, heads))
    merged = value.transpose(1, 2).flatten(2) + attention.v_proj.bias
    answered: Tensor = attention.out_proj(merged)
    return answered


def _places_to_tokens(attention: Any, keyed: Tensor, tokens: Tensor, values: Tensor) -> Tensor:
    """Attention of many places over few tokens.

    Args:
        attention: The published attention.
        keyed: ``(P or 1, n, C)`` of which the queries are made.
        tokens: ``(P, t, C)`` of which the keys are made.
        values: ``(P, t, C)`` of which the values are made.

    Returns:
        ``(P, n, C)``.
    """
    heads: int = attention.num_heads
    key = _heads(attention.k_proj(tokens), heads)  # (P, heads, t, d)
    scale = key.shape[-1] ** -0.5
    weight, bias = attention.q_proj.weight, attention.q_proj.bias
    # (q W) . k = q . (W k): tokens are projected instead of places; the query's bias becomes a shift per key.
    reached = torch.einsum("phtd,hdc->phtc", key, _per_head(weight, heads))
    shift = torch.einsum("phtd,hd->pht", key, bias.view(heads, -1))
    # Places stay the last axis: a softmax over seven neighbours in memory would be slow.
    scores = torch.baddbmm(
        (shift.flatten(1)[:, :, None] * scale),
        reached.flatten(1, 2) * scale,
        keyed.transpose(1, 2).expand(len(tokens), -1, -1),
    )
    weights = scores.view(len(tokens), heads, -1, scores.shape[2]).softmax(dim=2)  # (P, heads, t, n)
    # Values and the output projection are joined for the same reason: (P, heads, t, C).
    value = _heads(attention.v_proj(values), heads)
    out_weight = attention.out_proj.weight.view(-1, heads, value.shape[3])  # (C, heads, d)
    out = torch.einsum("phtd,chd->phtc", value, out_weight)
    mixed = weights.flatten(1, 2).transpose(1, 2) @ out.flatten(1, 2)
    mixed += attention.out_proj.bias

    return mixed


@dataclass(eq=False)
class PromptDecoder:
    """The prompt encoder and mask decoder of one network.

    Args:
        network: SAM with the published weights, in eval mode.
    """

    network: Sam

    def prompt_tokens(self, points: Tensor) -> Tensor:
        """Sparse embeddings ``(P, 2, D)`` of single positive points ``(P, 2)``, ``(x, y)`` in pixels of the canvas."""
        labels = torch.ones(len(points), 1, device=points.device)  # 1 is a positive point
        sparse: Tensor = self.network.prompt_encoder(points=(points[:, None], labels), boxes=None, masks=None)[0]
        return sparse

    def place_code(self, rows: slice, columns: slice) -> Tensor:
        """Position code ``(1, n, D)`` of a part of the grid."""
        code: Tensor = self.network.prompt_encoder.get_dense_pe()[:, :, rows, columns]
        return code.flatten(2).transpose(1, 2)

    def decode(
        self, features: Tensor, code: Tensor, sparse: Tensor, *, region: tuple[slice, slice], multimask: bool
    ) -> tuple[Tensor, Tensor]:
        """Masks for prompts of one picture.

        Args:
            features: ``(1, D, rows, columns)`` of the image encoder.
            code: Of :meth:`place_code`, for the same places.
            sparse: Of :meth:`prompt_tokens`, P prompts.
            region: Rows and columns of ``features`` in which masks are wanted.
            multimask: Three masks per prompt, else one.

        Returns:
            Logits ``(P, C, 4 r, 4 c)`` of the region, and predicted IoU ``(P, C)``, C 3 or 1.
        """
        # Tokens: one for the predicted IoU, four for masks, then the prompt's two.
        decoder = self.network.mask_decoder
        first = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        tokens = torch.cat([first.expand(len(sparse), -1, -1), sparse.to(first.dtype)], dim=1)  # (P, t, D)
        # Places are the same for all prompts until the first layer answers them.
        places = features + self.network.prompt_encoder.no_mask_embed.weight.view(1, -1, 1, 1).to(features.dtype)

        rows, columns = places.shape[2:]
        tokens, places = self._transform(tokens, places.flatten(2).transpose(1, 2), code)

        # SAM's first mask token is for one mask, the others for several.
        wanted = slice(1, decoder.num_mask_tokens) if multimask else slice(0, 1)
        grid = places.transpose(1, 2).reshape(len(sparse), -1, rows, columns)[:, :, region[0], region[1]]
        upscaled = decoder.output_upscaling(grid)  # (P, D / 8, 4 r, 4 c); local, so a region is enough

        mlps = decoder.output_hypernetworks_mlps[wanted]
        mask_tokens = tokens[:, 1 : 1 + decoder.num_mask_tokens][:, wanted]
        weights = torch.stack([mlp(mask_tokens[:, i]) for i, mlp in enumerate(mlps)], dim=1)

        logits = (weights @ upscaled.flatten(2)).view(len(sparse), -1, *upscaled.shape[2:])
        return logits, decoder.iou_prediction_head(tokens[:, 0])[:, wanted]

    def _transform(self, tokens: Tensor, places: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """The two-way transformer: tokens ``(P, t, D)`` and places ``(1, n, D)`` to ``(P, t, D)``, ``(P, n, D)``."""
        # Position codes are added again in each attention; values go without.
        transformer = self.network.mask_decoder.transformer
        token_code = tokens
        for layer in transformer.layers:
            if layer.skip_first_layer_pe:
                tokens = layer.self_attn(q=tokens, k=tokens, v=tokens)
            else:
                coded = tokens + token_code
                tokens = tokens + layer.self_attn(q=coded, k=coded, v=tokens)

            tokens = layer.norm1(tokens)
            # Tokens look at places, then places at tokens.
            keyed = places + code
            seen = _tokens_to_places(layer.cross_attn_token_to_image, tokens + token_code, places, keyed)
            tokens = layer.norm2(tokens + seen)
            tokens = layer.norm3(tokens + layer.mlp(tokens))
            answered = _places_to_tokens(layer.cross_attn_image_to_token, keyed, tokens + token_code, tokens)
            places = layer.norm4(answered.add_(places))

        attention = transformer.final_attn_token_to_image
        seen = _tokens_to_places(attention, tokens + token_code, places, places + code)
        return transformer.norm_final_attn(tokens + seen), places


def upsampling(length: int, scale: int, content: int, target: int, *, device: torch.device) -> Tensor:
    """One axis of SAM's two bilinear resizings as a matrix ``(target, length)``.

    The published code enlarges logits to the canvas, cuts the padding off and brings the rest to the picture's size.
    Both steps are linear and separable, so their product does it at once, without the canvas in between.

    Args:
        length: Logits on the axis.
        scale: Canvas pixels per logit.
        content: Canvas pixels that the picture takes.
        target: Pixels of the result.
        device: Where to put it.
    """
    unit = torch.eye(length, dtype=torch.float64)[None]  # (1, length, length): one channel per logit
    # From logits to the canvas, of which only the picture's part stays, and from there to its size.
    canvas = F.interpolate(unit, size=length * scale, mode="linear", align_corners=False)[:, :, :content]
    return F.interpolate(canvas, size=target, mode="linear", align_corners=False)[0].T.float().to(device)
