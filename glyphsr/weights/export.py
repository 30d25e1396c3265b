"""Exports a model as ONNX graphs, and proves that they give what torch gives."""

import io
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.recognizers.protocols import ColumnRecognizer, CTCRecognizer
from glyphsr.system.atomic_files import check_writable, write_bytes
from glyphsr.weights.exported import ENTRY, PRIOR_SUFFIX, SUFFIX, GraphFacts, PriorFacts, prior_beside
from glyphsr.weights.facts import PriorWeights
from glyphsr.weights.loading import LoadedModel, load_model
from glyphsr.weights.runtimes import open_graph
from glyphsr.weights.shared_weights import point_into

OPSET = 18

TOLERANCE = 1e-3
"""Greatest difference to torch that an export may have anywhere."""

FREE_SIZES = ((1, 16, 64), (3, 16, 40), (2, 24, 160), (1, 12, 48), (1, 32, 64))
"""Batch, height and width of the pictures that are compared, where a network takes any."""


@dataclass(frozen=True)
class Export:
    """What was written."""

    files: tuple[Path, ...]
    difference: float
    """Greatest absolute difference to torch, of pictures and of the prior's probabilities."""


class _NetworkGraph(nn.Module):
    """Pictures ``(B, 3, h, w)`` and guides ``(B, K, 1, T)`` to RGB ``(B, 3, 2h, 2w)``."""

    def __init__(self, model: SuperResolver) -> None:
        super().__init__()
        self.network = model.network
        self.picture = model.network_input

    def forward(self, lr: Tensor, guide: Tensor | None = None) -> Tensor:
        return self.network(self.picture(lr), guide).sr[:, :3]  # type: ignore[no-any-return]


class _PriorGraph(nn.Module):
    """Pictures ``(B, 3, h, w)`` to class probabilities ``(B, K, T)``."""

    def __init__(self, model: SuperResolver) -> None:
        super().__init__()
        self.prior = model.prior

    def forward(self, lr: Tensor) -> Tensor:
        assert self.prior is not None
        return self.prior.recognizer.probabilities(lr)


def export(
    weights: str | Path,
    out: str | Path,
    *,
    prior_weights: PriorWeights = None,
    share_weights: bool = False,
    offline: bool = False,
    overwrite: bool = False,
) -> Export:
    """Write a model as ONNX: ``NAME.onnx`` is the network, ``NAME.prior.onnx`` its text prior, where it has one.

    Height, width and batch are free where the network takes any. Both graphs are run by onnxruntime on pictures of
    several sizes and compared with torch before they get their names.

    Args:
        weights: Name or checkpoint file.
        out: The network's file, ending in ``.onnx``.
        prior_weights: As in :func:`glyphsr.weights.loading.load_model`.
        share_weights: Leave the weights in the checkpoint, which has to lie beside ``out``.
        offline: Never fetch weights.
        overwrite: Replace files that exist.

    Raises:
        ConfigError: If a file exists already, has another ending, or the package ``onnx`` is missing.
        WeightsError: If the weights cannot be loaded, or a graph gives anything else than torch.
    """
    target = Path(out)
    if target.suffix != SUFFIX or target.name.endswith(PRIOR_SUFFIX):
        raise ConfigError(f"--out {target}: expected a name ending in {SUFFIX}")
    if not target.parent.is_dir():
        raise ConfigError(f"--out {target}: the folder {target.parent} does not exist")

    for path in (target, prior_beside(target)):
        if path.exists() and not overwrite:
            raise ConfigError(f"{path}: exists already; --overwrite replaces it")
    check_writable(target, "--out")

    loaded = load_model(weights, prior_weights, offline=offline)
    if share_weights and loaded.path.resolve().parent != target.resolve().parent:
        raise ConfigError(f"--share-weights: {target} has to lie beside {loaded.path}")

    # Nothing is written before the graphs in memory have given what torch gives.
    made = dict(_graphs(loaded, target, source=loaded.path if share_weights else None))
    difference = _compare(loaded, made, beside=loaded.path if share_weights else None)
    for path, content in reversed(made.items()):  # the network last: where it is, all is
        write_bytes(path, content)
    return Export(tuple(made), difference)


def _graphs(loaded: LoadedModel, target: Path, *, source: Path | None) -> Iterator[tuple[Path, bytes]]:
    """The files and what they hold, the network's first."""
    model, (_, height, width) = loaded.model, _sizes(loaded)[0]
    lr = torch.rand(2, 3, height, width)
    with torch.no_grad():
        guide = None if model.prior is None else model.prior(lr)
    # What a runtime without torch has to know: the configuration, the prior's charset, whose weights.
    facts = GraphFacts(
        config=model.config, card=loaded.card, prior=_prior_facts(model), published=loaded.published,
        sha256=loaded.hashes, shares_weights=source is not None,
    )  # fmt: skip
    text = facts.model_dump_json()

    inputs = {"lr": lr} if guide is None else {"lr": lr, "guide": guide}
    yield target, _written(_NetworkGraph(model), inputs, "sr", model, source, {ENTRY: text})
    if model.prior is not None:
        charset = json.dumps({"charset": facts.prior.charset if facts.prior else ""})
        yield (
            prior_beside(target),
            _written(_PriorGraph(model), {"lr": lr}, "probabilities", model, source, {"glyphsr_prior": charset}),
        )


