"""The table of docs/model-zoo.md: what every network and recognizer is, costs and was compared with.

    python benchmarks/model_zoo.py [--repeats 5] [--cpu-time]

Writes the table between the marks of that page. Parameters, multiply-adds and gaps can be had again to the digit; times
are measured in one run, one after the other, and say more against each other than on their own. They are those of a
clock on two threads; on a machine that other work keeps busy ``--cpu-time`` counts what one thread takes instead.
"""

import argparse
import functools
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from glyphsr.config.networks import NETWORKS
from glyphsr.models.registry import RECOGNIZERS, architecture, build_network, build_recognizer
from glyphsr.weights.published import network_from_official, recognizer_from_official
from glyphsr.weights.registry import entries

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "model-zoo.md"
MARKS = ("<!-- made by benchmarks/model_zoo.py -->", "<!-- end -->")
LINE = (3, 16, 64)
WORD = "example"
"""What a recognizer with attention is given while it is measured."""

BATCH = 8

PAPERS = {
    "glyphsr": "GlyphSR, AAAI 2025",
    "tsrn": "TextZoom, ECCV 2020",
    "tbsrn": "Scene Text Telescope, CVPR 2021",
    "tpgsr": "TPGSR, 2021",
    "tatt": "TATT, CVPR 2022",
    "tg": "Text Gestalt, AAAI 2022",
    "c3stisr": "C3-STISR, IJCAI 2022",
    "rtsrn": "RTSRN, 2023",
    "tsan": "TSAN, AAAI 2023",
    "lemma": "LEMMA, IJCAI 2023",
    "pean": "PEAN, ACM MM 2024",
    "crnn": "CRNN, TPAMI 2017",
    "moran": "MORAN v2, PR 2019",
    "aster": "ASTER, TPAMI 2019",
    "parseq": "PARSeq, ECCV 2022",
    "telescope": "Scene Text Telescope, CVPR 2021",
    "siga": "SIGA, CVPR 2023",
    "ppocr": "PP-OCRv6",
    "ctc_transformer": "ours",
}
PRIORS = {"glyphsr": ("parseq", 95), "pean": ("parseq", 95)}
"""Of networks guided by another recognizer than CRNN: which one, and its classes."""

PUBLISHED_FORM: dict[str, dict[str, Any]] = {"pean": {"enhancer_steps": 1}}
"""Settings by which a network is what its authors evaluate."""


@dataclass(frozen=True)
class Facts:
    """What is known of one architecture without running it."""

    kind: str
    prior: str
    parameters: int
    licence: str
    weights: str


def _config(kind: str) -> Any:
    return architecture(kind).settings(**PUBLISHED_FORM.get(kind, {}))


def _build(kind: str) -> nn.Module:
    config = _config(kind)
    if kind in RECOGNIZERS:
        return build_recognizer(config)
    return build_network(config, num_classes=PRIORS.get(kind, ("", 37))[1] if config.needs_prior else 0)


def facts(kind: str) -> Facts:
    """Facts of a kind in its published size; builds it without filling it."""
    with torch.device("meta"):
        parameters = sum(p.numel() for p in _build(kind).parameters())
    guided = kind in NETWORKS and _config(kind).needs_prior
    prior = PRIORS.get(kind, ("crnn", 37))[0] if guided else "-"
    rows = {name: row for name, row in entries().items() if row.network == kind}
    row = rows.get(kind) or next(iter(rows.values()), None)
    if row is None:
        return Facts(kind, prior, parameters, "-", "-")
    where = {"bundled": "in the package", "unpublished": "nowhere"}.get(row.source, row.page or row.url or "-")
    return Facts(kind, prior, parameters, row.licence, where.removeprefix("https://"))


def forward_of(kind: str, network: nn.Module, batch: int) -> Callable[[], object]:
    """One pass over a batch of lines of 16 x 64."""
    lines = torch.rand(batch, *LINE)
    if kind in NETWORKS:
        config = network.config
        picture = torch.rand(batch, config.image_channels, *LINE[1:])  # type: ignore[union-attr, arg-type]
        classes = int(getattr(network, "num_classes", 0))
        prior = torch.rand(batch, classes, 1, 26).softmax(dim=1) if classes else None
        return lambda: network(picture, prior)
    if hasattr(network, "forward_teacher_forced"):
        return lambda: network.forward_teacher_forced(network.prepare(lines), [WORD] * batch)  # type: ignore[operator]
    return lambda: network(network.prepare(lines))  # type: ignore[operator]


