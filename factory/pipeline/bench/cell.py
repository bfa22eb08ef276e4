"""One cell: prepare, tune, train, answer the test people once. Nothing before the last step looks at them."""

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from factory.artifacts.store import content_key
from factory.contracts.bench import TREES, LeadUse
from factory.contracts.bench_result import CLEAN, CellResult, PersonResult
from factory.contracts.code import code_hash
from factory.contracts.dataset import Floats, Ints, Split, WindowSet
from factory.contracts.manifest import NetworkCost
from factory.contracts.network import Lead
from factory.contracts.progress import Progress, Silent
from factory.contracts.recipe import Recipe
from factory.contracts.scores import confusion, macro_f1
from factory.data.splits import require_trainable
from factory.data.stress import stressed
from factory.devices.host import machine
from factory.pipeline.bench.plan import Cell, Plan
from factory.pipeline.bench.splits import shared_split
from factory.pipeline.bench.teachers import shared_teacher, stand_in
from factory.pipeline.bench.tuning import Tuned, draws_of, short_recipe, tuned
from factory.pipeline.provenance import versions
from factory.pipeline.stages import can_judge_lead


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """One cell under way."""

    plan: Plan
    cell: Cell
    windows: WindowSet
    device: str

    @property
    def teachers(self) -> Path:
        return self.plan.places.out / "teachers"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trained:
    """A student or trees, and what they took.

    Attributes:
        answer: (N, C, T) windows in SI units to (N,) classes.
        cost: Of the student; None of trees.
        cpu_s: Of the fit.
        teacher_cpu_s: Of the teacher and its lead.
        lead_pp: The lead, where it was measured.
        distilled: False where the lead decided for cross-entropy.
    """

    answer: Callable[[Floats], Ints]
    cost: NetworkCost | None
    cpu_s: float
    teacher_cpu_s: float = 0.0
    lead_pp: float | None = None
    distilled: bool = True


def cell_key(plan: Plan, cell: Cell, device: str) -> str:
    """SHA-256 of everything that decides a cell's result, the code apart."""
    recipe = plan.with_split(cell, plan.recipe(cell.arm, cell.method))
    windows, spec = plan.windows(recipe), plan.spec
    return content_key(
        {
            "recipe": recipe.model_dump(mode="json", exclude={"name", "summary", "export", "verify", "rejection"}),
            "windows": windows.digest,
            "method": cell.method.model_dump(mode="json", exclude={"changes"}),
            "tuning": spec.tuning.model_dump(mode="json") if spec.tuning is not None else None,
            "tuned_seed": spec.seeds[0] if spec.tuning is not None else None,
            "stress": sorted(spec.protocol.stress),
            "device": device,
            "tools": versions("torch", "numpy"),
        }
    )


def bench_code() -> str:
    """Hash of the code whose change may change a result: rows of different code are told, not thrown away."""
    return code_hash(run_cell, __name__, "factory.training", "factory.data.stress", "factory.verification.baseline")


def run_cell(plan: Plan, cell: Cell, device: str, progress: Progress | None = None) -> CellResult:
    """Train and measure one cell.

    Raises:
        DataError: The people cannot be split so.
        TrainingError: The loss diverged, or there is less than a batch of windows.
    """
    began, told = time.perf_counter(), progress or Silent()
    recipe = plan.with_split(cell, plan.recipe(cell.arm, cell.method))
    bench = _Bench(plan=plan, cell=cell, windows=plan.windows(recipe), device=device)
    found = _tune(bench)
    values = found.chosen if found is not None else {}
    recipe = plan.with_split(cell, plan.recipe(cell.arm, cell.method, values))
    split = shared_split(plan.places.splits, bench.windows, recipe)
    require_trainable(bench.windows, split, recipe)
    folder = plan.places.out / "running" / Path(cell.path).with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    if cell.method.name == TREES:
        trained = _fit_trees(bench, recipe, split)
    else:
        trained = _train(bench, recipe, split, folder, cell.method.lead, told)
        shutil.rmtree(folder)
    return CellResult(
        key=cell_key(plan, cell, device),
        data=cell.arm.label,
        fold=cell.fold,
        seed=cell.seed,
        method=cell.method.label,
        recipe=recipe,
        tuned=values,
        train_people=_names(bench.windows, np.concatenate([split.train, split.validation])),
        test_windows=_which(bench.windows, split),
        people=_measure(bench, trained.answer, split),
        student=trained.cost,
        lead_pp=trained.lead_pp,
        distilled=trained.distilled,
        cpu_s=round(trained.cpu_s, 3),
        teacher_cpu_s=round(trained.teacher_cpu_s, 3),
        tuning_cpu_s=round(found.cpu_s, 3) if found is not None else 0.0,
        wall_s=round(time.perf_counter() - began, 3),
        code=bench_code(),
        machine=machine(),
    )


