"""`--devices`: what is refused, a process that dies, and that one device trains as ever."""

import dataclasses
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from factory.contracts.errors import RecipeError, TrainingError
from factory.contracts.progress import Cancel, Cancelled, Silent
from factory.models import load_network
from factory.pipeline import build as module
from factory.pipeline import on_devices as launching
from factory.pipeline.build import networks, train
from factory.pipeline.on_devices import on_devices
from factory.pipeline.request import BuildRequest
from factory.training import predict
from tests.fakes import tiny_recipe
from tests.unit.pipeline.conftest import Ready, request


class After(Silent):
    """Does something once, after the second epoch of a teacher."""

    def __init__(self) -> None:
        self.done = 0.0
        self._left = 2

    def act(self) -> None:
        """What it does."""

    @contextmanager
    def track(self, task: str, total: int | None, unit: str) -> Iterator["After"]:
        self.task = task
        yield self

    def advance(self, amount: int = 1, note: str = "") -> None:
        self._left -= self.task.startswith("training teacher")
        if self._left == 0 and not self.done:
            self.done = time.monotonic()
            self.act()


class Kills(After):
    """The other process."""

    def act(self) -> None:
        (other,) = multiprocessing.active_children()
        assert other.pid is not None
        os.kill(other.pid, signal.SIGKILL)


class Cancels(After):
    """The training."""

    def __init__(self, cancel: Cancel) -> None:
        super().__init__()
        self.act = cancel.set  # type: ignore[method-assign]


def _asked(folder: Path, devices: int) -> BuildRequest:
    recipe = tiny_recipe(epochs=4, method="cross_entropy")
    recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"int8_epochs": 0})})
    return dataclasses.replace(request(folder, recipe), devices=devices)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_killed_process_ends_the_training_at_once_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Run", Ready)
    kills, cancel = Kills(), Cancel()
    asked = _asked(tmp_path, devices=2)
    with pytest.raises(TrainingError, match=r"process 2 of 2 that train ended \(exit code -9\): free memory"):
        train(dataclasses.replace(asked, progress=kills))
    assert time.monotonic() - kills.done < 60
    assert not multiprocessing.active_children()
    assert not torch.distributed.is_initialized()
    kept = (asked.build / "teacher" / "epochs.jsonl").read_text("utf-8")
    assert kept.count("\n") == 2
    with pytest.raises(Cancelled):
        train(dataclasses.replace(asked, progress=Cancels(cancel), cancel=cancel))
    assert not multiprocessing.active_children()
    train(asked)
    assert (asked.build / "teacher" / "epochs.jsonl").read_text("utf-8").startswith(kept), "seconds among it"
    _require_the_same_student(asked, tmp_path)


def _require_the_same_student(asked: BuildRequest, folder: Path) -> None:
    alone = dataclasses.replace(asked, devices=1, build=folder / "alone")
    train(alone)
    two, one = (predict(load_network(one.build / "student"), Ready.windows.x) for one in (asked, alone))
    assert (two.argmax(axis=1) == one.argmax(axis=1)).mean() >= 0.95


def test_one_device_asks_for_no_other_process_and_has_the_key_of_ever(
    trained: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "factory.training.parallel", raising=False)
    monkeypatch.setattr(multiprocessing, "get_context", None)
    with on_devices(trained, networks):
        networks(trained)
    assert "factory.training.parallel" not in sys.modules


def test_a_finished_build_starts_no_process_for_more_devices(trained: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_context", None)
    before = trained.store.hashes("student")
    trained.request = dataclasses.replace(trained.request, devices=2)
    with on_devices(trained, networks):
        networks(trained)
    assert trained.store.hashes("student") == before


@pytest.mark.parametrize(
    ("device", "devices", "message"),
    [
        ("cpu", 17, r"--devices is 17, a batch has 16 windows to share out: choose from 1 to 16"),
        ("cpu", 0, r"--devices is 0, .*: choose from 1 to 16"),
        ("mps", 2, r"there is one mps device: leave it out, or add --device cpu"),
        ("cuda", 2, r"torch finds 1 cuda devices: choose as many, or add --device cpu"),
    ],
)
def test_more_devices_than_can_share_a_batch_are_refused(
    trained: Ready, monkeypatch: pytest.MonkeyPatch, device: str, devices: int, message: str
) -> None:
    monkeypatch.setattr(launching, "choose_device", lambda name: device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    trained.request = dataclasses.replace(trained.request, devices=devices)
    with pytest.raises(RecipeError, match=message), on_devices(trained, networks):
        pytest.fail("nothing is trained")
