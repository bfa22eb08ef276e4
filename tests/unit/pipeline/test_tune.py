"""Tuning: real trainings of tiny networks where scores matter, a known score where decisions do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from factory.artifacts.store import open_store
from factory.contracts.dataset import WindowSet
from factory.contracts.errors import ArtifactError, DataError, MissingToolError, StorageError
from factory.contracts.progress import Silent
from factory.contracts.recipe import BackboneRecipe, Recipe
from factory.contracts.report import WindowLengthReport
from factory.contracts.search import DEFAULT_CORE
from factory.contracts.tuning import TunePlan, TuneResult
from factory.pipeline import tune as tuning
from factory.pipeline.layouts.prices import Prices
from factory.pipeline.request import BuildRequest, Run
from factory.pipeline.tune import tune, tune_run
from factory.pipeline.tuning.scores import SCORES, Scorer, deal
from factory.pipeline.tuning.space import changed, options, own
from factory.recipes import find_recipe
from factory.training import alone
from tests.fakes import TEST_SUBJECTS, tiny_recipe, tiny_split, tiny_windows

pytest.importorskip("optuna", reason="needs optuna: pip install 'smldist-factory[search]'")
RECIPE = tiny_recipe(method="cross_entropy", epochs=4)
PLAN = TunePlan(trials=2, epochs=1, folds=2)
PEOPLE = ["s1", "s2", "s3", "s4"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # so small a network only waits for a second thread


def request_in(folder: Path, recipe: Recipe = RECIPE) -> BuildRequest:
    """No data folder; the windows are given by hand."""
    return BuildRequest(recipe=recipe, build=folder / "tune", cache=folder / "cache", device="cpu")


def run_in(folder: Path, plan: TunePlan = PLAN, windows: WindowSet | None = None) -> TuneResult:
    """Tune the tiny recipe on the tiny windows."""
    request = request_in(folder)
    with open_store(request.build, Silent()) as store:
        run = Run(request, store)
        run.windows = windows if windows is not None else tiny_windows()
        run.split = tiny_split(run.windows)
        return tune_run(run, plan)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TuneResult]:
    """Three candidates without interruption; not to be changed."""
    folder = tmp_path_factory.mktemp("straight")
    return folder, run_in(folder, PLAN.model_copy(update={"trials": 3}))


Score = Callable[[Recipe, int, int, int], float]


def with_score(monkeypatch: pytest.MonkeyPatch, score: Score) -> None:
    """Candidates score what a function says, of recipe, fold, epochs and seed."""
    monkeypatch.setattr(Scorer, "score", lambda self, recipe, fold, epochs, seed: score(recipe, fold, epochs, seed))


def decided(result: TuneResult) -> tuple[object, ...]:
    """All but what names folder, plan and machine."""
    return result.tuned, result.groups, result.candidates, result.changes, result.own, result.found, result.trees


def test_training_people_are_held_out_once_each_and_nobody_else(straight: tuple[Path, TuneResult]) -> None:
    groups = straight[1].groups
    assert sorted(name for group in groups for name in group) == PEOPLE
    assert not {name for group in groups for name in group} & set(TEST_SUBJECTS)


def test_test_people_decide_nothing(straight: tuple[Path, TuneResult], tmp_path: Path) -> None:
    windows = tiny_windows()
    x, y, test = windows.x.copy(), windows.y.copy(), tiny_split(windows).test
    x[test], y[test] = 1e6, 0
    spoiled = run_in(tmp_path, PLAN.model_copy(update={"trials": 3}), replace(windows, x=x, y=y))
    assert decided(spoiled) == decided(straight[1])


def test_a_tuning_that_was_stopped_goes_on_as_if_it_were_not(
    straight: tuple[Path, TuneResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_in(tmp_path, PLAN.model_copy(update={"trials": 1}))
    more = PLAN.model_copy(update={"trials": 3})
    assert decided(run_in(tmp_path, more)) == decided(straight[1])

    def no_more(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(alone, "fit", no_more)
    assert decided(run_in(tmp_path, more)) == decided(straight[1])


def test_the_tuned_recipe_loads_and_holds_the_changes(straight: tuple[Path, TuneResult]) -> None:
    folder, result = straight
    written = find_recipe(folder / "tune" / "recipe.toml")
    assert written == result.tuned
    assert written.name == "tiny_tuned"
    assert TuneResult.model_validate_json((folder / "tune" / "tune.json").read_bytes()) == result
    for change in result.changes:
        assert own(written, change.key) == change.after
    assert len(result.trees) == len(result.groups)
    assert min(result.trees) > 0.9, "still, walk and shake are easy for trees"


def test_what_helps_is_kept_with_its_gain_and_what_does_not_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(recipe: Recipe, fold: int, epochs: int, seed: int) -> float:
        return 0.5 + 0.04 * (recipe.train.mixed == 0.8) + 0.01 * fold + 1e-4 * epochs

    with_score(monkeypatch, score)
    result = run_in(tmp_path, TunePlan(trials=40, folds=2, epochs=1))
    found = {change.key: change for change in result.changes}
    assert found["train.mixed"].after == 0.8
    assert found["train.mixed"].gain_pp == pytest.approx(4.0)
    assert set(found) <= {"train.mixed", "train.student_epochs", "train.teacher_epochs"}
    assert np.subtract(result.found, result.own) == pytest.approx([0.04, 0.04])


def test_twice_the_epochs_where_they_gain_and_half_where_they_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, (slope, epochs) in enumerate(((0.01, 8), (0.0, 2), (-0.01, 2))):
        with_score(monkeypatch, lambda recipe, fold, epochs, seed, slope=slope: 0.5 + slope * epochs)  # type: ignore[misc]
        result = run_in(tmp_path / str(place), PLAN)
        assert result.tuned.train.student_epochs == epochs


def test_a_find_that_another_seed_does_not_bear_out_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(recipe: Recipe, fold: int, epochs: int, seed: int) -> float:
        lucky = recipe.train.mixed == 0.8 and seed < RECIPE.seed + 2
        return 0.5 + (0.04 if lucky else -0.02 * (recipe.train.mixed == 0.8))

    with_score(monkeypatch, score)
    result = run_in(tmp_path, TunePlan(trials=40, folds=2, epochs=1))
    assert result.tuned.train.mixed == RECIPE.train.mixed
    assert "lost 2.0 pp with another seed" in result.note
    assert result.found == result.own


def test_a_find_that_only_the_first_seed_likes_is_no_finalist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def score(recipe: Recipe, fold: int, epochs: int, seed: int) -> float:
        return 0.5 + 0.04 * (recipe.train.mixed == 0.8) * (1 if seed == RECIPE.seed else -1)

    with_score(monkeypatch, score)
    result = run_in(tmp_path, TunePlan(trials=40, folds=2, epochs=1))
    assert result.tuned.train.mixed == RECIPE.train.mixed
    assert result.note == ""


def test_a_candidate_that_falls_behind_is_dropped_after_that_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, int, int]] = []

    def score(recipe: Recipe, fold: int, epochs: int, seed: int) -> float:
        asked.append((recipe.train.lr, fold, seed))
        return 0.5 - 0.1 * (recipe.train.lr == 1e-3)

    with_score(monkeypatch, score)
    run_in(tmp_path, TunePlan(trials=30, folds=2, epochs=1))
    folds = {fold for lr, fold, seed in asked if lr == 1e-3 and seed == RECIPE.seed}
    assert folds == {0}


def test_no_candidate_costs_more_than_the_recipes_own_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[BackboneRecipe] = set()

    def score(recipe: Recipe, fold: int, epochs: int, seed: int) -> float:
        asked.add(recipe.model.student)
        return 0.5 + 0.01 * recipe.model.student.stem

    with_score(monkeypatch, score)
    result = run_in(tmp_path, TunePlan(trials=60, folds=2, epochs=1))
    prices = Prices.of(RECIPE, 6, 3)
    costs = {prices.price(student).instructions[DEFAULT_CORE] for student in asked}
    assert len(costs) > 1
    assert max(costs) <= prices.price(RECIPE.model.student).instructions[DEFAULT_CORE]
    why = {change.key: change.why for change in result.changes}
    assert why["model.student.stem_stride"] == "the others would cost too much without it"


def test_a_window_that_is_clearly_better_is_taken_with_its_hop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compare(recipe: Recipe, *_: object) -> list[WindowLengthReport]:
        window = recipe.data.window
        gain = 5.0 if window == RECIPE.data.window else 0.0
        return [
            WindowLengthReport(
                window=2 * window,
                seconds=2 * window / recipe.data.rate_hz,
                recipe_window=window,
                moments=100,
                folds=3,
                macro_f1=0.9,
                recipe_macro_f1=0.85,
                gain_pp=gain,
                spread_pp=1.0,
                without=(),
            )
        ]

    monkeypatch.setattr(tuning, "compare", compare)
    request = request_in(tmp_path)
    with open_store(request.build, Silent()) as store:
        run = Run(request, store)
        run.windows = tiny_windows()
        run.split = tiny_split(run.windows)
        found, rows = tuning._with_window(run)
    assert (found.recipe.data.window, found.recipe.data.hop) == (2 * RECIPE.data.window, 2 * RECIPE.data.hop)
    assert [row.gain_pp for row in rows] == [5.0, 0.0]
    window, hop = tuning._window_changes(RECIPE, found.recipe, rows)
    assert window.why.startswith("a window of 128 samples (2.56 s) would gain 5.0 +- 1.0 pp")
    assert (hop.before, hop.after) == (32, 64)


def test_every_value_of_every_key_makes_a_recipe_or_none() -> None:
    for key, values in options(RECIPE).items():
        assert values[0] == own(RECIPE, key)
        for value in values:
            found = changed(RECIPE, {key: value})
            assert found is None or key == "model.student.width" or own(found, key) == value
    wider = changed(RECIPE, {"model.student.width": 1.5})
    assert wider is not None
    assert [stage.width for stage in wider.model.student.stages] == [8, 12]
    assert wider.model.teacher == RECIPE.model.teacher


def test_groups_leave_every_class_to_those_who_train() -> None:
    windows = tiny_windows()
    shakes = np.isin(windows.subject, ["s1", "s2"]) | (windows.y != 2)
    some = replace(windows, y=np.where(shakes, windows.y, 1))
    for seed in range(10):
        for group in deal(some, PEOPLE, 2, seed):
            assert len({"s1", "s2"} & set(group)) == 1
    alone_with_it = replace(windows, y=np.where((windows.subject == "s1") | (windows.y != 2), windows.y, 1))
    with pytest.raises(DataError, match="too few people have windows of shake"):
        deal(alone_with_it, PEOPLE, 2, 0)
    with pytest.raises(DataError, match="at least two"):
        deal(windows, ["s1"], 2, 0)


def test_damaged_scores_are_one_line(tmp_path: Path) -> None:
    with open_store(tmp_path / "tune", Silent()):
        pass
    (tmp_path / "tune" / SCORES).write_text('{"scores": {"a": ')
    with pytest.raises(ArtifactError, match=r"scores\.json is corrupt.*tune anew"):
        run_in(tmp_path)


def test_a_build_is_not_tuned_over(tmp_path: Path) -> None:
    request = request_in(tmp_path)
    request.build.mkdir()
    (request.build / "recipe.toml").write_text(RECIPE.to_toml())
    with pytest.raises(StorageError, match="holds a build"):
        tune(request, PLAN)


def test_without_optuna_the_install_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingToolError, match="pip install"):
        tune(request_in(tmp_path), PLAN)