def _train(bench: _Bench, recipe: Recipe, split: Split, folder: Path, lead: LeadUse, progress: Progress) -> _Trained:
    from factory.models import load_network
    from factory.models.cost import network_cost
    from factory.training import predict, train_student

    method, windows, device = bench.cell.method, bench.windows, bench.device
    taught = recipe if method.taught else stand_in(recipe)
    ahead, lead_cpu_s = _lead(recipe, windows, split, folder / "lead", device) if lead != "none" else (None, 0.0)
    decides = lead == "decide" and can_judge_lead(recipe, windows, split)
    if decides and ahead is not None:
        recipe = ahead.followed(recipe)
    teacher, teacher_cpu_s = shared_teacher(bench.teachers, taught, windows, split, device, progress)
    began = time.process_time()
    train_student(recipe, windows, split, teacher, folder / "student", device, progress)
    network = load_network(folder / "student")
    return _Trained(
        answer=lambda x: predict(network, x, device).argmax(axis=1),
        cost=network_cost(network),
        cpu_s=time.process_time() - began,
        teacher_cpu_s=(teacher_cpu_s if method.taught else 0.0) + lead_cpu_s,
        lead_pp=None if ahead is None else round(ahead.pp, 3),
        distilled=not decides or ahead is None or ahead.distils,
    )


def _fit_trees(bench: _Bench, recipe: Recipe, split: Split) -> _Trained:
    from factory.verification.baseline import fit_trees

    began = time.process_time()
    fitted = fit_trees(bench.windows, split, recipe.seed)
    return _Trained(answer=lambda x: fitted.logits(x).argmax(axis=1), cost=None, cpu_s=time.process_time() - began)


def _lead(recipe: Recipe, windows: WindowSet, split: Split, folder: Path, device: str) -> tuple[Lead, float]:
    """The lead, and CPU seconds."""
    from factory.training.lead import measure_lead

    began = time.process_time()
    lead = measure_lead(recipe, windows, split, folder, device, Silent())
    return lead, time.process_time() - began


def _tune(bench: _Bench) -> Tuned | None:
    """The method's draws on this fold, made with the first seed."""
    plan, cell, tuning = bench.plan, bench.cell, bench.plan.spec.tuning
    if tuning is None:
        return None
    first = Cell(arm=cell.arm, method=cell.method, fold=cell.fold, seed=plan.spec.seeds[0])

    def score(values: dict[str, Any], folder: Path) -> float:
        recipe = short_recipe(plan.with_split(first, plan.recipe(cell.arm, cell.method, values)), tuning.epochs)
        split = shared_split(plan.places.splits, bench.windows, recipe)
        trained = _train(bench, recipe, split, folder, "none", Silent())
        y, classes = bench.windows.y[split.validation], len(bench.windows.spec.labels)
        return macro_f1(confusion(y, trained.answer(bench.windows.x[split.validation]), classes))

    path = plan.places.out / "tuned" / f"{cell_key(plan, first, bench.device)}.json"
    salt = f"{cell.method.label}/{cell.arm.label}/{cell.fold}"
    return tuned(path, draws_of(tuning.draws, plan.spec.tunable(cell.method), salt), score)


def _measure(bench: _Bench, answer: Callable[[Floats], Ints], split: Split) -> tuple[PersonResult, ...]:
    """Counts of every test person, of the windows as they are and under each stress."""
    windows, stress = bench.windows, bench.plan.spec.protocol.stress
    x = np.ascontiguousarray(windows.x[split.test])
    shown: dict[str, Floats] = {CLEAN: x}
    for name in stress:
        if (changed := stressed(x, windows.spec, name, bench.cell.fold)) is not None:
            shown[name] = changed
    found = []
    for condition, seen in shown.items():
        found += _by_person(windows, split, answer(seen), condition)
    return tuple(found)


def _by_person(windows: WindowSet, split: Split, answers: np.ndarray[Any, Any], condition: str) -> list[PersonResult]:
    people, y, classes = windows.subject[split.test], windows.y[split.test], len(windows.spec.labels)
    found = []
    for name in _names(windows, split.test):
        own = people == name
        counts = confusion(y[own], answers[own], classes).tolist()
        found.append(PersonResult(person=name, condition=condition, confusion=tuple(map(tuple, counts))))
    return found


def _names(windows: WindowSet, rows: np.ndarray[Any, Any]) -> tuple[str, ...]:
    return tuple(sorted(set(windows.subject[rows].tolist())))


def _which(windows: WindowSet, split: Split) -> str:
    """Which windows test, and their labels."""
    parts = (windows.subject, windows.recording, windows.start, windows.y)
    text = "\n".join(",".join(map(str, part[split.test].tolist())) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()
