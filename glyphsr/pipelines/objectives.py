"""What a step of training minimises: the loss terms of one batch, each by name."""

import copy
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from glyphsr.config.training import LossConfig, TrainConfig
from glyphsr.losses.ctc import ctc_loss
from glyphsr.losses.pixel import pixel_loss
from glyphsr.losses.text_prior import text_prior_loss
from glyphsr.models.recognizers.crnn.network import CRNN
from glyphsr.models.super_resolver import SuperResolver, TextPriorGenerator
from glyphsr.types import Batch


@dataclass(frozen=True, eq=False)
class LossTerms:
    """A batch's losses."""

    total: Tensor
    """Scalar that is differentiated."""
    terms: dict[str, Tensor]
    """The weighted parts, by name."""


class Objective(Protocol):
    """One way to train a super-resolver or a part of it."""

    trained: nn.Module
    """The module whose parameters are optimised and whose gradient norm is clipped."""

    def losses(self, batch: Batch) -> LossTerms:
        """Loss terms of one batch."""
        ...


def _sum(terms: dict[str, Tensor]) -> LossTerms:
    return LossTerms(total=torch.stack(list(terms.values())).sum(), terms=terms)


class PriorObjective:
    """The text prior alone, by CTC on LR pictures."""

    def __init__(self, model: SuperResolver, config: LossConfig) -> None:
        assert model.prior is not None
        assert isinstance(model.prior.recognizer, CRNN)
        self.recognizer = model.prior.recognizer
        self.weight = config.ctc
        self.trained: nn.Module = model.prior

    def losses(self, batch: Batch) -> LossTerms:
        """CTC of the prior's recognizer on ``batch.lr``."""
        logits = self.recognizer(self.recognizer.prepare(batch.lr))
        return _sum({"ctc": self.weight * ctc_loss(logits, batch.labels, self.recognizer.codec)})


class SuperResolutionObjective:
    """The network, guided by the prior; the prior learns too where one of its losses has weight."""

    def __init__(self, model: SuperResolver, config: LossConfig) -> None:
        self.model = model
        self.config = config
        self.trains_prior = bool(config.text_prior or config.ctc)
        self.teacher: nn.Module | None = None
        if model.prior is not None:
            model.prior.requires_grad_(self.trains_prior)
            self.teacher = copy.deepcopy(model.prior).eval().requires_grad_(False) if config.text_prior else None
        self.trained: nn.Module = model if self.trains_prior else model.network

    def losses(self, batch: Batch) -> LossTerms:
        """Pixel loss and, where configured, the prior's losses."""
        terms: dict[str, Tensor] = {}
        prior = None if self.model.prior is None else self._prior(self.model.prior, batch, terms)
        sr = self.model(batch.lr, prior).sr
        hr = self.model.network_input(batch.hr)
        terms["pixel"] = self.config.scale * self.config.pixel * pixel_loss(sr.float(), hr)
        return _sum(terms)

    def _prior(self, generator: TextPriorGenerator, batch: Batch, terms: dict[str, Tensor]) -> Tensor:
        """The text prior ``(B, K, 1, T)``; its own losses join ``terms``."""
        generator.train(self.trains_prior)  # a frozen prior keeps its BatchNorm statistics
        recognizer = generator.recognizer
        prior: Tensor
        if self.config.ctc:
            assert isinstance(recognizer, CRNN)
            logits = recognizer(recognizer.prepare(batch.lr))  # (T, B, K)
            prior = logits.float().softmax(dim=2).permute(1, 2, 0).unsqueeze(2)
            terms["ctc"] = self.config.ctc * ctc_loss(logits, batch.labels, recognizer.codec)
        else:
            with torch.set_grad_enabled(self.trains_prior):
                prior = generator(batch.lr)
        if self.teacher is not None:
            with torch.no_grad():
                teacher = self.teacher(batch.hr)
            terms["text_prior"] = self.config.text_prior * text_prior_loss(prior.float(), teacher.float())
        return prior


def build_objective(model: SuperResolver, config: TrainConfig) -> Objective:
    """The objective that the configuration's task names."""
    if config.task == "prior":
        return PriorObjective(model, config.loss)
    return SuperResolutionObjective(model, config.loss)
