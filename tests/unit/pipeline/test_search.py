"""The search over layouts, on real networks of a few hundred parameters that are really trained."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from factory.artifacts.store import open_store
from factory.contracts.dataset import WindowSet
from factory.contracts.errors import ArtifactError, MissingToolError, RecipeError, StorageError
from factory.contracts.progress import Progress, Silent
from factory.contracts.recipe import Recipe
from factory.contracts.search import Bounds, SearchPlan, SearchResult
from factory.pipeline.layouts.study import DATABASE, Study
from factory.pipeline.request import BuildRequest, Run
from factory.pipeline.search import pareto, search, search_run
from factory.recipes import find_recipe
from tests.fakes import tiny_recipe, tiny_split, tiny_windows

pytest.importorskip("optuna", reason="needs optuna: pip install 'smldist-factory[search]'")
BOUND = 90_000
PLAN = SearchPlan(bounds=Bounds(max_instructions={"cortex-a76": BOUND}), trials=2, epochs=4)
"""Of so few epochs that scores differ."""
RECIPE = tiny_recipe(method="cross_entropy")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # so small a network only waits for a second thread


def run_in(
    folder: Path,
    plan: SearchPlan = PLAN,
    recipe: Recipe = RECIPE,
    windows: WindowSet | None = None,
    progress: Progress | None = None,
) -> SearchResult:
    """A search of the tiny windows; no device is set up in its cache."""
    told = progress or Silent()
    request = BuildRequest(recipe=recipe, build=folder / "search", cache=folder / "cache", device="cpu", progress=told)
    with open_store(request.build, told) as store:
        run = Run(request, store)
        run.windows = windows if windows is not None else tiny_windows()
        run.split = tiny_split(run.windows)
        return search_run(run, plan)


def found(result: SearchResult) -> list[tuple[object, float]]:
    """What a search decided by: each candidate and its score."""
    return [(candidate.student, candidate.macro_f1) for candidate in result.candidates]


class Said(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SearchResult]:
    """Four candidates without interruption, in the folder; not to be changed."""
    folder = tmp_path_factory.mktemp("straight")
    return folder, run_in(folder, PLAN.model_copy(update={"trials": 4}))


def test_only_layouts_within_the_bound_are_trained(straight: tuple[Path, SearchResult]) -> None:
    _, result = straight
    assert [candidate.number for candidate in result.candidates] == [0, 1, 2, 3, 4]
    assert all(candidate.within for candidate in result.candidates[1:])
    assert all(candidate.cost.instructions["cortex-a76"] <= BOUND for candidate in result.candidates[1:])
    assert result.rejected > 0
    students = [candidate.student for candidate in result.candidates[1:]]
    assert len(set(students)) == len(students)


def test_the_winner_is_a_recipe_that_loads_and_holds_the_bound(straight: tuple[Path, SearchResult]) -> None:
    folder, result = straight
    recipe = find_recipe(folder / "search" / "recipe.toml")
    winner = result.candidate(result.winner)
    assert winner.within
    assert winner.macro_f1 == max(candidate.macro_f1 for candidate in result.candidates if candidate.within)
    assert recipe.model.student == winner.student
    assert recipe.model.teacher == RECIPE.model.teacher
    assert recipe.train == RECIPE.train, "the short schedule is the search's alone"
    assert recipe.export.max_instructions == {"cortex-a76": BOUND}
    assert recipe.name == "tiny_searched"


def test_result_and_picture_are_written(straight: tuple[Path, SearchResult]) -> None:
    folder, result = straight
    assert SearchResult.model_validate_json((folder / "search" / "search.json").read_bytes()) == result
    assert (folder / "search" / "pareto.png").read_bytes().startswith(b"\x89PNG")
    assert result.note.startswith("not counted: ")
    assert result.candidate(result.winner).counted is None


def test_test_people_decide_nothing(straight: tuple[Path, SearchResult], tmp_path: Path) -> None:
    windows = tiny_windows()
    x, y, test = windows.x.copy(), windows.y.copy(), tiny_split(windows).test
    x[test] = 1e6
    y[test] = 0
    spoiled = run_in(tmp_path, PLAN.model_copy(update={"trials": 4}), windows=replace(windows, x=x, y=y))
    assert found(spoiled) == found(straight[1])
    assert spoiled.winner == straight[1].winner


def test_validation_people_decide(straight: tuple[Path, SearchResult], tmp_path: Path) -> None:
    windows = tiny_windows()
    y, held = windows.y.copy(), tiny_split(windows).validation
    y[held] = (y[held] + 1) % 3
    assert found(run_in(tmp_path, windows=replace(windows, y=y))) != found(straight[1])[:3]


def test_stopped_and_called_again_it_goes_on_and_repeats_nothing(
    straight: tuple[Path, SearchResult], tmp_path: Path
) -> None:
    first = run_in(tmp_path)
    again = run_in(tmp_path, PLAN.model_copy(update={"trials": 4}))
    assert found(again) == found(straight[1])
    assert [c.seconds for c in again.candidates[:3]] == [c.seconds for c in first.candidates], "trained again"


def test_out_of_minutes_nothing_more_is_trained(tmp_path: Path) -> None:
    first = run_in(tmp_path)
    again = run_in(tmp_path, PLAN.model_copy(update={"trials": 9, "minutes": 0.0}))
    assert found(again) == found(first)


def test_another_seed_draws_other_layouts(straight: tuple[Path, SearchResult], tmp_path: Path) -> None:
    other = run_in(tmp_path, recipe=RECIPE.model_copy(update={"seed": 1}))
    assert {c.student for c in other.candidates[1:]}.isdisjoint({c.student for c in straight[1].candidates[1:]})


def test_another_recipe_or_other_recordings_begin_anew_and_the_first_search_stays(tmp_path: Path) -> None:
    plan = PLAN.model_copy(update={"trials": 1})
    first = run_in(tmp_path, plan)
    said = Said()
    shorter = run_in(tmp_path, plan.model_copy(update={"epochs": 1}), progress=said)
    assert any("begins anew" in line for line in said.lines)
    assert shorter.epochs == 1
    assert shorter.candidates[1].macro_f1 != first.candidates[1].macro_f1
    elsewhere = Said()
    run_in(tmp_path, plan, windows=replace(tiny_windows(), digest="0" * 64), progress=elsewhere)
    assert any("begins anew" in line for line in elsewhere.lines)
    back = run_in(tmp_path, plan)
    assert [c.seconds for c in back.candidates] == [c.seconds for c in first.candidates]


def test_candidates_learn_from_one_teacher_if_asked(tmp_path: Path) -> None:
    said = Said()
    recipe = tiny_recipe(method="smldist", epochs=1)
    run_in(tmp_path, PLAN.model_copy(update={"method": "recipe", "epochs": 1}), recipe, progress=said)
    assert said.lines.count("teacher ...") == 1
    assert (tmp_path / "search" / "teacher" / "memory.safetensors").is_file()


def test_bounds_that_nothing_is_within_are_refused_at_once(tmp_path: Path) -> None:
    plan = SearchPlan(bounds=Bounds(max_instructions={"cortex-a53": 1000}), trials=1, epochs=1)
    with pytest.raises(RecipeError, match=r"the smallest student takes cortex-a53 [\d,]+, which is over the bounds"):
        run_in(tmp_path, plan)
    assert not (tmp_path / "search" / "search.json").exists()


@pytest.mark.parametrize("bounds", [Bounds(max_macs=80_000), Bounds(max_kb=40.0)])
def test_macs_and_bytes_are_bounds_too(bounds: Bounds, tmp_path: Path) -> None:
    result = run_in(tmp_path, SearchPlan(bounds=bounds, trials=1, epochs=1))
    cost = result.candidates[1].cost
    assert cost.figure(bounds.objective) <= (bounds.max_macs or bounds.max_kb or 0)


def test_a_folder_that_holds_a_build_is_refused(tmp_path: Path) -> None:
    (tmp_path / "build" / ".stages").mkdir(parents=True)
    (tmp_path / "build" / "recipe.toml").write_text("name = 'mine'")
    request = BuildRequest(recipe=RECIPE, build=tmp_path / "build", cache=tmp_path / "cache", device="cpu")
    with pytest.raises(StorageError, match="holds a build: choose another folder"):
        search(request, PLAN)
    assert (tmp_path / "build" / "recipe.toml").read_text() == "name = 'mine'"


def test_without_optuna_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    request = BuildRequest(recipe=RECIPE, build=tmp_path / "search", cache=tmp_path / "cache", device="cpu")
    with pytest.raises(MissingToolError, match=r"needs optuna: pip install 'smldist-factory\[search\]'"):
        search(request, PLAN)
    assert not (tmp_path / "search").exists()


def test_a_database_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "search" / ".stages").mkdir(parents=True)
    (tmp_path / "search" / DATABASE).write_bytes(b"SQLite format 3" + bytes(2000))
    with pytest.raises(ArtifactError, match=r"search.db is corrupt, or no search wrote it: move it away"):
        run_in(tmp_path)


def test_the_front_holds_whom_nobody_beats(straight: tuple[Path, SearchResult]) -> None:
    some = straight[1].candidates[1]

    def of(number: int, cost: int, score: float) -> object:
        changed = some.cost.model_copy(update={"instructions": {"cortex-a76": cost}})
        return some.model_copy(update={"number": number, "cost": changed, "macro_f1": score})

    candidates = [of(0, 300, 0.9), of(1, 100, 0.5), of(2, 200, 0.4), of(3, 100, 0.6), of(4, 250, 0.9)]
    assert pareto(candidates, "cortex-a76") == (3, 4)  # type: ignore[arg-type]


KILLED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.unit.pipeline.test_search import PLAN, run_in
run_in(Path(sys.argv[1]), PLAN.model_copy(update={"trials": 4}))
"""


