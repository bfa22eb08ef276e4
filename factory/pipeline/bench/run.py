"""`factory bench`: train the cells that are not finished, then summarise what there is.

specification -> recipes -> windows and folds -> cells (tuning, teacher, student, test) -> rows -> tables
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from factory.contracts.bench import BenchSpec
from factory.contracts.bench_result import BenchSummary
from factory.contracts.errors import TrainingError
from factory.contracts.progress import Cancel, Progress, Silent, Task
from factory.devices.host import choose_device
from factory.pipeline.bench.local import Watch, run_here
from factory.pipeline.bench.plan import Cell, Places, Plan
from factory.pipeline.bench.store import cell_file, failure, finished, forget_failures, results, stored_results
from factory.pipeline.bench.write import PARQUET, read_parquet, write_results, write_tables
from factory.pipeline.cluster import Cluster


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchRequest:
    """What to run, where, and by what.

    Attributes:
        spec: The specification.
        places: Folders.
        device: Processor that trains: auto, cpu, cuda or mps.
        workers: Local processes, of one thread each.
        cluster: Of Ray, in place of local processes.
        progress: Told of each cell.
        cancel: Ends the run; finished cells are kept.
    """

    spec: BenchSpec
    places: Places
    device: str = "auto"
    workers: int = 1
    cluster: Cluster | None = None
    progress: Progress = field(default_factory=Silent)
    cancel: Cancel = field(default_factory=Cancel)


def bench(request: BenchRequest) -> BenchSummary:
    """Go on with a bench, or begin it; writes results.parquet, bench.json, table.md and the picture.

    Raises:
        RecipeError: A recipe or fold does not exist.
        TrainingError: Some cells could not be trained; all others are, and everything is written.
        ArtifactError: The file of a finished cell is damaged.
    """
    device = choose_device(request.device)
    plan = Plan(request.spec, request.places, request.progress)
    cells = plan.cells()
    forget_failures(plan)
    pending = _pending(plan, cells, device, request.progress)
    if pending:
        with request.progress.track(request.spec.name, len(cells), "cells") as bar:
            watch = _watch(plan, cells, pending, bar, request.progress, max(1, request.workers))
            if request.cluster is not None:
                from factory.pipeline.bench.on_ray import run_on_ray

                run_on_ray(plan, pending, device, request.cluster, request.cancel, watch)
            else:
                run_here(plan, cells, device, request.workers, request.cancel, watch)
    found = results(plan, cells, device)
    failed = [f"{cell}: {why}" for cell in cells if (why := failure(plan, cell)) is not None]
    if failed and not found:
        raise TrainingError(failed[0])
    summary = write_results(request.spec, request.places, found, len(cells))
    if failed:
        raise TrainingError(f"{len(failed)} of {len(cells)} cells could not be trained, the first is {failed[0]}")
    return summary


def show(spec: BenchSpec, places: Places) -> BenchSummary:
    """Summary and tables of what a folder holds: its cells, or where there are none its results.parquet.

    Raises:
        ArtifactError: Nothing is there, or a file is damaged.
    """
    if places.cells.is_dir():
        return write_results(spec, places, stored_results(places.cells), 0)
    return write_tables(spec, places.out, read_parquet(places.out / PARQUET), 0)


def _pending(plan: Plan, cells: Sequence[Cell], device: str, progress: Progress) -> list[Cell]:
    """What is to be trained; says how much of it was trained for another specification."""
    pending = [cell for cell in cells if finished(plan, cell, device) is None]
    stale = sum(cell_file(plan, cell).exists() for cell in pending)
    if stale:
        progress.say(f"{stale} finished cells are of another recipe, other data or tools: trained anew")
    progress.say(f"{len(cells) - len(pending)} of {len(cells)} cells are finished")
    return pending


def _watch(
    plan: Plan, cells: Sequence[Cell], pending: Sequence[Cell], bar: Task, progress: Progress, workers: int
) -> Watch:
    began, before = time.time(), len(cells) - len(pending)
    waiting = {cell.path: cell_file(plan, cell) for cell in pending}
    bar.advance(before)

    def look() -> int:
        for path, file in list(waiting.items()):
            if file.exists() and file.stat().st_mtime >= began - 1:
                del waiting[path]
                done = len(pending) - len(waiting)
                left = (time.time() - began) / done * len(waiting)
                bar.advance(note=f"about {duration(left)} left, last {path.removesuffix('.json')}")
        return len(pending) - len(waiting)

    return Watch(look, progress.say)


def duration(seconds: float) -> str:
    """As a person says it: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
