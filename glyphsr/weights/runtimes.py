"""What runs a model: torch, or an exported graph by onnxruntime or OpenVINO."""

import functools
import os
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import ConfigError, WeightsError
from glyphsr.safe_reading.limits import GRAPH_BYTES
from glyphsr.system.devices import Precision, may_have_gpu
from glyphsr.system.memory import is_out_of_memory
from glyphsr.weights.exported import SUFFIX, exported_beside, load_exported

Runtime = Literal["auto", "torch", "onnx", "openvino"]
"""``auto`` takes onnxruntime on CPUs where the weights were exported, else torch."""

GraphRuntime = Literal["onnx", "openvino"]

PACKAGES: dict[GraphRuntime, tuple[str, str]] = {
    "onnx": ("onnxruntime", "onnxruntime"),
    "openvino": ("openvino", "'glyphsr[openvino]'"),
}
"""Runtime -> the package that it needs, and what to install for it."""

Graph = Callable[..., NDArray[np.float32]]
"""Takes a graph's inputs in order, gives its only output."""


def choose_runtime(asked: Runtime, weights: str | Path, *, device: str, precision: Precision) -> Runtime:
    """What runs these weights on this machine, ``auto`` no longer.

    Raises:
        ConfigError: If what was asked for does not go together, or a package is missing.
        WeightsError: If the weights are a file that is not there, or were not exported and have to be.
    """
    is_graph = Path(weights).suffix == SUFFIX
    on_cpu, plain = device in ("auto", "cpu"), precision in ("auto", "fp32")
    if asked == "torch" and is_graph:
        raise ConfigError(f"--runtime torch: {weights} is run by onnx or openvino")
    if asked == "torch" or (asked == "auto" and not is_graph and not _suits(weights, device, plain=on_cpu and plain)):
        return "torch"

    # From here on the user asked for a graph, or `auto` found one: what is missing is said.
    chosen = "onnx" if asked == "auto" else asked
    package, install = PACKAGES[chosen]
    if find_spec(package) is None:
        raise ConfigError(f"--runtime {chosen}: {package} is not installed; pip install {install}")

    if not on_cpu:
        raise ConfigError(f"--device {device}: {chosen} runs on the CPU; --runtime torch uses other devices")
    if not plain:
        raise ConfigError(f"--precision {precision}: {chosen} computes in fp32; --runtime torch knows others")

    if exported_beside(weights) is None:
        name = Path(weights).stem if Path(weights).suffix else weights
        raise WeightsError(
            f"{weights}: not exported yet; run `glyphsr export {weights} -o {name}{SUFFIX}` and give that file"
        )
    return chosen


def _suits(weights: str | Path, device: str, *, plain: bool) -> bool:
    """Whether ``auto`` takes onnxruntime: the graph is here and fits, and no GPU is to be used."""
    if not plain or find_spec("onnxruntime") is None:
        return False
    try:
        if exported_beside(weights) is None or (device == "auto" and may_have_gpu() and _has_gpu()):
            return False
        # Outdated or damaged graphs are passed over silently: torch has the weights.
        load_exported(weights)
    except WeightsError:  # torch says what is wrong, or knows better
        return False
    return True


def _has_gpu() -> bool:
    from glyphsr.system.devices import resolve_device

    return resolve_device("auto").type != "cpu"


def runtime_version(runtime: Runtime) -> dict[str, str]:
    """Package and version of what runs a model.

    Example:
        >>> list(runtime_version("onnx"))
        ['onnxruntime']
    """
    package = "torch" if runtime == "auto" or runtime == "torch" else PACKAGES[runtime][0]
    return {package: version(package)}


def num_threads() -> int:
    """Threads that a graph may use: ``OMP_NUM_THREADS``, as torch does; 0 leaves it to the runtime."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() else 0


def open_graph(path: Path, runtime: GraphRuntime) -> Graph:
    """Load a graph.

    Raises:
        WeightsError: If the runtime cannot load it.
    """
    try:
        graph = _by_onnxruntime(path) if runtime == "onnx" else _by_openvino(path)
    except Exception as error:  # each of them raises kinds of its own
        raise WeightsError(f"{path}: {runtime} cannot load it: {_reason(error)}") from error

    def run(*inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return np.asarray(graph(*inputs), np.float32)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise WeightsError(f"{path}: {runtime} cannot run it: {_reason(error)}") from error

    return run


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@functools.cache
def _bound_memory(most: int) -> None:
    """Give onnxruntime's graphs one allocator for this process, which refuses more than so many bytes."""
    import onnxruntime

    kinds = onnxruntime.OrtAllocatorType, onnxruntime.OrtMemType
    memory = onnxruntime.OrtMemoryInfo("Cpu", kinds[0].ORT_ARENA_ALLOCATOR, 0, kinds[1].DEFAULT)
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg({"max_mem": most}))


def _by_onnxruntime(path: Path) -> Graph:
    import onnxruntime

    _bound_memory(GRAPH_BYTES.value)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads()
    options.enable_mem_pattern = False  # of batches of one shape; ours differ
    options.log_severity_level = 3
    options.add_session_config_entry("session.use_env_allocators", "1")

    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(*inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, dict(zip(names, inputs, strict=True)))[0]
        return found

    return run


def _by_openvino(path: Path) -> Graph:
    import openvino

    # fp32, as torch computes: on some processors OpenVINO would choose bf16.
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    settings |= {"INFERENCE_NUM_THREADS": num_threads()} if num_threads() else {}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)

    def run(*inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.array(compiled(list(inputs))[0], np.float32)

    return run
