"""The engine on a Ray cluster: a cell is a task, with its share of processors.

Nodes need this package and, under the same paths, the recordings and the bench's folder. Where the folder is shared,
teachers are trained once; where it is each node's own, once a node. Results come back to the process that asked, which
writes them.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from factory.contracts.bench import BenchSpec
from factory.contracts.bench_result import CellResult, write_cell
from factory.contracts.errors import FactoryError
from factory.contracts.progress import Cancel
from factory.pipeline.bench.cell import run_cell
from factory.pipeline.bench.local import Watch
from factory.pipeline.bench.plan import Cell, Places, Plan
from factory.pipeline.bench.store import cell_file, claimed, fail
from factory.pipeline.cluster import Cluster, as_they_come, joined, task_of
from factory.pipeline.workers import as_failure


def run_on_ray(
    plan: Plan, pending: Sequence[Cell], device: str, cluster: Cluster, cancel: Cancel, watch: Watch
) -> None:
    """Train cells on a cluster; each result is written when it comes.

    Args:
        plan: The specification.
        pending: Cells that are not finished; those that another run works on are left to it.
        device: torch's name.
        cluster: Address, and a cell's shares of processors.
        cancel: Ends the run.
        watch: Told of every cell that is done.

    Raises:
        MissingToolError: Ray is not installed, or did not start.
        Cancelled: `cancel` was set.
    """
    with joined(cluster.address) as ray, ExitStack() as held:
        task = task_of(ray, remote_cell, cluster)
        cells = [cell for cell in pending if held.enter_context(claimed(plan, cell))]
        running = {task.remote(plan.spec, plan.places, cell, device): cell for cell in cells}
        for cell, answer in as_they_come(ray, running, cancel):
            if isinstance(answer, FactoryError):
                fail(plan, cell, str(answer))
            else:
                write_cell(answer, cell_file(plan, cell))
            watch.look()


def remote_cell(spec: BenchSpec, places: Places, cell: Cell, device: str) -> CellResult | FactoryError:
    """On a node: the cell's result, or why there is none, returned since Ray would wrap what is raised."""
    import torch

    from factory.contracts.progress import Silent

    torch.set_num_threads(1)
    try:
        return run_cell(Plan(spec, places, Silent()), cell, device)
    except Exception as error:
        return as_failure(error)