def trained_in(folder: Path) -> int:
    """Rows of finished trainings in the database, read as another process sees it."""
    import sqlite3

    path = folder / "search" / DATABASE
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return int(database.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()[0])
    except sqlite3.OperationalError:  # being made
        return 0


def test_killed_it_goes_on_to_the_same_result(straight: tuple[Path, SearchResult], tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root) as process:
        while process.poll() is None and trained_in(tmp_path) < 2:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"
    before = trained_in(tmp_path)
    assert not (tmp_path / "search" / "search.json").exists()
    again = run_in(tmp_path, PLAN.model_copy(update={"trials": 4}))
    assert 2 <= before <= 4
    assert found(again) == found(straight[1])
    assert trained_in(tmp_path) == 4


def test_a_draw_depends_on_what_was_tried_alone(tmp_path: Path) -> None:
    choices = {"width": range(8, 97, 8), "block": ("plain", "residual")}
    drawn = [Study(tmp_path, "one", 5, choices).draw() for _ in range(2)]
    assert drawn[0] == drawn[1]
    study = Study(tmp_path, "one", 5, choices)
    study.reject(drawn[0], {"cortex-a76": 0.5})
    assert study.rejected == 1
    assert [study.draw(), Study(tmp_path, "one", 6, choices).draw()] != [drawn[0], drawn[0]]
    assert np.isin(study.draw()["width"], range(8, 97, 8))
