"""What every way to train has in common: terms of a batch by name, and what their means run over."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from torch import Tensor, nn

from glyphsr.types import Batch

Model = TypeVar("Model", bound=nn.Module)

LossTerms = dict[str, Tensor]
"""Each term's weighted scalar mean over a batch, or over a part of it."""


class Objective(nn.Module, Generic[Model]):
    """One way to train a super-resolver, a part of it, or a recognizer; ``forward(batch)`` gives :data:`LossTerms`.

    Args:
        model: What is trained, as a whole.
    """

    model: Model
    steps_done: int
    """Steps before this one, for terms whose weight changes over a run."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.steps_done = 0

    def clip_parameters(self) -> Iterable[nn.Parameter]:
        """Parameters whose gradients are clipped together."""
        raise NotImplementedError

    def pretrained_parameters(self) -> Iterable[nn.Parameter]:
        """Parameters that begin from another task's weights, and may have smaller steps."""
        return ()

    def counts(self, batch: Batch) -> dict[str, int]:
        """What the mean of each term runs over: words, characters or slots. Parts of a batch weigh by it.

        Known before the terms are, so that parts can be weighed one by one.
        """
        raise NotImplementedError

    def auxiliary_modules(self) -> dict[str, nn.Module]:
        """Modules beside the model that a resumed run cannot do without, by their names in its state."""
        return {}

    def train(self, mode: bool = True) -> "Objective[Model]":
        """What does not learn stays in evaluation mode: a frozen prior keeps its BatchNorm statistics."""
        super().train(mode)
        # Frozen parts of the objective: judges and teachers.
        for module in self.children():
            if not any(parameter.requires_grad for parameter in module.parameters()):
                module.eval()
        # The prior is a part of the model, so the loop above has not seen it.
        prior = getattr(self.model, "prior", None)
        if prior is not None and not any(p.requires_grad for p in prior.parameters()):
            prior.eval()
        return self
