"""Two processes that share each batch train the network that one trains.

In float64, where rounding cannot hide a mistake: in float32 a weight whose gradient is nearly zero goes the other way
after one rounding, since AdamW's first steps are as long as the learning rate.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from factory.contracts.dataset import WindowSet
from factory.contracts.progress import Silent
from factory.contracts.recipe import MethodName
from factory.distill import stage
from factory.distill.stage import dct_matrix
from factory.models import load_network
from factory.training import predict, train_student, train_teacher
from factory.training.parallel import connect, shared_out
from tests.fakes import tiny_recipe, tiny_split, tiny_windows
from tests.unit.training.harness import rows, same_weights

_METHODS: tuple[MethodName, ...] = ("smldist", "sp")
_ATOL = {"teacher": 1e-9, "smldist": 1e-6, "sp": 1e-6}
"""Of weights: AdamW divides by gradients that are nearly 0. Students have one teacher: its rounding is not theirs."""


@contextmanager
def _doubles() -> Iterator[WindowSet]:
    """Windows and networks in float64, the basis of the stage loss among it."""
    patch = pytest.MonkeyPatch()
    torch.set_default_dtype(torch.float64)
    try:
        patch.setattr(stage, "dct_matrix", lambda length: dct_matrix(length).double())
        windows = tiny_windows(each=6)
        yield replace(windows, x=windows.x.astype(np.float64))
    finally:
        patch.undo()
        torch.set_default_dtype(torch.float32)


def _train_all(folder: Path, taught_by: Path | None = None) -> None:
    """A head search, a teacher and students under losses that look at windows, at pairs of them, or at a bank.

    Batches of 17 windows, which two processes do not share evenly.
    """
    with _doubles() as windows:
        split = tiny_split(windows)
        for method in _METHODS:
            recipe = tiny_recipe(heads=("linear", "hopfield"), epochs=1, batch=17, method=method)
            # The arithmetic of int8 knows float32 alone.
            recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"int8_epochs": 0})})
            if not (folder / "teacher").exists():
                train_teacher(recipe, windows, split, folder / "teacher", "cpu", Silent())
            teacher = taught_by or folder / "teacher"
            train_student(recipe, windows, split, teacher, folder / method, "cpu", Silent())


def _other(folder: Path) -> None:
    torch.set_num_threads(1)
    with shared_out(1, 2, lambda: connect(1, 2, folder / "meeting")):
        _train_all(folder / "second")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process trained (one/), and two (first/, second/)."""
    made = tmp_path_factory.mktemp("parallel")
    other = multiprocessing.get_context("spawn").Process(target=_other, args=(made,), daemon=True)
    other.start()
    with shared_out(0, 2, lambda: connect(0, 2, made / "meeting")):
        _train_all(made / "first")
    other.join(60)
    assert other.exitcode == 0
    _train_all(made / "one", taught_by=made / "first" / "teacher")
    return made


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", ["teacher", *_METHODS])
def test_two_processes_train_what_one_trains(folder: Path, what: str) -> None:
    with _doubles() as windows:
        one, first, second = (load_network(folder / who / what) for who in ("one", "first", "second"))
        assert same_weights(first, second), "both processes end with the same network to the last bit"
        for (name, ours), theirs in zip(first.state_dict().items(), one.state_dict().values(), strict=True):
            assert torch.allclose(ours, theirs, rtol=0, atol=_ATOL[what]), name
        assert np.allclose(predict(first, windows.x), predict(one, windows.x), rtol=0, atol=1e-4)
    curves = [[row["loss"] for row in rows(folder / who / what)] for who in ("first", "one")]
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)
