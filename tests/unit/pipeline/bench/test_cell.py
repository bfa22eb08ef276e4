"""Cells that are really trained, on tiny windows: what they hold, share, claim and leave behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.contracts.bench_result import CLEAN, read_cell, write_cell
from factory.contracts.dataset import Split, WindowSet
from factory.contracts.errors import ArtifactError, LeakageError
from factory.contracts.network import Lead
from factory.contracts.scores import macro_f1
from factory.pipeline import stages
from factory.pipeline.bench import cell as cells_module
from factory.pipeline.bench import splits as splits_module
from factory.pipeline.bench import teachers as teachers_module
from factory.pipeline.bench.cell import cell_key, run_cell
from factory.pipeline.bench.local import work_through
from factory.pipeline.bench.plan import Cell, Plan
from factory.pipeline.bench.splits import require_apart, shared_split
from factory.pipeline.bench.statistics import records_of
from factory.pipeline.bench.store import cell_file, claimed, failure, finished, results
from factory.pipeline.bench.tuning import Draw, Tuned, draws_of, short_recipe
from factory.pipeline.bench.write import read_parquet, write_parquet
from tests.fakes import tiny_split, tiny_windows
from tests.unit.pipeline.bench.conftest import MakePlan


def go_on() -> bool:
    """Nobody asks to stop."""
    return False


def of(plan: Plan, method: str, fold: int = 0, seed: int = 0) -> Cell:
    return next(c for c in plan.cells() if (c.method.label, c.fold, c.seed) == (method, fold, seed))


def test_a_cell_holds_its_test_people_and_what_it_took(make_plan: MakePlan) -> None:
    plan = make_plan(protocol={"kind": "groups", "groups": 3, "stress": ["noise", "units"]})
    result = run_cell(plan, of(plan, "smldist"), "cpu")
    conditions = {person.condition for person in result.people}
    assert conditions == {CLEAN, "noise", "units"}
    people = {person.person for person in result.people}
    assert people == set(result.recipe.split.test_subjects)
    assert not people & set(result.train_people)
    assert sum(sum(map(sum, person.confusion)) for person in result.people if person.condition == CLEAN) == 2 * 3 * 12
    assert result.cpu_s > 0
    assert result.teacher_cpu_s > 0
    assert result.student is not None
    assert result.student.parameters > 0
    assert not any((plan.places.out / "running").rglob("*.safetensors"))


def test_the_control_pays_for_no_teacher(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(common={"train.teacher_epochs": 4})
    trained = count_calls(monkeypatch)
    assert run_cell(plan, of(plan, "cross_entropy"), "cpu").teacher_cpu_s == 0
    assert trained == [1], "one epoch, that names the head"


def test_trees_answer_the_same_windows_without_a_student(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = [{"label": "cross_entropy"}, {"label": "trees"}]
    plan = make_plan(methods=methods, protocol={"kind": "groups", "groups": 3, "stress": ["units"]})
    trained = count_calls(monkeypatch)
    student, trees = (run_cell(plan, of(plan, name), "cpu") for name in ("cross_entropy", "trees"))
    assert trained == [1], "the student's stand-in alone"
    assert trees.student is None
    assert (trees.teacher_cpu_s, trees.test_windows) == (0, student.test_windows)
    assert [(p.person, p.condition) for p in trees.people] == [(p.person, p.condition) for p in student.people]
    assert macro_f1(np.sum([p.confusion for p in trees.people if p.condition == CLEAN], axis=0)) > 0.9
    assert cell_key(plan, of(plan, "trees"), "cpu") != cell_key(plan, of(plan, "cross_entropy"), "cpu")
    assert {row.parameters for row in records_of([trees])} == {0}


def test_cells_of_the_same_teacher_train_it_once(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    methods: list[dict[str, Any]] = [{"label": "cross_entropy"}, {"label": "smldist"}]
    methods += [{"label": "cool", "method": "smldist", "changes": {"distill.temperature": 1.0}}]
    methods += [{"label": "short", "method": "smldist", "changes": {"train.teacher_epochs": 2}}]
    plan = make_plan(methods=methods)
    trained = count_calls(monkeypatch)
    first, second, other = (run_cell(plan, of(plan, name), "cpu") for name in ("smldist", "cool", "short"))
    assert trained == [1, 2], "epochs of the teachers that were trained"
    assert first.teacher_cpu_s == second.teacher_cpu_s
    assert first.people != second.people or first.cpu_s != second.cpu_s
    assert other.teacher_cpu_s > 0
    run_cell(plan, of(plan, "smldist", fold=1), "cpu")
    assert trained == [1, 2, 1], "another fold has another teacher"


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    import factory.training as training

    trained: list[int] = []
    real = training.train_teacher

    def counted(recipe: Any, *rest: Any, **more: Any) -> Any:
        trained.append(recipe.train.teacher_epochs)
        return real(recipe, *rest, **more)

    monkeypatch.setattr(training, "train_teacher", counted)
    return trained


def test_a_teacher_without_its_last_file_is_trained_anew(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan()
    run_cell(plan, of(plan, "smldist"), "cpu")
    (cost,) = (plan.places.out / "teachers").glob("*/cost.json")
    cost.unlink()
    trained = count_calls(monkeypatch)
    run_cell(plan, of(plan, "smldist"), "cpu")
    assert trained == [1]
    assert cost.exists()


def test_a_split_is_made_once_and_looked_at_again(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan()
    recipe = plan.with_split(of(plan, "smldist"), plan.recipe(plan.arms[0], plan.spec.methods[0]))
    windows, folder = plan.windows(recipe), plan.places.splits
    made = shared_split(folder, windows, recipe)
    monkeypatch.setattr(splits_module, "make_split", None)
    np.testing.assert_array_equal(shared_split(folder, windows, recipe).test, made.test)
    (path,) = folder.glob("*.npz")
    np.savez(path, train=made.train, validation=made.validation, test=made.train[:9], unlabelled=made.unlabelled)
    with pytest.raises(LeakageError, match="stands in test and in train"):
        shared_split(folder, windows, recipe)


@pytest.mark.parametrize("part", ["train", "validation", "unlabelled"])
def test_a_test_person_in_another_part_is_refused(part: str) -> None:
    windows = tiny_windows()
    split: Split = tiny_split(windows)
    require_apart(windows, split)
    with pytest.raises(LeakageError, match=f"s5, s6 stands in test and in {part}"):
        require_apart(windows, replace(split, **{part: split.test}))


def test_a_finished_cell_is_not_trained_again(make_plan: MakePlan) -> None:
    plan = make_plan(methods=[{"label": "cross_entropy"}])
    cells = plan.cells()
    assert work_through(plan, cells, "cpu", go_on) == 3
    before = [cell_file(plan, cell).stat().st_mtime_ns for cell in cells]
    assert work_through(plan, cells, "cpu", go_on) == 0
    assert [cell_file(plan, cell).stat().st_mtime_ns for cell in cells] == before


@pytest.mark.parametrize(
    "change",
    [
        {"common": {"train": {"lr": 0.123}}},
        {"methods": [{"label": "cross_entropy", "changes": {"train.weight_decay": 0.5}}]},
        {"protocol": {"kind": "groups", "groups": 2}},
        {"protocol": {"kind": "groups", "groups": 3, "stress": ["noise"]}},
        {"tuning": {"draws": 2, "values": {"train.lr": [0.01, 0.02]}}},
    ],
)
def test_a_cell_of_another_specification_is_not_finished(make_plan: MakePlan, change: dict[str, Any]) -> None:
    methods = {"methods": [{"label": "cross_entropy"}]}
    plan, other = make_plan(**methods), make_plan(**methods | change)
    assert cell_key(plan, plan.cells()[0], "cpu") != cell_key(other, other.cells()[0], "cpu")


def test_other_recordings_make_other_cells(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan()
    key = cell_key(plan, plan.cells()[0], "cpu")
    other = make_plan()
    monkeypatch.setattr(other, "windows", lambda recipe: replace(tiny_windows(), digest="other"))
    assert cell_key(other, other.cells()[0], "cpu") != key


@pytest.mark.parametrize("damage", ["cut", "figure", "empty"])
def test_a_damaged_cell_is_refused(make_plan: MakePlan, damage: str) -> None:
    plan = make_plan(methods=[{"label": "cross_entropy"}])
    cell = plan.cells()[0]
    path = cell_file(plan, cell)
    write_cell(run_cell(plan, cell, "cpu"), path)
    text = path.read_text()
    changed = text.replace('"cpu_s":', '"cpu_s":1', 1)
    path.write_text({"cut": text[:200], "figure": changed, "empty": ""}[damage])
    with pytest.raises(ArtifactError, match="delete it, and it is trained again"):
        finished(plan, cell, "cpu")
    path.unlink()
    assert finished(plan, cell, "cpu") is None


def test_the_same_cell_gives_the_same_figures(make_plan: MakePlan) -> None:
    plan = make_plan()
    cell = of(plan, "smldist")
    assert run_cell(plan, cell, "cpu").people == run_cell(plan, cell, "cpu").people


def test_records_survive_parquet(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(methods=[{"label": "cross_entropy"}])
    records = records_of([run_cell(plan, plan.cells()[0], "cpu")])
    write_parquet(records, tmp_path / "r.parquet")
    assert read_parquet(tmp_path / "r.parquet") == records
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match="holds no results of a bench"):
        read_parquet(tmp_path / "r.parquet")


def test_a_folds_score_is_of_all_its_windows(make_plan: MakePlan) -> None:
    plan = make_plan(methods=[{"label": "cross_entropy"}])
    result = run_cell(plan, plan.cells()[0], "cpu")
    together = np.sum([np.array(person.confusion) for person in result.people], axis=0)
    assert {record.fold_macro_f1 for record in records_of([result])} == {macro_f1(together)}


def test_a_cell_that_fails_is_told_and_the_others_go_on(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    from factory.pipeline.bench import local

    plan = make_plan(methods=[{"label": "cross_entropy"}])

    def refuses(plan: Plan, cell: Cell, device: str) -> Any:
        if cell.fold == 1:
            raise ValueError("no such layer")
        return run_cell(plan, cell, device)

    monkeypatch.setattr(local, "run_cell", refuses)
    cells = plan.cells()
    work_through(plan, cells, "cpu", go_on)
    assert [failure(plan, cell) is None for cell in cells] == [True, False, True]
    assert "no such layer" in str(failure(plan, cells[1]))
    assert work_through(plan, cells, "cpu", go_on) == 0, "not again in this run"


def test_a_cell_is_claimed_by_one_at_a_time(make_plan: MakePlan) -> None:
    plan = make_plan()
    one, two = plan.cells()[:2]
    with claimed(plan, one) as mine, claimed(plan, one) as again, claimed(plan, two) as other:
        assert (mine, again, other) == (True, False, True)
    with claimed(plan, one) as mine:
        assert mine


_RUNNER = """
import sys, time
from pathlib import Path
import torch
from factory.contracts.bench import load_bench
from factory.contracts.progress import Silent
from factory.pipeline.bench import local, plan as planning
from factory.pipeline.bench.plan import Places, Plan
from tests.fakes import tiny_windows

