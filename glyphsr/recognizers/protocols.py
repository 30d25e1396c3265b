"""What every recognizer offers, whatever its architecture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from glyphsr.text.ctc import CTCCodec
from glyphsr.types import Reading


@dataclass(frozen=True, eq=False)
class TeacherForcedOutput:
    """What a recognizer attends to while it is given the true texts."""

    logits: Tensor
    """``(B, T, K)``: what it would have read at each step; T is that of the longest text and its end."""
    attention: Tensor
    """``(B, A, T, h', w')``: weights of each step over the encoder's grid, per head; they sum to one over the grid."""
    targets: Tensor
    """``(B, T)`` int64: the true class of each step, the end of text included; -1 after it."""


@dataclass(frozen=True, eq=False)
class DecoderOutput:
    """What a recognizer in training would have read, given the true texts."""

    logits: Tensor
    """``(B, T, K)``; T is that of the longest text and its end, what stands after shorter ones has no meaning."""
    targets: Tensor
    """``(B, T)`` int64: the true class of each step, the end of text included; -1 after it."""
    columns: Tensor
    """``(B, P, C)``: what the encoder makes of each column that the decoder attends to."""


class Recognizer(Protocol):
    """A network that reads a word or a line of text."""

    @property
    def num_classes(self) -> int:
        """Classes K of its probabilities, blank or end of text included."""
        ...

    @property
    def charset(self) -> str:
        """Symbols it can read."""
        ...

    @property
    def max_length(self) -> int | None:
        """Longest text it can read, ``None`` where the picture's width decides."""
        ...

    def prepare(self, images: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1] -> what its ``forward`` takes."""
        ...

    def read_prepared(self, prepared: Tensor) -> list[Reading]:
        """One reading per row of what :meth:`prepare` gave."""
        ...

    def read(self, images: Tensor) -> list[Reading]:
        """``(B, 3, h, w)`` in [0, 1] -> one reading per image."""
        ...


class PriorRecognizer(Recognizer, Protocol):
    """A recognizer with class probabilities of a fixed layout, so that it can be a text prior."""

    def probabilities(self, images: Tensor) -> Tensor:
        """``(B, 3, h, w)`` in [0, 1] -> class probabilities ``(B, K, T)``."""
        ...

    def decode(self, probabilities: Tensor) -> list[Reading]:
        """Readings of class probabilities ``(B, K, T)``."""
        ...


@runtime_checkable
class AttentionRecognizer(Protocol):
    """A recognizer that can show where it looks for each character."""

    def forward_teacher_forced(
        self, prepared: Tensor, texts: Sequence[str], *, steps: int | None = None
    ) -> TeacherForcedOutput:
        """Run with the true texts given, one per prepared image; characters it does not know are left out.

        Args:
            prepared: What ``prepare`` gave.
            texts: One per image.
            steps: Least number of steps T; else that of the longest text and its end.
        """
        ...


@runtime_checkable
class CTCRecognizer(Protocol):
    """A recognizer that reads by CTC."""

    codec: CTCCodec

    @property
    def num_symbols(self) -> int:
        """Classes S of CTC, the blank included."""
        ...

    def symbol_logits(self, prepared: Tensor) -> Tensor:
        """What ``prepare`` gave -> CTC's logits ``(T, B, S)``, time first."""
        ...

    def steps_of(self, height: int, width: int) -> int:
        """Steps T that pictures of a size are read in."""
        ...


@runtime_checkable
class ColumnRecognizer(CTCRecognizer, Protocol):
    """A recognizer by CTC that also says for every step whose ink it is on; its ``forward`` gives both logits."""

    columns: nn.Linear
    """Head of the columns."""


@runtime_checkable
class DecodingRecognizer(AttentionRecognizer, Protocol):
    """A recognizer whose decoders attend to columns of an encoder's features, and are trained with the true texts."""

    num_features: int
    """Channels of a column."""

    def decoder_outputs(self, prepared: Tensor, texts: Sequence[str]) -> tuple[DecoderOutput, ...]:
        """What each decoder gives for the true texts; the loss is the mean over them."""
        ...


@runtime_checkable
class BoundedRecognizer(AttentionRecognizer, Protocol):
    """A recognizer that cannot be given texts of any length."""

    max_forced_steps: int
    """Greatest number of steps, the end of the text included."""


@dataclass(frozen=True, eq=False)
class ForegroundAttention:
    """Where a recognizer sees text, and where it looks for each character, on rectified images."""

    foreground: Tensor
    """``(B, h', w')``: probability of text at each pixel."""
    attention: Tensor
    """``(B, T, C)``: weights of each step over C columns."""
    grid: Tensor
    """``(B, h', w', 2)``: where each rectified pixel comes from, x and y in [-1, 1]."""


@runtime_checkable
class ForegroundRecognizer(Protocol):
    """A recognizer that also separates text from background."""

    def attend_foreground(self, prepared: Tensor, texts: Sequence[str]) -> ForegroundAttention:
        """Run with the true texts given, one for each prepared image."""
        ...


@runtime_checkable
class CharsetFolder(Protocol):
    """A recognizer whose weights can start one that reads fewer characters, such as one without case."""

    charset: str

    def state_for_charset(self, charset: str) -> dict[str, Tensor]:
        """Its state dict for a subset of its characters."""
        ...
