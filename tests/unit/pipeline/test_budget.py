"""`--minutes`: epochs cut to what the machine trains in that time."""

from pathlib import Path

import pytest
import torch

from factory.artifacts.store import open_store
from factory.contracts.errors import ArtifactError, RecipeError
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.pipeline import budget
from factory.pipeline.budget import BUDGET, StepTimes, seconds, shortened, time_steps, within
from factory.pipeline.request import BuildRequest, Run
from tests.fakes import tiny_recipe, tiny_split, tiny_windows

RECIPE = tiny_recipe(epochs=40, teachers=2)
TIMES = StepTimes(teacher=0.5, student=0.25)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def run_in(folder: Path, recipe: Recipe = RECIPE) -> Run:
    """A run of the tiny windows in a folder of its own."""
    request = BuildRequest(recipe=recipe, build=folder, cache=folder / "cache", device="cpu")
    with open_store(folder, Silent()) as store:
        run = Run(request, store)
    run.windows = tiny_windows()
    run.split = tiny_split(run.windows)
    return run


def test_seconds_by_hand() -> None:
    train = RECIPE.train.model_copy(update={"search_epochs": 3, "int8_epochs": 5, "teacher_epochs": 7})
    recipe = RECIPE.model_copy(update={"train": train})
    # Two teachers of 7 epochs; a student of 40 and 1.6 times 5, each step with two answers of a third of a step.
    taught = 0.25 + 2 * 0.5 / 3
    expected = 2 * 7 * 6 * 0.5 + (40 + 1.6 * 5) * 6 * taught
    assert seconds(recipe, TIMES, searched=4, steps=6, judged=False) == pytest.approx(expected)
    lead = 10 * 4 * (2 * 0.5 + 0.25)
    assert seconds(recipe, TIMES, searched=4, steps=6, judged=True) == pytest.approx(expected + lead)
    heads = recipe.model_copy(update={"model": recipe.model.model_copy(update={"heads": ("linear", "mlp")})})
    assert seconds(heads, TIMES, searched=4, steps=6, judged=False) == pytest.approx(expected + 3 * 4 * 0.5)


def test_epochs_shrink_by_one_factor_and_end_at_one() -> None:
    half = shortened(RECIPE, 0.5).train
    assert (half.teacher_epochs, half.student_epochs) == (20, 20)
    least = shortened(RECIPE, 0.001).train
    assert (least.teacher_epochs, least.student_epochs) == (1, 1)
    none = RECIPE.model_copy(update={"train": RECIPE.train.model_copy(update={"int8_epochs": 0})})
    assert shortened(none, 0.5).train.int8_epochs == 0
    assert shortened(RECIPE, 1.0) == RECIPE


def test_the_largest_number_of_epochs_that_fits_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "time_steps", lambda run: TIMES)
    run = run_in(tmp_path)
    windows, batch = len(run.split.train), RECIPE.train.batch
    searched, steps = windows // batch, (windows + len(run.split.validation)) // batch
    found = within(run, 5.0).recipe
    assert 1 < found.train.student_epochs < 40
    assert seconds(found, TIMES, searched, steps, judged=False) <= 300
    more = shortened(RECIPE, (found.train.student_epochs + 1) / 40)
    assert seconds(more, TIMES, searched, steps, judged=False) > 300
    assert within(run_in(tmp_path / "long"), 500.0).recipe == RECIPE


def test_what_was_decided_holds_until_recipe_or_minutes_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "time_steps", lambda run: TIMES)
    first = within(run_in(tmp_path), 5.0).recipe
    monkeypatch.setattr(budget, "time_steps", lambda run: StepTimes(teacher=0.05, student=0.025))
    assert within(run_in(tmp_path), 5.0).recipe == first
    assert within(run_in(tmp_path), 6.0).recipe == RECIPE
    longer = tiny_recipe(epochs=60, teachers=2)
    assert within(run_in(tmp_path, longer), 6.0).recipe == longer


def test_too_little_time_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "time_steps", lambda run: TIMES)
    with pytest.raises(RecipeError, match=r"--minutes 0\.1: one epoch of each training takes \d+\.\d minutes"):
        within(run_in(tmp_path), 0.1)


def test_a_damaged_budget_is_one_line(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    (tmp_path / BUDGET).write_text('{"key": "a"')
    with pytest.raises(ArtifactError, match=r"budget\.json is corrupt.*remove it"):
        within(run, 5.0)


def test_steps_are_timed_on_the_real_networks(tmp_path: Path) -> None:
    times = time_steps(run_in(tmp_path))
    assert 0 < times.student < 1
    assert 0 < times.teacher < 1
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == []
