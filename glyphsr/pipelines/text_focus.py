"""The text-focus terms of a training step: a frozen recognizer reads SR and HR with the true text given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from glyphsr.config.training import LossConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.losses.confusion import load_distances
from glyphsr.losses.text_focus import (
    attention_difference,
    confusion_weights,
    weighted_cross_entropy,
    weights_of_classes,
)
from glyphsr.models.recognizers.crnn.network import CRNN
from glyphsr.models.recognizers.interface import AttentionRecognizer
from glyphsr.models.recognizers.parseq.network import PARSeq
from glyphsr.models.registry import RecognizerNetwork
from glyphsr.pipelines.models import load_recognizer
from glyphsr.pipelines.store import obtain
from glyphsr.text.charset import filter_lower, filter_to
from glyphsr.types import Batch

STAND_INS = (
    "a file or another recognizer can stand in, e.g. --set loss.focus_recognizer=compact (the package's own prior)"
)


@dataclass(frozen=True, eq=False)
class Focus:
    """Both terms of one batch, unweighted."""

    attention: Tensor
    """Mean over all heads, steps and places."""
    confusion: Tensor
    """Mean over characters."""
    words: int
    """Words that the first is a mean over."""
    characters: int
    """Characters, ends of texts included, that the second is a mean over."""


class TextFocus(nn.Module):
    """Attention L1 and weighted cross-entropy through a recognizer that does not learn (paper, eq. 6).

    Source: ``FudanVI/FudanOCR: scene-text-telescope/loss/text_focus_loss.py``. The published loop also differentiates
    the recognizer's weights and its pass over HR, neither of which is used; here they are not.

    Args:
        recognizer: Frozen.
        distances: ``(62, 62)`` of :func:`glyphsr.losses.confusion.load_distances`.
    """

    def __init__(self, recognizer: RecognizerNetwork, distances: Tensor) -> None:
        super().__init__()
        self.recognizer = recognizer.eval().requires_grad_(False)
        characters = [recognizer.codec.decode([i]) for i in range(recognizer.num_classes)]
        self.register_buffer("weights", weights_of_classes(confusion_weights(distances), characters))

    def train(self, mode: bool = True) -> "TextFocus":
        """The recognizer never is in training mode."""
        del mode
        return super().train(False)

    def readable(self, label: str) -> str:
        """A label as the recognizer is taught it, filtered to 0-9a-z as in the published loss."""
        return filter_to(filter_lower(label), self.recognizer.charset)

    def forward(self, sr: Tensor, batch: Batch) -> Focus:
        """Compare.

        Args:
            sr: ``(B, 3, H, W)`` float, not clipped.
            batch: HR and labels; words that are longer than the recognizer reads are left out.
        """
        recognizer = self.recognizer
        assert isinstance(recognizer, AttentionRecognizer)
        assert isinstance(self.weights, Tensor)
        texts = [self.readable(label) for label in batch.labels]
        limit = recognizer.max_length if isinstance(recognizer, PARSeq) else None  # the others have no last position
        chosen = [i for i, text in enumerate(texts) if limit is None or len(text) <= limit]
        if not chosen:
            return Focus(sr.sum() * 0, sr.sum() * 0, 0, 0)
        texts = [texts[i] for i in chosen]
        steps = None if batch.longest is None else batch.longest + (0 if isinstance(recognizer, CRNN) else 1)
        if limit is not None and steps is not None:
            steps = min(steps, limit + 1)
        prepare = recognizer.prepare
        with torch.no_grad():
            hr = recognizer.teach(prepare(batch.hr[chosen]), texts, steps=steps)
        seen = recognizer.teach(prepare(sr[chosen]), texts, steps=steps)
        valid = seen.targets >= 0
        attention = attention_difference(seen.attention.float(), hr.attention.float())
        characters = int(valid.sum())
        if not characters:
            return Focus(attention, sr.sum() * 0, len(chosen), 0)
        confusion = weighted_cross_entropy(seen.logits.float()[valid], seen.targets[valid], self.weights)
        return Focus(attention, confusion, len(chosen), characters)


def open_text_focus(config: LossConfig, notify: Callable[[str], None], *, offline: bool = False) -> TextFocus:
    """The recognizer and table that a configuration names.

    Args:
        config: The losses.
        notify: Told when another recognizer stands in for Telescope.
        offline: Never fetch anything.

    Raises:
        WeightsError: If the recognizer's weights are not to be had.
        ConfigError: If it cannot show where it looks.
        DataError: If the table is not one.
    """
    name = config.focus_recognizer
    try:
        path = obtain(name, offline=offline)
    except WeightsError as error:
        raise WeightsError(f"loss.focus_recognizer: {error}; {STAND_INS}") from error
    recognizer = load_recognizer(path)
    if not isinstance(recognizer, AttentionRecognizer):
        raise ConfigError(f"loss.focus_recognizer: {recognizer.config.kind} cannot show where it looks")
    if recognizer.config.kind != "telescope":
        how = "CTC alignment" if isinstance(recognizer, CRNN) else "teacher-forced attention"
        notify(f"text focus: {recognizer.config.kind} from {path.name} stands in for Telescope, by its {how}")
    distances = load_distances(Path(config.confusion_table) if config.confusion_table else None)
    return TextFocus(recognizer, distances)
