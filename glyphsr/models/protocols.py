"""What some super-resolution networks offer beside a picture; the library asks for this, never for a class."""

from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from glyphsr.text.ctc import CTCCodec
from glyphsr.text.endings import EndedCodec
from glyphsr.types import SROutput


@runtime_checkable
class GlyphNetwork(Protocol):
    """A network that perceives glyphs, and can be taught them."""

    def perceive(self, lr: Tensor, prior: Tensor | None, *, with_glyphs: bool) -> SROutput:
        """Super-resolve ``(B, C, h, w)``.

        Args:
            lr: In [0, 1].
            prior: Text prior ``(B, K, 1, T)``, ``None`` for none.
            with_glyphs: Compute every glyph output, not only what the picture needs.
        """
        ...

    def idle_parts(self, *, line: bool, char: bool, cls: bool) -> list[nn.Module]:
        """Modules that no loss reaches when only these glyph tasks are taught."""
        ...


@runtime_checkable
class GrowableNetwork(Protocol):
    """A network that can start as a smaller one of its kind."""

    def state_from_smaller(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights of a smaller network, as weights of this one that compute the same.

        Raises:
            ValueError: Naming the first layer that this network has not, or has smaller.
        """
        ...


@runtime_checkable
class PartlyTaughtNetwork(Protocol):
    """A network with parts that no loss of this library reaches, such as a reader of its own."""

    @property
    def untaught(self) -> tuple[nn.Module, ...]:
        """Those parts; they keep their weights, unless what the network reads is taught."""
        ...


@runtime_checkable
class ReadingNetwork(Protocol):
    """A network with readers of its own, whose classes are not the text prior's."""

    reading_codec: CTCCodec | EndedCodec
    """Of :attr:`glyphsr.types.SROutput.readings`."""


@runtime_checkable
class ExtendedNetwork(Protocol):
    """A network that can continue from weights of itself without some of its parts."""

    added_parts: tuple[str, ...]
    """Beginnings of those parts' entries."""


@runtime_checkable
class PretrainedNetwork(Protocol):
    """A network with parts whose weights come from another task, and may want smaller steps."""

    @property
    def pretrained(self) -> tuple[nn.Module, ...]:
        """Those parts."""
        ...
