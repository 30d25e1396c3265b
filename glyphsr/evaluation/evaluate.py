"""``evaluate``: what the command ``eval`` does, from Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from glyphsr.config.evaluation import Baseline, EvalConfig, Protocol
from glyphsr.config.reader import settings_from
from glyphsr.evaluation.evaluator import run_evaluation
from glyphsr.evaluation.report import EvaluationReport
from glyphsr.system.devices import Precision
from glyphsr.types import ProgressCallback
from glyphsr.weights.runtimes import Runtime


def evaluate(
    *,
    config: EvalConfig | str | Path | None = None,
    per_image: str | Path | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
    split: str | Path | Sequence[str | Path] | None = None,
    data_root: str | Path | None = None,
    weights: str | Path | Sequence[str | Path] | None = None,
    prior_weights: str | Path | Sequence[str | Path] | None = None,
    recognizer: str | Sequence[str] | None = None,
    baseline: Sequence[Baseline] | None = None,
    protocol: Protocol | None = None,
    strength: float | None = None,
    bootstrap: int | None = None,
    limit: int | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    runtime: Runtime | None = None,
    batch_size: int | Literal["auto"] | None = None,
    workers: int | None = None,
    engine: Literal["local", "ray"] | None = None,
    address: str | None = None,
    seed: int | None = None,
    offline: bool | None = None,
) -> EvaluationReport:
    """Score networks and baselines.

    Args:
        config: Settings that no argument gives: an object, or a YAML file as ``--config`` takes it.
        per_image: JSON lines with every picture's readings and fidelity, one per row and sample.
        overwrite: Replace ``per_image`` if it exists.
        progress: Called with the items done and their total.
        split: Subsets: names under the data root, or LMDB folders.
        data_root: Folder of TextZoom; else $GLYPHSR_DATA, ./data/TextZoom, ./TextZoom, or the sample set if there
            is none.
        weights: Networks: names or checkpoint files; ``none`` for the baselines alone.
        prior_weights: Published CRNN and PARSeq that guide the published networks among them; matched by their
            number of classes.
        recognizer: Judges: names, ``name=file`` for weights of your own, or ``all`` that are available.
        baseline: Untouched pictures that are scored too.
        protocol: ``paper``: 16 x 64 to 32 x 128, PSNR and SSIM of batches of 48. ``standard``: natural width, per
            image.
        strength: Fraction of each network's change over bicubic; default from its card, 1 for published networks.
        bootstrap: Resamples behind the 95% intervals; 0 for none.
        limit: Score only the first so many samples of each subset.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: Of the networks; judges always compute in fp32.
        runtime: What runs the networks: ``torch``, or of exported ones ``onnx`` (onnxruntime) or ``openvino``; ``auto``
            takes onnxruntime on CPUs where the weights were exported.
        batch_size: Pictures of 16 x 64 pixels per batch; halved when memory runs out. Does not affect the
            scores.
        workers: Processes that read ahead; they pay from some ten thousand pairs on.
        engine: ``local``: this process. ``ray``: the workers of a Ray cluster.
        address: Of the Ray cluster; ``auto`` for the one that this machine belongs to.
        seed: Of the bootstrap.
        offline: Never fetch weights.

    Raises:
        ConfigError: If a setting cannot be used.
        DataError: If no subset can be opened.
        GlyphSRError: If the workers of a cluster fail.
        WeightsError: If weights are missing, damaged or do not fit.
    """
    settings = settings_from(EvalConfig, config, locals())
    records = None if per_image is None else Path(per_image)
    return run_evaluation(settings, per_image=records, progress=progress, overwrite=overwrite)
