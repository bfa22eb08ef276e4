"""The engine on one machine: processes that each claim the next free cell, and one that watches them.

Workers need no scheduler: they go through the same cells, each from another place on, and a claim keeps two from
training one. Several runs over the same folder, on machines that share it, work together in the same way.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess

from factory.contracts.bench import BenchSpec
from factory.contracts.bench_result import write_cell
from factory.contracts.errors import describe
from factory.contracts.progress import Cancel, Silent
from factory.pipeline.bench.cell import run_cell
from factory.pipeline.bench.plan import Cell, Places, Plan
from factory.pipeline.bench.store import cell_file, claimed, fail, failure, finished
from factory.pipeline.workers import Deaths, begin, end

_POLL_S = 0.5


def run_here(plan: Plan, cells: Sequence[Cell], device: str, workers: int, cancel: Cancel, told: "Watch") -> None:
    """Train what is not finished; returns when every cell is, or failed, or another run works on the rest.

    Args:
        plan: The specification.
        cells: All of it.
        device: torch's name.
        workers: Processes, of one thread each.
        cancel: Looked at twice a second; workers then end.
        told: Of every cell that is done.

    Raises:
        TrainingError: Workers die again and again.
    """
    context = multiprocessing.get_context("spawn")

    def start(first: int) -> BaseProcess:
        process = context.Process(target=_work, args=(plan.spec, plan.places, device, first, os.getpid()), daemon=True)
        process.start()
        return process

    offsets = [len(cells) * number // workers for number in range(workers)]
    team = {offset: start(offset) for offset in dict.fromkeys(offsets)}
    deaths, done = Deaths(told.say, "cell"), told.look()
    try:
        while team:
            time.sleep(_POLL_S)
            cancel.raise_if_set()
            if (now := told.look()) != done:
                done = now
                deaths.forget()
            for offset, process in list(team.items()):
                if process.is_alive():
                    continue
                del team[offset]
                if process.exitcode == 0:
                    continue
                deaths.count(process)
                team[offset] = start(offset)
    finally:
        end(team.values())
    told.look()


class Watch:
    """Counts finished cells for a bar; a cell that is done stays done."""

    def __init__(self, look: Callable[[], int], say: Callable[[str], None]) -> None:
        self.look = look
        self.say = say


def _work(spec: BenchSpec, places: Places, device: str, first: int, parent: int) -> None:
    """A worker process."""
    begin()
    plan = Plan(spec, places, Silent())
    cells = plan.cells()
    ordered = [*cells[first:], *cells[:first]]
    while work_through(plan, ordered, device, lambda: os.getppid() != parent):
        pass


def work_through(plan: Plan, cells: Sequence[Cell], device: str, stop: Callable[[], bool]) -> int:
    """Train every cell that is free, in this order; returns how many that were."""
    trained = 0
    for cell in cells:
        if stop():
            return 0
        if failure(plan, cell) is None and finished(plan, cell, device) is None:
            trained += _claim_and_train(plan, cell, device)
    return trained


def _claim_and_train(plan: Plan, cell: Cell, device: str) -> bool:
    with claimed(plan, cell) as mine:
        if not mine or finished(plan, cell, device) is not None:
            return False
        try:
            write_cell(run_cell(plan, cell, device), cell_file(plan, cell))
        except Exception as error:  # one cell's failure is told at the end; the others go on
            fail(plan, cell, describe(error)[0])
        return True
