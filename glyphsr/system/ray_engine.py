"""Work spread over the machines of a Ray cluster, by Ray Data; its packages come with the extra ``cluster``.

Ray hands out the work, starts workers again that died, and gives what was lost to others. So an item may be worked on
more than once, and its worker has to write the same result under the same name each time.
"""

import logging
import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, TypeVar

from glyphsr.errors import ConfigError, GlyphSRError

T = TypeVar("T")
R = TypeVar("R")

Work = Callable[[list[T]], list[R]]
"""Does some items and gives one result each, in order."""


def _actor(make: Callable[[], Work[Any, Any]]) -> type:
    """What lives in a process of the cluster and keeps the model from one batch to the next.

    A class of its own instead of arguments: those would be lost with the machine that keeps them.
    """

    class Actor:
        def __init__(self) -> None:
            self._work = make()

        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            items = [pickle.loads(item) for item in batch["item"]]
            return {"result": [pickle.dumps(result) for result in self._work(items)]}

    return Actor


def ray_map(
    make: Callable[[], Work[T, R]],
    items: Sequence[T],
    *,
    address: str | None,
    cpus: int = 1,
    use_gpu: bool | None = None,
) -> Iterator[R]:
    """Results of items in the order in which they come.

    Args:
        make: Called once in each worker process; loads the model and gives what does the work.
        items: What to do, one at a time: what the death of a worker can cost.
        address: Of a running cluster, ``auto`` for the one that this machine belongs to, ``None`` to start one here.
        cpus: Cores of a worker.
        use_gpu: Give each worker a GPU; ``None``: where the cluster has some.

    Raises:
        ConfigError: If Ray is not installed, or there is no cluster at the address.
        GlyphSRError: If a worker cannot start, or fails with an error.
    """
    ray = _connect(address)
    import pyarrow as pa

    # One worker per GPU, else one per so many cores, and no more than there is work.
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0)) if use_gpu is None or use_gpu else 0
    workers = max(1, min(len(items), gpus or int(resources.get("CPU", 1)) // cpus))

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # ours counts results
    context.raise_original_map_exception = True
    # A block each from the start: workers take all cores, and none would be left to cut blocks.
    blocks = [pa.table({"item": pa.array([pickle.dumps(item)], pa.large_binary())}) for item in items]
    done = ray.data.from_arrow(blocks).map_batches(
        _actor(make),
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
        num_cpus=cpus,
        num_gpus=1 if gpus else 0,
    )
    try:
        for row in done.iter_rows():
            yield pickle.loads(row["result"])
    except ray.exceptions.RayError as error:
        cause = error.__cause__ or error
        raise GlyphSRError(f"--engine ray: {str(cause).strip().splitlines()[-1]}") from error


def _connect(address: str | None) -> Any:
    if find_spec("ray") is None or find_spec("pyarrow") is None:
        raise ConfigError("--engine ray: not installed; pip install 'glyphsr[cluster]'")
    _check_listens(address)
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)  # whatever else it says is about its own insides

    if not ray.is_initialized():
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(f"--address {address}: {str(error).strip().splitlines()[0]}") from error
    return ray


def _check_listens(address: str | None) -> None:
    """Refuse an address where nobody listens at once; Ray would try for many minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--address {address}: no cluster listens there: {error}") from error
