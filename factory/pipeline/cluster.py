"""Trainings on a Ray cluster: joining it, placing tasks, and their answers as they come.

Ray places a task, and places it anew if its worker or node is lost; nothing here schedules.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from factory.contracts.errors import MissingToolError, RecipeError, TrainingError, one_line
from factory.contracts.progress import Cancel

Engine = Literal["local", "ray"]
KeyT = TypeVar("KeyT")
_RETRIES = 5
"""Times that a task is placed anew after its worker or node was lost."""
_WAIT_S = 1.0
_STARTS = 2
_STORE_BYTES = 100 * 1024**2
"""Of shared memory for results, which are a few kB each; Ray would take a third of all memory."""
_INSTALL = "pip install 'smldist-factory[ray]'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Where tasks run, and what each of them takes.

    Attributes:
        address: Of a running cluster; None starts one here.
        cpus: A task; may be a fraction.
        gpus: A task; may be a fraction.
    """

    address: str | None = None
    cpus: float = 1.0
    gpus: float = 0.0


def cluster_of(engine: str, address: str | None, cpus: float, gpus: float) -> Cluster | None:
    """The cluster that is asked for; None is this machine without Ray.

    Raises:
        RecipeError: No such engine, or one without an address.
        MissingToolError: Ray is not installed.
    """
    if engine == "ray":
        _ray()
        return Cluster(address=address, cpus=cpus, gpus=gpus)
    if engine != "local":
        raise RecipeError(f"engine is '{engine}', expected local or ray: choose one of them")
    if address is not None:
        raise RecipeError(f"address is '{address}', engine is local, which has none: choose engine ray, too")
    return None


@contextmanager
def joined(address: str | None) -> Iterator[Any]:
    """Ray within the block: as the caller has it already, or `connect`ed and left at the end.

    Raises:
        MissingToolError: Ray is not installed, or did not start.
    """
    ray = _ray()
    ours = not ray.is_initialized()
    if ours:
        connect(address)
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def connect(address: str | None, cpus: int | None = None) -> None:
    """Join a cluster, or start one on this machine, which tells nobody that it is used.

    Args:
        address: Of the cluster; None starts one.
        cpus: Of the one that is started; None for all processors.

    Raises:
        MissingToolError: Ray is not there, or did not start.
    """
    ray = _ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options: dict[str, Any] = {"address": address, "include_dashboard": False}
    if address is None:
        options |= {"address": "local", "num_cpus": cpus, "object_store_memory": _STORE_BYTES}
    # Ray gives the processes of a node 30 s, which no setting changes; on a busy machine the first of them spend
    # these on reading their libraries from the disk.
    for left in reversed(range(_STARTS)):
        try:
            ray.init(**options, log_to_driver=False, logging_level="ERROR")
            return
        except Exception as error:  # Ray raises plain ones, too
            ray.shutdown()
            if left and address is None:
                continue
            where = f"at {address}" if address else f"on this machine, {_STARTS} times within its half a minute"
            raise MissingToolError(
                f"Ray did not start {where} ({error}): free processors, or name a running cluster with --address"
            ) from error


def task_of(ray: Any, function: Callable[..., Any], cluster: Cluster) -> Any:
    """A function of a module as Ray's, with its share of processors.

    Raises:
        MissingToolError: This machine has no such share, and a task would wait for ever; another cluster may grow.
    """
    if cluster.address is None:
        _require_share(ray.cluster_resources(), cluster)
    options: dict[str, Any] = {"num_cpus": cluster.cpus, "num_gpus": cluster.gpus, "max_retries": _RETRIES}
    return ray.remote(**options)(function)


def _require_share(here: Mapping[str, float], cluster: Cluster) -> None:
    if cluster.cpus > here.get("CPU", 0) or cluster.gpus > here.get("GPU", 0):
        raise MissingToolError(
            f"a task takes {cluster.cpus:g} CPU and {cluster.gpus:g} GPU, Ray here has {here.get('CPU', 0):g} "
            f"and {here.get('GPU', 0):g}: lower --cpus or --gpus, or name a cluster with --address"
        )


def as_they_come(ray: Any, running: Mapping[Any, KeyT], cancel: Cancel) -> Iterator[tuple[KeyT, Any]]:
    """Answers of tasks, whichever is first; a TrainingError is the answer of one that Ray gave up.

    Args:
        ray: From `joined`.
        running: What each task is called, by its reference.
        cancel: Looked at every second.

    Raises:
        Cancelled: It was set.
    """
    left = dict(running)
    try:
        while left:
            ready, _ = ray.wait(list(left), num_returns=1, timeout=_WAIT_S)
            cancel.raise_if_set()
            for reference in ready:
                yield left.pop(reference), _answer(ray, reference)
    finally:
        for reference in left:
            ray.cancel(reference, force=True)


def _answer(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        lost = f"its worker was lost {_RETRIES + 1} times, or a node lacks this package"
        return TrainingError(f"{lost} ({type(error).__name__}: {one_line(str(error)):.300}): look at ray status")


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingToolError(f"--engine ray needs ray: {_INSTALL}") from error
    return ray