torch.set_num_threads(1)
planning.prepare = lambda *_, **__: tiny_windows()
plan = Plan(load_bench(Path(sys.argv[1])), Places(out=Path(sys.argv[2]), data=None, cache=Path()), Silent())
real, done = local.run_cell, []

def hangs(plan, cell, device):
    if done:
        print(cell.path, flush=True)
        time.sleep(600)
    done.append(cell)
    return real(plan, cell, device)

local.run_cell = hangs
local.work_through(plan, plan.cells(), "cpu", lambda: False)
"""


def test_a_killed_runner_loses_its_cell_alone_and_holds_nobody_up(
    make_plan: MakePlan, recipe_file: Path, tmp_path: Path
) -> None:
    """Another runner works beside it, leaves its cell alone while it lives, and takes it over once it is dead."""
    methods = [{"label": "cross_entropy"}]
    plan = make_plan(methods=methods, seeds=[0, 1])
    spec = tmp_path / "spec.toml"
    spec.write_text(
        'name = "tiny"\nsummary = "three synthetic motions"\nseeds = [0, 1]\n'
        f'data = [{{label = "motions", recipe = "{recipe_file.name}"}}]\nmethods = [{{label = "cross_entropy"}}]\n'
        '[protocol]\nkind = "groups"\ngroups = 3\n'
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, str(spec), str(plan.places.out)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert runner.stdout is not None
        hanging = runner.stdout.readline().strip()
        cells = plan.cells()
        assert hanging == cells[1].path
        first = cell_file(plan, cells[0])
        written = first.stat().st_mtime_ns
        assert work_through(plan, cells, "cpu", go_on) == 4, "all but the finished one and the claimed one"
        assert not cell_file(plan, cells[1]).exists()
    finally:
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        if runner.stdout is not None:
            runner.stdout.close()
    assert wait_until(lambda: work_through(plan, cells, "cpu", go_on) == 1)
    assert len(results(plan, cells, "cpu")) == 6
    assert first.stat().st_mtime_ns == written


def wait_until(true: Callable[[], bool]) -> bool:
    """The system needs a moment to free a dead process's lock."""
    for _ in range(50):
        if true():
            return True
        time.sleep(0.2)
    return False