def multiply_adds(kind: str, network: nn.Module) -> int:
    """Of one line; convolutions, matrix products and recurrent layers count, what works element by element does not."""
    work = forward_of(kind, network, 1)
    # Fused kernels are not counted, so none may be taken; switching them off warns of cards that are not there.
    with (
        warnings.catch_warnings(action="ignore", category=UserWarning),
        torch.backends.mkldnn.flags(enabled=False),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
        torch.enable_grad(),
    ):
        work()
    return int(counter.get_total_flops()) // 2


def milliseconds(kind: str, network: nn.Module, repeats: int, clock: Callable[[], float]) -> float:
    """A line's time in a batch, the best of a few runs after one to warm up."""
    work = forward_of(kind, network, BATCH)
    times = []
    with torch.no_grad():
        for _ in range(repeats + 1):
            start = clock()
            work()
            times.append(clock() - start)
    return 1000 * min(times[1:]) / BATCH


@functools.cache
def _vectors() -> Any:
    sys.path.insert(0, str(ROOT))
    from tests.parity import vectors

    return vectors


VECTORS: dict[str, tuple[str, str]] = {
    "telescope": ("telescope_transformer", "hr_logits_padded"),
    "crnn": ("crnn", "logits"),
    "parseq": ("parseq", "logits"),
    "moran": ("moran", "preds_l2r@align_false"),
    "aster": ("aster", "encoder_feats@align_false"),
}
"""Golden vector and output by which a recognizer is compared."""


def gap(kind: str) -> tuple[float, float] | None:
    """Greatest difference from the published implementation's output, and the tolerance; ``None`` without a vector."""
    name, output = VECTORS.get(kind, (kind, "sr"))
    if not (ROOT / "tests" / "parity" / f"{name}.json").exists() or (kind in RECOGNIZERS and kind not in VECTORS):
        return None
    golden = _vectors().Vector(name)
    with torch.no_grad():
        found = _network_output(kind, golden) if kind in NETWORKS else _recognizer_output(kind, golden, output)
    expected = golden.expected(output)
    return float(np.abs(found.numpy() - expected).max()), float(golden.manifest["outputs"][output]["atol"])


def _network_output(kind: str, golden: Any) -> Tensor:
    changes = {"mix_batch": True} if kind in ("tatt", "pean") else None
    network = network_from_official(golden.state, kind, kind=kind, changes=changes)
    prior = golden.input("text_prior") if "text_prior" in golden.manifest["inputs"] else None
    if prior is not None and prior.ndim == 3:
        prior = prior.transpose(1, 2).unsqueeze(2)
    return network(golden.input("image"), prior).sr  # type: ignore[no-any-return]


def _recognizer_output(kind: str, golden: Any, output: str) -> Tensor:
    network: Any = recognizer_from_official(golden.state, kind)
    if kind == "telescope":
        hr = network.prepare(golden.input("hr_image"))
        return network.forward_teacher_forced(hr, golden.strings["labels"]).logits  # type: ignore[no-any-return]
    if kind == "aster":
        rectified = golden.expected(output.replace("encoder_feats", "rectified"))
        return network.encoder(torch.from_numpy(rectified))  # type: ignore[no-any-return]
    found: Tensor = network(golden.input("image"))
    return found.flatten(0, 1) if kind == "moran" else found


def rows(repeats: int, clock: Callable[[], float]) -> Iterator[str]:
    """Lines of the table."""
    time_name = "CPU ms a line" if clock is time.process_time else "ms a line"
    yield f"| kind | paper | parameters | multiply-adds | {time_name} | prior | licence | weights | gap (tolerance) |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for kind in (*NETWORKS, *RECOGNIZERS):
        torch.manual_seed(0)
        fact, network = facts(kind), _build(kind).eval()
        compared = gap(kind)
        cells = (
            f"`{kind}`",
            PAPERS.get(kind, "-"),
            f"{fact.parameters:,}",
            f"{multiply_adds(kind, network) / 1e9:.2f} G",
            f"{milliseconds(kind, network, repeats, clock):.1f}",
            fact.prior,
            fact.licence,
            fact.weights,
            "-" if compared is None else f"{compared[0]:.1e} ({compared[1]:.0e})",
        )
        line = f"| {' | '.join(cells)} |"
        print(line, file=sys.stderr, flush=True)
        yield line


def main() -> None:
    """Measure, and put the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true", help="time of one thread, whatever else the machine does")
    arguments = parser.parse_args()
    torch.set_num_threads(1 if arguments.cpu_time else 2)
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    table = "\n".join(rows(arguments.repeats, clock))
    PAGE.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
