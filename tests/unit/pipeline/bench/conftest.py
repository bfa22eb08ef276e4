"""A bench of the tiny windows: six people in three groups, networks of a few hundred parameters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from factory.contracts.bench import BenchSpec
from factory.contracts.progress import Silent
from factory.contracts.recipe import validate
from factory.pipeline.bench import plan as planning
from factory.pipeline.bench.plan import Places, Plan
from tests.fakes import tiny_recipe, tiny_windows

MakePlan = Callable[..., Plan]


def spec_values(recipe: Path, **more: Any) -> dict[str, Any]:
    """A specification as TOML would give it: two methods, three groups."""
    return {
        "name": "tiny",
        "summary": "three synthetic motions",
        "protocol": {"kind": "groups", "groups": 3},
        "data": [{"label": "motions", "recipe": str(recipe)}],
        "methods": [{"label": "cross_entropy"}, {"label": "smldist"}],
    } | more


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    """The tiny recipe as a file; stage and memory losses stay on."""
    path = tmp_path / "tiny_recipe.toml"
    path.write_text(tiny_recipe(epochs=1).to_toml(), "utf-8")
    return path


@pytest.fixture
def make_spec(recipe_file: Path) -> Callable[..., BenchSpec]:
    """A specification, changed."""
    return lambda **more: validate(BenchSpec, spec_values(recipe_file, **more), "tiny.toml")


@pytest.fixture
def make_plan(make_spec: Callable[..., BenchSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakePlan:
    """A plan over windows that no recording was read for."""
    torch.set_num_threads(1)
    monkeypatch.setattr(planning, "prepare", lambda *_, **__: tiny_windows())
    places = Places(out=tmp_path / "bench", data=None, cache=tmp_path / "cache")
    return lambda **more: Plan(make_spec(**more), places, Silent())