def test_draws_are_equally_many_different_and_begin_with_the_recipe(make_spec: Callable[..., Any]) -> None:
    values = {"train.lr": [0.001, 0.003, 0.01]}
    methods = [{"label": "cross_entropy"}, {"label": "smldist", "tune": {"distill.temperature": [1.0, 2.0, 4.0]}}]
    spec = make_spec(tuning={"draws": 4, "values": values}, methods=methods)
    for method in spec.methods:
        draws = draws_of(4, spec.tunable(method), "motions/0")
        assert len(draws) == 4
        assert draws[0] == {}
        assert len({str(draw) for draw in draws}) == 4
        assert draws == draws_of(4, spec.tunable(method), "motions/0")
    tunable = spec.tunable(spec.methods[1])
    assert set(tunable) == {"train.lr", "distill.temperature"}
    assert draws_of(4, tunable, "a") != draws_of(4, tunable, "b")


def test_those_who_judge_draws_train_none(make_plan: MakePlan) -> None:
    plan = make_plan()
    recipe = plan.recipe(plan.arms[0], plan.spec.methods[0])
    assert recipe.train.refit
    assert not short_recipe(recipe, None).train.refit
    assert [short_recipe(recipe, epochs).train.student_epochs for epochs in (None, 7)] == [1, 7]


