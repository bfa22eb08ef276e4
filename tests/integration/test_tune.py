"""`factory tune` as a user runs it, on real recordings."""

import json
from pathlib import Path

import pytest

from factory.recipes import find_recipe
from tests.integration.conftest import RECIPE, Factory

pytest.importorskip("optuna", reason="needs optuna: pip install 'smldist-factory[search]'")
pytestmark = pytest.mark.slow


def test_a_tuning_says_why_and_writes_a_recipe_that_trains(factory: Factory, tmp_path: Path) -> None:
    out = tmp_path / "tune"
    asked = ("tune", RECIPE, "--trials", "2", "--epochs", "1", "--folds", "2", "--out", out)
    done = factory(*asked, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result == json.loads((out / "tune.json").read_text())
    assert result["candidates"] == 2
    assert [row["recipe_window"] for row in result["window_lengths"]][:2] == [result["recipe"]["data"]["window"]] * 2
    again = factory(*asked)
    assert again.code == 0, again.err
    assert "(ExtraTrees on statistics, training people only" in " ".join(again.err.split())
    for change in result["changes"]:
        assert change["key"] in again.out
    assert "trees" in again.out
    assert find_recipe(out / "recipe.toml").name == result["tuned"]["name"]
    assert factory("train", out / "recipe.toml", "--out", tmp_path / "built").code == 0


def test_a_folder_of_a_build_is_refused(factory: Factory, build: Path) -> None:
    done = factory("tune", RECIPE, "--trials", "1", "--out", build)
    assert done.code == 10
    assert "holds a build" in done.err
