"""One step of training: terms of all parts and processes put together, gradients, clipping, the optimiser."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from glyphsr.config.training import OptimiserConfig
from glyphsr.text.charset import filter_lower
from glyphsr.training.distributed import DistributedContext
from glyphsr.training.lr_schedule import learning_rate_factor
from glyphsr.training.objectives.base import LossTerms, Objective
from glyphsr.types import Batch, GlyphTargets

STOP = "stop"
"""Goes between the processes with the counts of the terms."""


@dataclass(frozen=True)
class StepOutcome:
    """What a step did."""

    terms: dict[str, float]
    """Each weighted term, over the whole batch."""
    grad_norm: float
    """Of the clipped parameters, before clipping."""
    learning_rate: float
    skipped: str | None = None
    """Why nothing was learned: what was not finite."""
    stop: bool = False
    """Whether any process was asked to stop."""

    @property
    def total(self) -> float:
        """The loss."""
        return sum(self.terms.values())


def split_microbatches(batch: Batch, count: int) -> Iterator[Batch]:
    """A batch in so many parts of like size; at most as many as it has words."""
    # Sizes differ by one at most, and none is empty.
    borders = [round(i * len(batch.ids) / count) for i in range(count + 1)]

    for first, end in itertools.pairwise(borders):
        own = slice(first, end)
        glyphs = batch.glyphs

        yield replace(
            batch,
            ids=batch.ids[own],
            lr=batch.lr[own],
            hr=batch.hr[own],
            labels=batch.labels[own],
            glyphs=None if glyphs is None else GlyphTargets(glyphs.line[own], glyphs.chars[own], glyphs.masked[own]),
            positions=batch.positions[own],
        )


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on a device; which words have masks stays where it is, since it decides shapes."""

    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device, non_blocking=True)

    glyphs = batch.glyphs
    moved = None if glyphs is None else GlyphTargets(move(glyphs.line), move(glyphs.chars), glyphs.masked)
    return replace(batch, lr=move(batch.lr), hr=move(batch.hr), glyphs=moved)


def _parameter_groups(objective: Objective[Any], pretrained_lr_scale: float) -> list[dict[str, Any]]:
    """What learns, apart from what learns by smaller steps."""
    learning = [p for p in objective.parameters() if p.requires_grad]
    slow = {id(p) for p in objective.pretrained_parameters()} if pretrained_lr_scale < 1 else set()
    groups = [{"params": [p for p in learning if id(p) not in slow], "lr_scale": 1.0}]
    if slow:
        groups.append({"params": [p for p in learning if id(p) in slow], "lr_scale": pretrained_lr_scale})
    return groups


class TrainStep:
    """Module, optimiser and schedule of a run.

    Args:
        objective: What is minimised; its norms are synchronised if there are several processes.
        settings: Adam, its schedule, clipping and accumulation.
        total_steps: Where the schedule ends.
        processes: Where.
    """

    def __init__(
        self,
        objective: Objective[Any],
        settings: OptimiserConfig,
        *,
        total_steps: int,
        processes: DistributedContext,
    ) -> None:
        self.settings = settings
        self.total_steps = total_steps
        self.processes = processes
        self.objective = objective.to(processes.device)
        processes.synchronise_norms(objective)

        # Buffers are copied before each step, to be put back if it teaches nothing.
        groups = _parameter_groups(objective, settings.pretrained_lr_scale)
        self.parameters: list[nn.Parameter] = [p for group in groups for p in group["params"]]
        self.clip_parameters = [p for p in objective.clip_parameters() if p.requires_grad]

        adam = torch.optim.AdamW if settings.decoupled_decay else torch.optim.Adam
        optimiser = adam(
            groups,
            lr=settings.learning_rate,
            betas=settings.betas,
            eps=settings.epsilon,
            weight_decay=settings.weight_decay,
            fused=processes.device.type in ("cpu", "cuda"),
        )

        self._module, self.optimiser = processes.prepare(objective, optimiser)
        self._buffers = [b for b in objective.model.buffers() if b.numel()]

    def step(self, batch: Batch, number: int, *, stop: bool = False) -> StepOutcome:
        """Learn from one batch, this process's slice of it.

        Args:
            batch: On any device.
            number: Steps before this one; decides the learning rate.
            stop: Whether this process was asked to stop.
        """
        self.objective.train()
        self.objective.steps_done = number
        rate = self._set_learning_rate(number)
        # Of the whole batch: its longest word, to which texts are padded, and the smallest rank slice.
        longest, least = self.processes.all_reduce_max(
            [max(len(filter_lower(label)) for label in batch.labels), -len(batch.ids)]
        )

        before = [buffer.clone() for buffer in self._buffers]
        self.optimiser.zero_grad(set_to_none=True)
        # No more parts than the smallest slice has words, so that all processes count the same.
        parts = list(split_microbatches(replace(batch, longest_label=longest), min(self.settings.accumulation, -least)))
        counts = [self.objective.counts(part) for part in parts]

        # What means run over is known before the first pass, so that parts add up exactly.
        totals = self._totals(counts, stop=stop)
        stop = bool(totals.pop(STOP))
        sums = dict.fromkeys(totals, 0.0)
        for i, (part, own) in enumerate(zip(parts, counts, strict=True)):
            with self.processes.no_sync_until_last(self._module, last=i + 1 == len(parts)):
                total, means = self._weighed(self._module(to_device(part, self.processes.device)), own, totals)
                sums = {name: sums[name] + value for name, value in means.items()}
                # Means are those of all processes, so all of them leave here or none.
                if not all(map(math.isfinite, means.values())):
                    return self._skipped(sums, math.nan, rate, before, stop=stop, reason="loss")

                self.processes.backward(total)

        # Gradients: clipped, checked, applied.
        norm = float(self.processes.clip(self.clip_parameters, self.settings.clip_norm))
        finite = math.isfinite(norm) and self._others_are_finite()
        if finite or self.processes.scaler is not None:  # a scaler skips by itself, and learns from it
            self.optimiser.step()

        if not finite:
            return self._skipped(sums, norm, rate, before, stop=stop, reason="gradient")

        return StepOutcome(sums, norm, rate, stop=stop)

    def _set_learning_rate(self, number: int) -> float:
        settings = self.settings

        rate = settings.learning_rate * learning_rate_factor(
            number,
            warmup_steps=settings.warmup_steps,
            total_steps=self.total_steps,
            schedule=settings.schedule,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)  # checkpoints of version 0.1 have none
        return rate

    def _totals(self, counts: list[dict[str, int]], *, stop: bool) -> dict[str, float]:
        """What each term's mean runs over in the whole batch, and whether any process was asked to stop."""
        # The wish to stop rides along, which saves a message per step.
        names = [*counts[0], STOP]
        own = [sum(part[name] for part in counts) for name in counts[0]]
        values = torch.tensor([*own, int(stop)], device=self.processes.device, dtype=torch.float32)
        return dict(zip(names, self.processes.all_reduce_sum(values).tolist(), strict=True))

    def _weighed(
        self, terms: LossTerms, counts: dict[str, int], totals: dict[str, float]
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss of a part, such that over all parts the mean of the processes' losses is that of the whole batch.

        Returns:
            The loss, and the part's fraction of each term over all processes.
        """
        # The distributed gradient is a mean over processes; times their count it is the sum.
        weighed = torch.stack([value * (counts[name] / max(1.0, totals[name])) for name, value in terms.items()])
        means = self.processes.all_reduce_sum(weighed.detach()).tolist()
        return weighed.sum() * self.processes.count, dict(zip(terms, means, strict=True))

    def _others_are_finite(self) -> bool:
        """Whether the gradients that are not clipped are numbers."""
        clipped = {id(parameter) for parameter in self.clip_parameters}
        others = [p.grad for p in self.parameters if id(p) not in clipped and p.grad is not None]
        return not others or bool(torch.isfinite(torch.nn.utils.get_total_norm(others)))

    def _skipped(
        self, terms: dict[str, float], norm: float, rate: float, before: list[Tensor], *, stop: bool, reason: str
    ) -> StepOutcome:
        """Leave no trace of the batch: its statistics may be no numbers, and would stay so."""
        with torch.no_grad():
            for buffer, value in zip(self._buffers, before, strict=True):
                buffer.copy_(value)
        self.optimiser.zero_grad(set_to_none=True)
        return StepOutcome(terms, norm, rate, skipped=reason, stop=stop)

    def state(self) -> dict[str, Any]:
        """The optimiser's state, and the scaler's."""
        scaler = self.processes.scaler
        return {"optimiser": self.optimiser.state_dict(), "scaler": scaler.state_dict() if scaler else {}}

    def trainable_names(self) -> list[str]:
        """Names of what learns, in the optimiser's order."""
        names = {id(parameter): name for name, parameter in self.objective.named_parameters()}
        return [names[id(parameter)] for parameter in self.parameters]

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with that state, under the settings of this run."""
        settings = self.settings
        self.optimiser.load_state_dict(state["optimiser"])
        for group in self.optimiser.param_groups:
            # The state brings its old settings along; those of this run hold.
            group.update(betas=settings.betas, eps=settings.epsilon, weight_decay=settings.weight_decay)
        if self.processes.scaler is not None and state["scaler"]:
            self.processes.scaler.load_state_dict(state["scaler"])