def test_the_best_draw_on_validation_people_is_chosen_and_the_earlier_one_of_two() -> None:
    draws = (Draw(values={}, macro_f1=0.5), Draw(values={"a": 1}, macro_f1=0.7), Draw(values={"a": 2}, macro_f1=0.7))
    assert Tuned(draws=draws, cpu_s=0).chosen == {"a": 1}


def test_tuning_never_shows_test_people_and_is_shared_by_seeds(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    import factory.training as training

    plan = make_plan(
        methods=[{"label": "cross_entropy"}],
        tuning={"draws": 3, "values": {"train.lr": [0.001, 0.02]}},
        seeds=[0, 1],
        protocol={"kind": "groups", "groups": 3, "folds": [0]},
    )
    shown: list[WindowSet | np.ndarray[Any, Any]] = []
    real = training.predict

    def seen(network: Any, x: Any, device: str = "cpu") -> Any:
        shown.append(np.asarray(x))
        return real(network, x, device)

    for place in (training, sys.modules["factory.training.predict"]):
        monkeypatch.setattr(place, "predict", seen)
    first, second = (run_cell(plan, cell, "cpu") for cell in plan.cells())
    windows = tiny_windows()
    test = windows.x[np.isin(windows.subject, first.recipe.split.test_subjects)]
    assert len(shown) == 3 + 2, "each draw once, and one test a cell"
    assert [contains(x, test) for x in shown] == [False, False, False, True, True]
    assert first.tuned == second.tuned
    assert first.tuning_cpu_s == second.tuning_cpu_s > 0
    for cell, result in zip(plan.cells(), (first, second), strict=True):
        write_cell(result, cell_file(plan, cell))
        assert finished(plan, cell, "cpu") == read_cell(cell_file(plan, cell))


def contains(x: Any, others: Any) -> bool:
    """Whether a window of the others is among these."""
    known = {window.tobytes() for window in np.ascontiguousarray(others)}
    return any(window.tobytes() in known for window in np.ascontiguousarray(x))


def leads(monkeypatch: pytest.MonkeyPatch, pp: float, judges: Sequence[str]) -> None:
    """The lead is given, and these people judge it."""
    lead = Lead(teacher=0.5 + pp / 100, control=0.5, people=1, windows=1, epochs=1, seconds=0.0)
    monkeypatch.setattr(cells_module, "_lead", lambda *_: (lead, 1.5))
    monkeypatch.setattr(stages, "LEAST_JUDGES", len(judges))


@pytest.mark.parametrize(
    ("use", "pp", "judges", "distilled"),
    [
        ("measure", -5.0, "a", True),
        ("decide", -5.0, "a", False),
        ("decide", 5.0, "a", True),
        ("decide", -5.0, "abc", True),
    ],
)
def test_a_lead_decides_only_where_it_is_asked_to_and_enough_people_judge(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, use: str, pp: float, judges: str, distilled: bool
) -> None:
    plan = make_plan(methods=[{"label": "cross_entropy"}, {"label": "smldist", "lead": use}])
    leads(monkeypatch, pp, judges)
    result = run_cell(plan, of(plan, "smldist"), "cpu")
    assert (result.lead_pp, result.distilled) == (pp, distilled)
    assert result.recipe.distill.method == "smldist"
    assert result.teacher_cpu_s > 1.5


def test_teachers_of_other_windows_or_people_are_others(make_plan: MakePlan) -> None:
    plan = make_plan()
    recipe = plan.with_split(of(plan, "smldist"), plan.recipe(plan.arms[0], plan.spec.methods[1]))
    windows = tiny_windows()
    split = tiny_split(windows)
    key = teachers_module.teacher_key(recipe, windows, split, "cpu")
    fewer = replace(split, train=split.train[windows.subject[split.train] != "s1"])
    students = recipe.model_copy(update={"train": recipe.train.model_copy(update={"student_epochs": 9})})
    assert teachers_module.teacher_key(recipe, windows, fewer, "cpu") != key
    assert teachers_module.teacher_key(recipe, replace(windows, digest="x"), split, "cpu") != key
    assert teachers_module.teacher_key(recipe.model_copy(update={"seed": 3}), windows, split, "cpu") != key
    assert teachers_module.teacher_key(students, windows, split, "cpu") == key
