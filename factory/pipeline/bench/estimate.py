"""How long a bench will take: one epoch of each kind is timed, on the first fold, and multiplied."""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import Field

from factory.artifacts.store import content_key
from factory.contracts.base import Contract
from factory.contracts.bench import TREES
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.devices.host import choose_device
from factory.pipeline.bench.plan import Cell, Plan
from factory.pipeline.bench.run import BenchRequest, duration
from factory.pipeline.bench.splits import shared_split
from factory.pipeline.bench.store import finished
from factory.pipeline.bench.teachers import teacher_parts


class BenchEstimate(Contract):
    """What `--dry-run` says."""

    name: str
    cells: int
    finished: int
    students: int = Field(description="that cells still need; cells of trees have none")
    teachers: int = Field(description="that cells still need")
    draws: int = Field(description="of the tuning budget, that cells still need")
    cpu_s: float = Field(description="of all that is not finished, one thread each")
    workers: int

    def __str__(self) -> str:
        tuning = f", {self.draws} draws" if self.draws else ""
        return (
            f"{self.name}: {self.cells} cells, {self.finished} of them finished; to do: "
            f"{self.students} students, {self.teachers} teachers{tuning}; about "
            f"{duration(self.cpu_s / self.workers)} with {self.workers} worker{'s' * (self.workers > 1)}"
        )


def estimate(request: BenchRequest) -> BenchEstimate:
    """Time an epoch of teacher and student for each data set and method, and add up what is not finished.

    Trees, which take seconds, are left out.

    Raises:
        RecipeError: A recipe or fold does not exist.
        TrainingError: A cell could not be trained.
    """
    import torch

    device = choose_device(request.device)
    plan = Plan(request.spec, request.places, request.progress)
    cells = plan.cells()
    pending = [cell for cell in cells if finished(plan, cell, device) is None]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _estimate(plan, cells, pending, device, request)
    finally:
        torch.set_num_threads(threads)


def _estimate(
    plan: Plan, cells: Sequence[Cell], pending: Sequence[Cell], device: str, request: BenchRequest
) -> BenchEstimate:
    epochs: dict[tuple[str, str], tuple[float, float]] = {}
    teachers: dict[str, float] = {}
    draws: dict[tuple[str, str, int], float] = {}
    students = 0.0
    tuning = plan.spec.tuning
    trained = [cell for cell in pending if cell.method.name != TREES]
    with request.progress.track("timing", None, "methods") as bar:
        for cell in trained:
            recipe = plan.with_split(cell, plan.recipe(cell.arm, cell.method))
            kind = (cell.arm.label, cell.method.label)
            if kind not in epochs:
                epochs[kind] = _timed(plan, recipe, device)
                bar.advance(note=", ".join(kind))
            teacher_s, student_s = epochs[kind]
            train = recipe.train
            students += student_s * train.student_epochs
            if cell.method.taught:
                teachers[_teacher(plan, recipe)] = teacher_s * train.teacher_epochs * train.teachers
            if tuning is not None:
                each = student_s * (tuning.epochs or train.student_epochs)
                draws[*kind, cell.fold] = each * tuning.draws
    return BenchEstimate(
        name=plan.spec.name,
        cells=len(cells),
        finished=len(cells) - len(pending),
        students=len(trained),
        teachers=len(teachers),
        draws=len(draws) * (tuning.draws if tuning is not None else 0),
        cpu_s=round(students + sum(teachers.values()) + sum(draws.values()), 1),
        workers=max(1, request.workers),
    )


def _teacher(plan: Plan, recipe: Recipe) -> str:
    """What tells teachers apart without splitting people, which takes longer."""
    return content_key(
        {
            "parts": teacher_parts(recipe, plan.windows(recipe)),
            "split": recipe.split.model_dump(mode="json"),
        }
    )


def _timed(plan: Plan, recipe: Recipe, device: str) -> tuple[float, float]:
    """CPU seconds of one epoch of one teacher, and of one of the student."""
    from factory.training import train_student, train_teacher

    windows = plan.windows(recipe)
    split = shared_split(plan.places.splits, windows, recipe)
    train = recipe.train.model_copy(update={"teachers": 1, "teacher_epochs": 1, "student_epochs": 1, "int8_epochs": 0})
    short = recipe.model_copy(update={"train": train})
    with TemporaryDirectory() as folder:
        began = time.process_time()
        train_teacher(short, windows, split, Path(folder) / "teacher", device, Silent())
        between = time.process_time()
        train_student(short, windows, split, Path(folder) / "teacher", Path(folder) / "student", device, Silent())
        return between - began, time.process_time() - between
