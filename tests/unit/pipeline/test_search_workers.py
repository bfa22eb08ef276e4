"""A search by several workers: the same rounds of students whoever trains them, whichever is finished first."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from factory.contracts.errors import DataError, StorageError, TrainingError
from factory.contracts.progress import Cancel, Cancelled
from factory.contracts.recipe import BackboneRecipe
from factory.contracts.search import SearchPlan, SearchResult
from factory.pipeline import search as searching
from factory.pipeline.layouts.study import Study
from factory.pipeline.layouts.team import Answer, Train
from factory.pipeline.layouts.trial import Trainer
from factory.pipeline.request import BuildRequest
from factory.pipeline.workers import Deaths, as_failure
from tests.fakes import tiny_split, tiny_windows
from tests.unit.pipeline.test_search import PLAN, Said, found, run_in, trained_in

pytest.importorskip("optuna", reason="needs optuna: pip install 'smldist-factory[search]'")
TWO = PLAN.model_copy(update={"trials": 4, "workers": 2})
Order = Callable[[list[int]], Iterable[int]]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """Four candidates by two processes, without interruption."""
    return run_in(tmp_path_factory.mktemp("straight"), TWO)


class Team:
    """Trains in this process, in an order of its own; notes who was trained together."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, order: Order, stop_after: int | None = None) -> None:
        self.rounds: list[list[int]] = []
        self.trained: list[int] = []
        self._order, self._stop_after = order, stop_after
        monkeypatch.setattr(searching, "open_team", self._open)

    def _open(
        self, trainer: Trainer, request: BuildRequest, workers: int, cluster: object
    ) -> AbstractContextManager[Train]:
        def train(students: Mapping[int, BackboneRecipe]) -> Iterator[tuple[int, Answer]]:
            self.rounds.append(list(students))
            for number in self._order(list(students)):
                if len(self.trained) == self._stop_after:
                    raise KeyboardInterrupt
                self.trained.append(number)
                yield number, trainer.score(students[number], request.build / str(number), request.cancel)

        @contextmanager
        def opened() -> Iterator[Train]:
            yield train

        return opened()


def last_first(numbers: list[int]) -> Iterable[int]:
    return reversed(numbers)


