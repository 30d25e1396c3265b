"""What recognizers that read by CTC have in common, with one head or with two."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glyphsr.recognizers.ctc_alignment import forward_teacher_forced
from glyphsr.recognizers.ctc_decoding import best_paths
from glyphsr.recognizers.protocols import TeacherForcedOutput
from glyphsr.text.ctc import CTCCodec
from glyphsr.types import Reading


class CTCNetwork(nn.Module):
    """Reads by CTC's best path. A subclass has ``prepare`` and ``forward``, and sets ``codec``, whose classes are S."""

    codec: CTCCodec

    @property
    def num_symbols(self) -> int:
        """Classes S of CTC, the blank included."""
        return self.codec.num_classes

    @property
    def num_classes(self) -> int:
        """Classes K of the text prior: those of CTC."""
        return self.num_symbols

    @property
    def max_length(self) -> int | None:
        """Longest text that can be read; ``None``, as the picture's width decides."""
        return None

    def prepare(self, images: Tensor) -> Tensor:
        """RGB images ``(B, 3, h, w)`` in [0, 1] -> what ``forward`` takes."""
        raise NotImplementedError

    def symbol_logits(self, prepared: Tensor) -> Tensor:
        """CTC's logits ``(T, B, S)``, time first, of what :meth:`prepare` gave."""
        return self(prepared)  # type: ignore[no-any-return]

    def probabilities(self, images: Tensor) -> Tensor:
        """Class probabilities ``(B, S, T)`` of RGB images ``(B, 3, h, w)`` in [0, 1]; class 0 is the blank."""
        return self(self.prepare(images)).softmax(dim=2).permute(1, 2, 0)  # type: ignore[no-any-return]

    def forward_teacher_forced(
        self, prepared: Tensor, texts: Sequence[str], *, steps: int | None = None
    ) -> TeacherForcedOutput:
        """As :func:`glyphsr.recognizers.ctc_alignment.forward_teacher_forced`."""
        return forward_teacher_forced(self.symbol_logits(prepared), texts, self.codec, steps=steps)

    @torch.no_grad()
    def read_prepared(self, prepared: Tensor) -> list[Reading]:
        """One reading per row of what :meth:`prepare` gave."""
        return self.decode(self.symbol_logits(prepared).softmax(dim=2).permute(1, 2, 0))

    @torch.no_grad()
    def read(self, images: Tensor) -> list[Reading]:
        """One reading per RGB image ``(B, 3, h, w)`` in [0, 1]."""
        return self.read_prepared(self.prepare(images))

    def decode(self, probabilities: Tensor) -> list[Reading]:
        """Best path of each image through CTC's rows of ``(B, K, T)``, which come first.

        The confidence multiplies the probabilities of the path's characters.
        """
        return best_paths(probabilities[:, : self.num_symbols], self.codec)


class ColumnCTCNetwork(CTCNetwork):
    """Reads by CTC, and says for every step which character's ink it is on, or none.

    CTC's own probabilities are spikes that say little about where a character begins and ends. Both together are the
    text prior. ``forward`` gives the logits of both heads, ``(T, B, S)`` each; class 0 is blank or no ink.
    """

    columns: nn.Linear

    @property
    def num_classes(self) -> int:
        """Classes K of the text prior: twice those of CTC."""
        return 2 * self.num_symbols

    def symbol_logits(self, prepared: Tensor) -> Tensor:
        """CTC's logits alone."""
        return self(prepared)[0]  # type: ignore[no-any-return]

    def probabilities(self, images: Tensor) -> Tensor:
        """``(B, 2 S, T)`` of RGB images ``(B, 3, h, w)`` in [0, 1]: CTC's, then those of the columns."""
        heads = self(self.prepare(images))
        return torch.cat([logits.softmax(dim=2) for logits in heads], dim=2).permute(1, 2, 0)
