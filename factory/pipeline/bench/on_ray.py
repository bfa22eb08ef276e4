"""The engine on a Ray cluster: a cell is a task, with its share of processors; Ray places it, and again if a node dies.

Nodes need this package and, under the same paths, the recordings and the bench's folder. Where the folder is shared,
teachers are trained once; where it is each node's own, once a node. Results come back to the process that asked, which
writes them.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from factory.contracts.bench import BenchSpec
from factory.contracts.bench_result import CellResult, write_cell
from factory.contracts.errors import MissingToolError, describe
from factory.pipeline.bench.cell import run_cell
from factory.pipeline.bench.local import Watch
from factory.pipeline.bench.plan import Cell, Places, Plan
from factory.pipeline.bench.store import cell_file, claimed, fail

if TYPE_CHECKING:
    from factory.pipeline.bench.run import BenchRequest

_RETRIES = 5
"""Times that a task is placed anew after its worker or node was lost."""
_WAIT_S = 1.0
_STARTS = 2
_STORE_BYTES = 100 * 1024**2
"""Of shared memory for results, which are a few kB each; Ray would take a third of all memory."""
_INSTALL = "pip install 'smldist-factory[ray]'"


def run_on_ray(plan: Plan, pending: Sequence[Cell], device: str, request: "BenchRequest", watch: Watch) -> None:
    """Train cells on a cluster; each result is written when it comes.

    Args:
        plan: The specification.
        pending: Cells that are not finished; those that another run works on are left to it.
        device: torch's name.
        request: Address, shares of processors, cancel.
        watch: Told of every cell that is done.

    Raises:
        MissingToolError: Ray is not installed, or did not start.
        Cancelled: The request's cancel was set.
    """
    ray = _ray()
    ours = not ray.is_initialized()
    if ours:
        connect(request.address)
    options: dict[str, Any] = {"num_cpus": request.cpus, "num_gpus": request.gpus, "max_retries": _RETRIES}
    task = ray.remote(**options)(remote_cell)
    try:
        with ExitStack() as held:
            cells = [cell for cell in pending if held.enter_context(claimed(plan, cell))]
            running = {task.remote(plan.spec, plan.places, cell, device): cell for cell in cells}
            while running:
                ready, _ = ray.wait(list(running), num_returns=1, timeout=_WAIT_S)
                request.cancel.raise_if_set()
                for reference in ready:
                    _write(plan, running.pop(reference), _answer(ray, reference))
                watch.look()
    finally:
        if ours:
            ray.shutdown()


def remote_cell(spec: BenchSpec, places: Places, cell: Cell, device: str) -> CellResult | str:
    """On a node: the cell's result, or why there is none. A failure is no exception, which Ray would wrap."""
    import torch

    from factory.contracts.progress import Silent

    torch.set_num_threads(1)
    try:
        return run_cell(Plan(spec, places, Silent()), cell, device)
    except Exception as error:
        return describe(error)[0]


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


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingToolError(f"--engine ray needs ray: {_INSTALL}") from error
    return ray


def _answer(ray: Any, reference: Any) -> CellResult | str:
    try:
        answer: CellResult | str = ray.get(reference)
        return answer
    except ray.exceptions.RayError as error:  # lost more often than it was placed anew
        return describe(error)[0]


def _write(plan: Plan, cell: Cell, answer: CellResult | str) -> None:
    if isinstance(answer, str):
        fail(plan, cell, answer)
    else:
        write_cell(answer, cell_file(plan, cell))
