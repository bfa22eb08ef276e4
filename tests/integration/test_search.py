"""`factory search` as a user runs it, and its winner counted on the emulated cores."""

import gc
import json
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factory import search
from factory.artifacts.store import open_store
from factory.contracts.errors import GateError, MissingToolError
from factory.contracts.progress import Silent
from factory.contracts.recipe import BackboneRecipe
from factory.contracts.search import Bounds, Candidate, SearchResult
from factory.pipeline.cluster import connect
from factory.pipeline.layouts.prices import Prices
from factory.pipeline.layouts.verify import choose_winner
from factory.pipeline.request import BuildRequest, Run, cache_folder
from factory.recipes import find_recipe
from tests.fakes import tiny_recipe, tiny_split, tiny_windows
from tests.integration.conftest import RECIPE, Factory
from tests.integration.waiting import ray_worker, until

if TYPE_CHECKING:
    from factory.devices.setups import Setup

pytest.importorskip("optuna", reason="needs optuna: pip install 'smldist-factory[search]'")
pytestmark = pytest.mark.slow
NEAR = 0.25
"""Relative error of a prediction that is no accident: 95 % of held-out files were nearer."""


def test_a_search_writes_a_recipe_that_can_be_built(factory: Factory, tmp_path: Path) -> None:
    out = tmp_path / "search"
    bound = ("--max-instructions", "cortex-a76=90000")
    done = factory("search", RECIPE, "--trials", "2", "--epochs", "1", *bound, "--out", out, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result == json.loads((out / "search.json").read_text())
    assert [candidate["number"] for candidate in result["candidates"]] == [0, 1, 2]
    again = factory("search", RECIPE, "--trials", "2", "--epochs", "1", *bound, "--out", out)
    assert again.code == 0, again.err
    assert "winner not counted: the emulated arm64 device is not set up" in " ".join(again.out.split())
    assert f"go on with factory build {out / 'recipe.toml'}" in " ".join(again.out.split())
    winner = find_recipe(out / "recipe.toml")
    assert winner.model.student.model_dump(mode="json") == result["candidates"][result["winner"]]["student"]
    assert factory("train", out / "recipe.toml", "--out", tmp_path / "built").code == 0


def test_a_folder_of_a_build_is_refused(factory: Factory, build: Path) -> None:
    before = (build / "recipe.toml").read_bytes()
    done = factory("search", RECIPE, "--trials", "1", "--out", build)
    assert done.code == 10
    assert "holds a build" in done.err
    assert (build / "recipe.toml").read_bytes() == before


def test_a_winner_is_within_the_bound_by_its_own_file(arm64: "Setup", tmp_path: Path) -> None:
    request = BuildRequest(recipe=tiny_recipe(), build=tmp_path / "search", cache=cache_folder(None), device="cpu")
    with open_store(request.build, Silent()) as store:
        run = Run(request, store)
        run.windows = tiny_windows()
        run.split = tiny_split(run.windows)
        prices = Prices.of(run.recipe, len(run.windows.spec.channels), len(run.windows.spec.labels))
        small = run.recipe.model.student.model_copy(update={"stem": 16, "features": 64})
        large = small.model_copy(update={"stem": 64, "features": 256})
        cheap, dear = _candidate(prices, small, 0, 0.5), _candidate(prices, large, 1, 0.9)
        predicted = cheap.cost.instructions["cortex-a76"]
        bounds = Bounds(max_instructions={"cortex-a76": round(predicted * (1 + NEAR))})
        winner, note = choose_winner(run, [cheap, dear], bounds, prices)
        assert winner.number == 0, "the better one is too dear, whatever was predicted"
        assert not note
        assert winner.counted is not None
        for core, count in winner.counted.instructions.items():
            assert abs(cheap.cost.instructions[core] / count - 1) < NEAR, core
        assert abs(cheap.cost.size_bytes / winner.counted.size_bytes - 1) < NEAR
        with pytest.raises(GateError, match=r"the files of the 1 best students are over a bound \(\+\d+%\)"):
            choose_winner(run, [dear], bounds, prices)


def _candidate(prices: Prices, student: BackboneRecipe, number: int, score: float) -> Candidate:
    """Predicted to be within the bounds, rightly or not."""
    cost = prices.price(student)
    return Candidate(number=number, student=student, cost=cost, within=True, macro_f1=score, seconds=0.0)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_ray_places_a_student_anew_when_its_worker_is_killed_and_searches_as_local_workers_do(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="needs ray: pip install 'smldist-factory[ray]'")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    places: dict[str, Any] = {"cache": cache, "device": "cpu"}
    options: dict[str, Any] = {"trials": 2, "epochs": 10, "max_instructions": {"cortex-a76": 90_000}, "workers": 2}
    here = search(RECIPE, out=tmp_path / "here", **options, **places)
    results: list[SearchResult] = []
    try:
        connect(None, cpus=1)
        thread = threading.Thread(
            target=lambda: results.append(
                search(RECIPE, out=tmp_path / "ray", engine="ray", cpus=0.5, **options, **places)
            )
        )
        thread.start()
        until(_kill_in_mid_training)
        thread.join(400)
    except MissingToolError as error:
        pytest.skip(f"not run: {error}")
    finally:
        ray.shutdown()
        gc.collect()  # Ray leaves open handles of its own processes, which warn when they go
    (there,) = results
    assert [(c.student, c.macro_f1) for c in there.candidates] == [(c.student, c.macro_f1) for c in here.candidates]
    assert there.pareto == here.pareto


def _kill_in_mid_training() -> bool:
    """Kill the worker if its student has trained an epoch."""
    worker = ray_worker("remote_candidate")
    trained = worker and any(Path(tempfile.gettempdir()).glob("factory-search-*/candidate/epochs.jsonl"))
    if trained:
        os.kill(worker, signal.SIGKILL)
    return bool(trained)
