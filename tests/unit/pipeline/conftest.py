"""A tiny run whose networks are really trained, once; each test works on a copy of its folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters import registry
from factory.artifacts.store import open_store
from factory.contracts.artifact import Precision
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.pipeline.request import BuildRequest, Run
from factory.pipeline.stages import (
    lead_stage,
    onnx_stage,
    student_stage,
    teacher_stage,
    windows_stage,
    write_recipe,
)
from factory.verification import tolerances
from tests.fakes import tiny_recipe, tiny_split, tiny_windows
from tests.unit.pipeline import mirror_target

EPOCHS = 30
"""Enough for the tiny student to tell its three motions apart as well as trees do."""


class Ready(Run):
    """Windows without recordings."""

    windows = tiny_windows()
    split = tiny_split(windows)


def trained_recipe(*precisions: str) -> Recipe:
    """The recipe of the trained folder, exporting to these precisions."""
    recipe = tiny_recipe(epochs=EPOCHS)
    export = recipe.export.model_copy(update={"precisions": tuple(Precision(name) for name in precisions)})
    return recipe.model_copy(update={"export": export})


def request(folder: Path, recipe: Recipe | None = None) -> BuildRequest:
    """Of a build in `folder`, on the CPU."""
    chosen = recipe if recipe is not None else trained_recipe("fp32")
    return BuildRequest(recipe=chosen, cache=folder / "cache", build=folder / "build", device="cpu")


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Teacher, student and hand-off graph; not to be changed."""
    import torch

    folder = tmp_path_factory.mktemp("trained")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a network only waits for a second thread
    with open_store(folder / "build", Silent()) as store:
        run = Ready(request(folder), store)
        write_recipe(run)
        windows_stage(run)
        lead_stage(run)
        teacher_stage(run)
        student_stage(run)
        onnx_stage(run)
    torch.set_num_threads(threads)
    return folder


@pytest.fixture
def trained(trained_folder: Path, tmp_path: Path) -> Iterator[Ready]:
    """A run on a copy of that folder."""
    shutil.copytree(trained_folder / "build", tmp_path / "build")
    with open_store(tmp_path / "build", Silent()) as store:
        yield Ready(request(tmp_path), store)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[mirror_target.MirrorRunner]]:
    """The registry with one target more, whose file is the hand-off graph, under the limits of exact arithmetic."""
    monkeypatch.setattr(registry, "_TARGETS", (*registry.targets(), mirror_target.row()))
    exact = tolerances.TOLERANCES["onnx", Precision.FP32]
    monkeypatch.setitem(tolerances.TOLERANCES, (mirror_target.NAME, Precision.FP32), exact)
    mirror_target.Mirror.requests.clear()
    mirror_target.MirrorRunner.seen.clear()
    yield mirror_target.MirrorRunner
    mirror_target.MirrorRunner.spoil = None
