"""The text prior interpreter of TATT and PEAN: every place of the picture attends to the steps of the text prior."""

from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from glyphsr.nn.layers.attention import sinusoidal_code
from glyphsr.nn.layers.post_norm import PostNormLayer


class InterpreterSettings(Protocol):
    """What the settings of a network with an interpreter say of it."""

    fixed_size: ClassVar[tuple[int, int] | None]

    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def attention_heads(self) -> int: ...  # noqa: D102
    @property
    def dropout(self) -> float: ...  # noqa: D102
    @property
    def mix_batch(self) -> bool: ...  # noqa: D102


class PriorInterpreter(nn.Module):
    """Text prior to feature map, guided by the picture's own features.

    Source: ``mjq11302010044/TATT: model/tsrn.py`` (``InfoTransformer`` and its ``Transformer``) and
    ``jdfxzzy/PEAN: model/pean.py``, which has no encoder.

    Args:
        num_classes: Classes K of the text prior.
        width: Features D, those of the trunk.
        size: LR ``(height, width)``; fixed, since the places' code is learned.
        heads: Attention heads.
        dropout: Rate, in training only.
        mix_batch: Run the places' GRU along the batch, as the published code does by mistake.
        num_decoders: Layers in which places attend to steps.
        act: Follows the linear layer on the classes.
        encoded: Whether the steps attend to each other before.
    """

    MAX_STEPS = 5000

    step_code: Tensor

    def __init__(
        self,
        num_classes: int,
        width: int,
        size: tuple[int, int],
        *,
        heads: int,
        dropout: float,
        mix_batch: bool,
        num_decoders: int,
        act: nn.Module,
        encoded: bool,
    ) -> None:
        super().__init__()
        self.size, self.mix_batch = size, mix_batch

        self.embed = nn.Linear(num_classes, width)
        self.act = act
        self.encoder = PostNormLayer(width, heads, dropout) if encoded else None

        # The published decoder layers hold a self-attention, too, which they never call.
        self.decoder = nn.ModuleList(PostNormLayer(width, heads, dropout) for _ in range(num_decoders))
        self.norm = nn.LayerNorm(width)

        self.places = nn.Embedding(size[0] * size[1], width)
        # Codes of places: learned, then passed along the columns by a GRU.
        column = size[0] * width
        self.places_gru = nn.GRU(column, column // 2, batch_first=True, bidirectional=True)

        self.dropout = nn.Dropout(dropout)
        self.register_buffer("step_code", sinusoidal_code(self.MAX_STEPS, width)[None])

    @classmethod
    def from_config(
        cls, config: InterpreterSettings, num_classes: int, *, num_decoders: int, act: nn.Module, encoded: bool
    ) -> "PriorInterpreter":
        """The interpreter of one of the two networks; the other arguments are those of the class."""
        assert config.fixed_size is not None
        return cls(
            num_classes,
            config.width,
            config.fixed_size,
            heads=config.attention_heads,
            dropout=config.dropout,
            mix_batch=config.mix_batch,
            num_decoders=num_decoders,
            act=act,
            encoded=encoded,
        )

    def _code_of_places(self, batch: int) -> Tensor:
        """``(P, B, D)``: a learned code per place, each column of which passes the GRU as one vector.

        The published code hands the GRU ``(w, B, h D)`` declared batch-first, so it runs along the batch instead of the
        width, and a picture's code depends on the pictures before and after it. Without that quirk every picture gets
        what the published network gives it in a batch of its own.
        """
        height, width = self.size
        # The published code runs the GRU over the batch instead of alone; here that is an option.
        steps = batch if self.mix_batch else 1
        columns = self.places.weight.view(height, width, -1).transpose(0, 1).flatten(1)  # (w, h D)
        encoded: Tensor = self.places_gru(columns[:, None].expand(-1, steps, -1).contiguous())[0]  # (w, steps, h D)
        code = encoded.view(width, steps, height, -1).permute(2, 0, 1, 3).flatten(0, 1)  # (P, steps, D)
        return code.expand(-1, batch, -1)

    def interpret(self, prior: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Feature map and attention.

        Args:
            prior: ``(B, K, 1, T)`` class probabilities.
            features: ``(B, D, h, w)`` of the trunk's stem.

        Returns:
            The map ``(B, D, h, w)`` and the last layer's attention ``(B, h w, T)``, mean over heads.

        Raises:
            ValueError: If the features have another size than the network was built for.
        """
        if features.shape[-2:] != self.size:
            raise ValueError(f"expected {self.size[0]} x {self.size[1]} pictures, got {tuple(features.shape[-2:])}")

        # Steps of the prior, with the code of their position.
        steps = self.act(self.embed(prior.squeeze(2).permute(2, 0, 1)))  # (T, B, D)
        code = self.dropout(self.step_code[:, : len(steps)]).transpose(0, 1)  # (T, 1, D)
        code = code.expand_as(steps)
        memory = steps
        if self.encoder is not None:
            doubled = 2 * steps  # the published encoder adds its input to itself first
            memory, _ = self.encoder(doubled, doubled + code, doubled, query_code=code)

        place_code = self._code_of_places(len(features))
        x = features.flatten(2).permute(2, 0, 1)  # (P, B, D)
        # Places of the picture ask the steps; the result is the mean of all layers' outputs.
        outputs = []
        weights = x.new_empty(0)
        for layer in self.decoder:
            x, weights = layer(x, memory + code, memory, query_code=place_code, need_weights=True)
            outputs.append(self.norm(x))

        mean = torch.stack(outputs).mean(dim=0)
        return mean.permute(1, 2, 0).reshape_as(features), weights

    def forward(self, prior: Tensor, features: Tensor) -> Tensor:
        """The map of :meth:`interpret`."""
        return self.interpret(prior, features)[0]
