"""A bench's folder: which cells are done, and who works on which.

    cells/<data>/<method>/fold00-seed0.json   a finished cell, written at once
    locks/...                                 the claim of a cell, held by whoever works on it
    failed/...                                why a cell could not be trained, of the last run
    splits/, teachers/, tuned/                shared by cells
    running/                                  of cells under way

A claim is a lock of the system: it goes with the process that held it, however that ended.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from factory.contracts.bench_result import CellResult, read_cell
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write, storage_errors
from factory.pipeline.bench.cell import cell_key
from factory.pipeline.bench.plan import Cell, Plan


def cell_file(plan: Plan, cell: Cell) -> Path:
    """Where a cell's result is written."""
    return plan.places.cells / cell.path


def finished(plan: Plan, cell: Cell, device: str) -> CellResult | None:
    """The result of a cell of this very specification; None if it is to be trained, now or anew.

    Raises:
        ArtifactError: The file is damaged.
    """
    path = cell_file(plan, cell)
    if not path.exists():
        return None
    result = read_cell(path)
    return result if result.key == cell_key(plan, cell, device) else None


@contextmanager
def claimed(plan: Plan, cell: Cell) -> Iterator[bool]:
    """Whether the cell is this process's for as long as the block lasts; False if another works on it."""
    path = (plan.places.out / "locks" / cell.path).with_suffix(".lock")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
    try:
        yield True
    finally:
        lock.release()


def fail(plan: Plan, cell: Cell, reason: str) -> None:
    """Note why a cell could not be trained."""
    with atomic_write(_failure(plan, cell)) as temporary:
        temporary.write_text(reason, "utf-8")


def failure(plan: Plan, cell: Cell) -> str | None:
    """Why it could not be trained in this run."""
    path = _failure(plan, cell)
    return path.read_text("utf-8") if path.exists() else None


def forget_failures(plan: Plan) -> None:
    """A new run tries everything again."""
    shutil.rmtree(plan.places.out / "failed", ignore_errors=True)


def results(plan: Plan, cells: Sequence[Cell], device: str) -> list[CellResult]:
    """What is finished of these cells.

    Raises:
        ArtifactError: A file is damaged.
    """
    return [result for cell in cells if (result := finished(plan, cell, device)) is not None]


def stored_results(folder: Path) -> list[CellResult]:
    """Every finished cell below a folder, of whatever specification.

    Raises:
        ArtifactError: There is none, or a file is damaged.
    """
    found = [read_cell(path) for path in sorted(folder.rglob("fold*-seed*.json"))]
    if not found:
        raise ArtifactError(f"{folder} holds no finished cell: run factory bench without --table first")
    return found


def _failure(plan: Plan, cell: Cell) -> Path:
    return (plan.places.out / "failed" / cell.path).with_suffix(".txt")
