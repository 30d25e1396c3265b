"""The OCR term of a training step: frozen recognizers read SR, and CTC compares that with the true text."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glyphsr.config.losses import LossConfig
from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.losses.ctc import ctc_loss
from glyphsr.recognizers.ctc_recognizer import CTCNetwork
from glyphsr.weights.hub import resolve
from glyphsr.weights.loading import load_recognizer
from glyphsr.weights.registry import sha256_of


class FrozenReaders(nn.Module):
    """Recognizers by CTC that do not learn.

    Args:
        recognizers: All of them; none gives no term.
    """

    def __init__(self, recognizers: Sequence[CTCNetwork]) -> None:
        super().__init__()
        self._readers = tuple(recognizers)
        self.recognizers = nn.ModuleList(recognizer.requires_grad_(False) for recognizer in recognizers)
        self.train()

    def train(self, mode: bool = True) -> "FrozenReaders":
        """They never are in training mode, save for recurrent layers, which cuDNN differentiates only there."""
        del mode
        super().train(False)
        for module in self.recognizers.modules():
            if isinstance(module, nn.RNNBase):
                module.training = True
        return self

    def forward(self, sr: Tensor, labels: Sequence[str]) -> Tensor:
        """Mean over recognizers and words of the negative log-likelihood per character.

        Args:
            sr: ``(B, 3, H, W)`` float, not clipped.
            labels: The true texts; characters that a recognizer does not know are left out.

        Returns:
            Scalar.
        """
        terms = [ctc_loss(reader.symbol_logits(reader.prepare(sr)), labels, reader.codec) for reader in self._readers]
        return torch.stack(terms).mean()


def open_readers(config: LossConfig, *, offline: bool = False) -> list[CTCNetwork]:
    """The recognizers that the OCR term names; none where it has no weight.

    Raises:
        WeightsError: If one is not available.
        ConfigError: If one does not read by CTC.
    """
    if not config.ocr:
        return []

    found: list[CTCNetwork] = []
    for name in config.ocr_recognizers:
        try:
            recognizer = load_recognizer(resolve(name, offline=offline))
        except WeightsError as error:
            raise WeightsError(f"loss.ocr_recognizers: {error}") from error

        # Gradients flow through CTC's logits; a decoder's choices have none.
        if not isinstance(recognizer, CTCNetwork):
            raise ConfigError(
                f"loss.ocr_recognizers: {name}: expected a recognizer by CTC, got {recognizer.config.kind}"
            )

        found.append(recognizer)
    return found


def readers_of(config: TrainConfig) -> list[str]:
    """Hashes of the recognizers that a run is taught by: none of them is an independent judge of its network.

    The engine rapidocr, by name, belongs to them where a recognizer of PP-OCR teaches or guides the network.

    Raises:
        WeightsError: If one is not here.
    """
    names = config.loss.focus_recognizers if config.focuses else ()
    names += config.loss.ocr_recognizers if config.loss.ocr else ()
    paths = [resolve(name, offline=True) for name in dict.fromkeys(names)]
    kinds = {load_recognizer(path).config.kind for path in paths} | {config.model.prior.kind}
    return [*map(sha256_of, paths), *(["rapidocr"] if "ppocr" in kinds else [])]