def test_whichever_is_finished_first_the_search_is_the_same(
    straight: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = Team(monkeypatch, last_first)
    result = run_in(tmp_path, TWO)
    assert team.rounds == [[0, 1], [2, 3], [4]]
    assert [candidate.number for candidate in result.candidates] == [0, 1, 2, 3, 4]
    assert found(result) == found(straight)
    assert (result.rejected, result.winner) == (straight.rejected, straight.winner)
    assert result.plan.workers == 2


@pytest.mark.parametrize("finished", [1, 2, 3])
def test_interrupted_in_or_between_rounds_it_goes_on_and_trains_nobody_twice(
    straight: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: int
) -> None:
    first = Team(monkeypatch, last_first, stop_after=finished)
    with pytest.raises(KeyboardInterrupt):
        run_in(tmp_path, TWO)
    second = Team(monkeypatch, list)
    assert found(run_in(tmp_path, TWO)) == found(straight)
    assert sorted(first.trained + second.trained) == [0, 1, 2, 3, 4]


def test_interrupted_while_a_round_is_drawn_it_draws_the_same(
    straight: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, accepted = Study.accept, []

    def stop_at_the_third(study: Study, layout: Any) -> None:
        accepted.append(layout)
        if len(accepted) == 3:
            raise KeyboardInterrupt
        accept(study, layout)

    Team(monkeypatch, list)
    with monkeypatch.context() as patched:
        patched.setattr(Study, "accept", stop_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            run_in(tmp_path, TWO)
    assert found(run_in(tmp_path, TWO)) == found(straight)


def test_with_fewer_trials_first_it_goes_on_as_if_there_had_been_more(
    straight: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = Team(monkeypatch, list)
    assert len(run_in(tmp_path, TWO.model_copy(update={"trials": 2})).candidates) == 3
    assert found(run_in(tmp_path, TWO)) == found(straight)
    assert team.rounds == [[0, 1], [2], [3], [4]]


def test_another_number_of_workers_goes_on_with_what_was_drawn(
    straight: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = Team(monkeypatch, list, stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        run_in(tmp_path, TWO)
    team = Team(monkeypatch, list)
    result = run_in(tmp_path, TWO.model_copy(update={"workers": 1}))
    assert team.rounds == [[2], [3], [4]]
    assert found(result)[:4] == found(straight)[:4]


def test_out_of_minutes_no_other_student_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    team, said = Team(monkeypatch, list), Said()
    run_in(tmp_path, TWO.model_copy(update={"minutes": 0.0}), progress=said)
    assert team.rounds == [[0]]
    assert "0 minutes are over: call again to go on" in said.lines


def test_what_is_drawn_beside_a_layout_under_way_depends_on_it(tmp_path: Path) -> None:
    choices = {"width": range(8, 97, 8), "block": ("plain", "residual")}

    def beside(block: str, folder: Path) -> tuple[Any, Any]:
        folder.mkdir()
        study = Study(folder, "one", 5, choices)
        for width in range(8, 97, 8):
            study.reject({"width": width, "block": "plain"}, {"cortex-a76": width / 8})
        study.accept({"width": 8, "block": block})
        return study.draw(), Study(folder, "one", 5, choices).draw()

    plain, residual = beside("plain", tmp_path / "plain"), beside("residual", tmp_path / "residual")
    assert plain[0] == plain[1]
    assert plain[0] != residual[0]


FROM_ELSEWHERE = """
import sys
from pathlib import Path
if __name__ == "__main__":
    from tests.unit.pipeline.test_search_workers import TWO, run_in
    run_in(Path(sys.argv[1]), TWO)
"""


@pytest.mark.slow
def test_killed_it_takes_its_workers_along_and_goes_on_to_the_same_result(
    straight: SearchResult, tmp_path: Path
) -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", FROM_ELSEWHERE, str(tmp_path)], cwd=root) as process:
        until(lambda: trained_in(tmp_path) or process.poll() is not None)
        workers = children(process.pid)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"
    assert workers
    until(lambda: not any(alive(worker) for worker in workers))
    assert not (tmp_path / "search" / "search.json").exists()
    assert found(run_in(tmp_path, TWO)) == found(straight)
    assert trained_in(tmp_path) == 4


LONG = PLAN.model_copy(update={"trials": 1, "epochs": 30, "workers": 2})


@pytest.mark.slow
def test_a_worker_killed_in_mid_training_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said, results = Said(), []
    thread = threading.Thread(target=lambda: results.append(run_in(tmp_path / "killed", LONG, progress=said)))
    thread.start()
    folder = tmp_path / "killed" / "search" / "candidate" / "1"
    until(lambda: (folder / "epochs.jsonl").exists())
    for process in multiprocessing.active_children():
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
    thread.join(300)
    assert said.lines.count("a worker died (exit code -9): another takes over") == 2
    Team(monkeypatch, list)
    assert found(results[0]) == found(run_in(tmp_path / "straight", LONG))
    assert not multiprocessing.active_children()
    assert not folder.parent.exists()


@pytest.mark.slow
def test_cancelled_it_ends_its_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancel, ended = Cancel(), []
    monkeypatch.setattr(
        "tests.unit.pipeline.test_search.BuildRequest", lambda **more: BuildRequest(cancel=cancel, **more)
    )

    def work() -> None:
        with pytest.raises(Cancelled):
            run_in(tmp_path, LONG.model_copy(update={"epochs": 1000}))
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: list((tmp_path / "search" / "candidate").rglob("epochs.jsonl")))
    cancel.set()
    thread.join(60)
    assert ended
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_student_that_fails_names_itself(tmp_path: Path, workers: int) -> None:
    windows = tiny_windows()
    x = windows.x.copy()
    x[tiny_split(windows).train[0]] = np.nan
    plan = SearchPlan(trials=1, epochs=1, workers=workers)
    with pytest.raises(DataError, match=r"student [01] \(.* k\d.*\): training windows of .* are not finite: see"):
        run_in(tmp_path, plan, windows=replace(windows, x=x))


def test_failures_cross_processes_with_their_kind() -> None:
    here, there = multiprocessing.Pipe()
    for error in (OSError(28, "No space left on device", "x"), TrainingError("diverged"), IndexError("3")):
        here.send(as_failure(error))
    full, diverged, bug = (there.recv() for _ in range(3))
    assert (full.exit_code, str(full).partition(":")[0]) == (StorageError.exit_code, "no space left for x")
    assert type(diverged) is TrainingError
    assert (bug.exit_code, str(bug)) == (1, "IndexError: 3: this is a bug, run with --debug for the traceback")


def test_workers_that_die_again_and_again_are_given_up() -> None:
    said: list[str] = []
    deaths, process = Deaths(said.append, "student"), cast(Any, SimpleNamespace(exitcode=-9))
    for _ in range(3):
        deaths.count(process)
    deaths.forget()
    for _ in range(3):
        deaths.count(process)
    with pytest.raises(TrainingError, match=r"4 workers in a row died \(exit code -9\) without finishing a student"):
        deaths.count(process)
    assert len(said) == 6


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "nothing happened"
        time.sleep(0.01)


def children(process: int) -> list[int]:
    """Worker processes of a process; its resource tracker is none."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