def _prior_facts(model: SuperResolver) -> PriorFacts | None:
    if model.prior is None:
        return None

    recognizer = model.prior.recognizer
    is_ctc = isinstance(recognizer, CTCRecognizer)
    return PriorFacts(
        charset=recognizer.charset,
        reads_by="ctc" if is_ctc else "end",
        has_columns=isinstance(recognizer, ColumnRecognizer),
    )


def _written(
    graph: nn.Module,
    inputs: dict[str, Tensor],
    output: str,
    model: SuperResolver,
    source: Path | None,
    metadata: dict[str, str],
) -> bytes:
    """One graph as the bytes of its file."""
    try:
        import onnx
    except ImportError as error:
        raise ConfigError("export: needs the package onnx: pip install 'glyphsr[export]'") from error

    # Axes that may have any length; a network of one size leaves only the batch.
    free = {"lr": {0: "batch"}, "guide": {0: "batch"}, output: {0: "batch"}}
    if model.config.network.fixed_size is None:
        free["lr"] |= {2: "height", 3: "width"}
        free["guide"] |= {3: "steps"}
        free[output] |= {2: "height_out", 3: "width_out"} if output == "sr" else {2: "steps"}

    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about itself and about sizes that stay as they are
        torch.onnx.export(
            graph.eval(), tuple(inputs.values()), cast("str", file), dynamo=False, opset_version=OPSET,
            input_names=list(inputs), output_names=[output],
            dynamic_axes={name: axes for name, axes in free.items() if name in (*inputs, output)},
            # Weights that stay in a checkpoint have to be used as they are there; runtimes fold them as they load.
            training=torch.onnx.TrainingMode.PRESERVE if source else torch.onnx.TrainingMode.EVAL,
            do_constant_folding=source is None,
        )  # fmt: skip

    proto = onnx.load_from_string(file.getvalue())
    if source is not None:
        point_into(proto, source)
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)

    return bytes(proto.SerializeToString())


def _sizes(loaded: LoadedModel) -> Sequence[tuple[int, int, int]]:
    """Batches, heights and widths to compare."""
    network = loaded.config.network
    if network.fixed_size is not None:
        return tuple((batch, *network.fixed_size) for batch in (1, 3))
    free = [size for size in FREE_SIZES if network.min_height <= size[1] <= network.max_height]
    return free or [(1, network.min_height, 4 * network.min_height), (3, network.max_height, 2 * network.max_height)]


def _compare(loaded: LoadedModel, made: dict[Path, bytes], *, beside: Path | None) -> float:
    """Greatest difference between torch and onnxruntime.

    Raises:
        WeightsError: If it is greater than :data:`TOLERANCE`.
    """
    with tempfile.TemporaryDirectory(dir=beside.parent if beside else None, prefix=".glyphsr-tmp-") as folder:
        place = beside.parent if beside else Path(folder)
        runs: list[Callable[..., Any]] = []
        paths = []

        # Runtimes open files; these are taken away as soon as the graphs are loaded.
        try:
            for number, content in enumerate(made.values()):
                paths.append(place / f".glyphsr-tmp-{Path(folder).name[-8:]}-{number}.onnx")
                paths[-1].write_bytes(content)
                runs.append(open_graph(paths[-1], "onnx"))
        finally:
            for path in paths:
                path.unlink()
        found = max(_differences(loaded.model, runs, _sizes(loaded)))

    # "Not at most", so that NaN fails, too.
    if not found <= TOLERANCE:
        raise WeightsError(f"{loaded.path}: exported, it differs from torch by {found:.1e}; the most allowed is 1e-3")
    return found


def _differences(
    model: SuperResolver, runs: Sequence[Callable[..., Any]], sizes: Sequence[tuple[int, int, int]]
) -> Iterator[float]:
    # Seeded, so that an export that passes does so on every machine.
    generator = torch.Generator().manual_seed(0)
    for batch, height, width in sizes:
        lr = torch.rand(batch, 3, height, width, generator=generator)

        inputs = [lr.numpy()]
        with torch.inference_mode():
            guide = None
            if model.prior is not None:
                probabilities = model.prior.recognizer.probabilities(lr)
                yield float(np.abs(runs[1](lr.numpy()) - probabilities.numpy()).max())
                guide = probabilities.unsqueeze(2)
                inputs.append(guide.numpy())
            # Both get torch's guide, so that the prior's difference does not count twice.
            expected = _NetworkGraph(model)(lr, guide)
        yield float(np.abs(runs[0](*inputs) - expected.numpy()).max())
