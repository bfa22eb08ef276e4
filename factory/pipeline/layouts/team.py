"""Who trains the candidates of a search: this process one by one, local processes, or a Ray cluster.

Each of them takes candidates and answers as they are finished. Windows go to whoever trains, so that a node of a
cluster needs this package alone, and the search's folder only where candidates learn from its teacher.
"""

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from factory.contracts.errors import FactoryError
from factory.contracts.progress import Cancel
from factory.contracts.recipe import BackboneRecipe
from factory.pipeline.cluster import Cluster, as_they_come, joined, task_of
from factory.pipeline.layouts.trial import Trainer
from factory.pipeline.request import BuildRequest
from factory.pipeline.workers import Deaths, as_failure, begin, end

Answer = tuple[float, float] | FactoryError
"""Validation macro-F1 and seconds, or why there are none."""
Train = Callable[[Mapping[int, BackboneRecipe]], Iterator[tuple[int, Answer]]]
"""Candidates by number -> number and answer of each, whichever is finished first."""
CANDIDATES = "candidate"
_POLL_S = 0.5


@contextmanager
def open_team(trainer: Trainer, request: BuildRequest, workers: int, cluster: Cluster | None) -> Iterator[Train]:
    """Whoever trains, for as long as the block lasts.

    Args:
        trainer: How a candidate is trained.
        request: Folder of unfinished candidates, progress, cancel.
        workers: Candidates at once; local ones are processes of one thread each, but for a single one.
        cluster: Of Ray, in place of local processes.

    Raises:
        MissingToolError: Ray is not installed, or did not start.
        TrainingError: Local workers die again and again.
        Cancelled: The request's cancel was set.
    """
    if cluster is not None:
        with joined(cluster.address) as ray:
            task, sent = task_of(ray, remote_candidate, cluster), ray.put(trainer)
            yield lambda students: as_they_come(
                ray, {task.remote(sent, student): number for number, student in students.items()}, request.cancel
            )
    elif workers == 1:
        yield lambda students: _one_by_one(trainer, request, students)
    else:
        with closing(_Processes(trainer, request)) as team:
            yield team.train


def remote_candidate(trainer: Trainer, student: BackboneRecipe) -> Answer:
    """On a node of a cluster, in a folder of its own; failures are returned, since Ray would wrap what is raised."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="factory-search-") as folder:
        return _attempt(trainer, student, Path(folder) / CANDIDATES, Cancel())


def _attempt(trainer: Trainer, student: BackboneRecipe, folder: Path, cancel: Cancel) -> Answer:
    try:
        return trainer.score(student, folder, cancel)
    except Exception as error:
        return as_failure(error)


def _folder(request: BuildRequest, number: int) -> Path:
    return request.build / CANDIDATES / str(number)


def _one_by_one(
    trainer: Trainer, request: BuildRequest, students: Mapping[int, BackboneRecipe]
) -> Iterator[tuple[int, Answer]]:
    for number, student in students.items():
        yield number, _attempt(trainer, student, _folder(request, number), request.cancel)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Worker:
    """A process, and this end of the pipe to it."""

    process: BaseProcess
    pipe: "Connection[tuple[BackboneRecipe, Path], Answer]"


class _Processes:
    """Local processes, each of which trains one candidate after the other; one that dies is replaced."""

    def __init__(self, trainer: Trainer, request: BuildRequest) -> None:
        self._trainer, self._request = trainer, request
        self._deaths = Deaths(request.progress.say, "student")
        self._alive: list[_Worker] = []
        self._idle: list[_Worker] = []

    def train(self, students: Mapping[int, BackboneRecipe]) -> Iterator[tuple[int, Answer]]:
        """All of them at once; one whose worker died goes on after its last finished epoch."""
        busy = {number: self._give(number, student) for number, student in students.items()}
        while busy:
            ready = wait([worker.pipe for worker in busy.values()], timeout=_POLL_S)
            self._request.cancel.raise_if_set()
            for number, worker in list(busy.items()):
                if worker.pipe not in ready:
                    continue
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    self._lose(worker)
                    busy[number] = self._give(number, students[number])
                    continue
                del busy[number]
                self._idle.append(worker)
                self._deaths.forget()
                yield number, answer

    def close(self) -> None:
        """End them, whatever they do."""
        end(worker.process for worker in self._alive)

    def _give(self, number: int, student: BackboneRecipe) -> _Worker:
        while True:
            worker = self._idle.pop() if self._idle else self._start()
            try:
                worker.pipe.send((student, _folder(self._request, number)))
            except OSError:  # it died while it had nothing to do
                self._lose(worker)
                continue
            return worker

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(self._trainer, there), daemon=True)
        process.start()
        there.close()  # so that the pipe ends with the process
        self._alive.append(worker := _Worker(process=process, pipe=here))
        return worker

    def _lose(self, worker: _Worker) -> None:
        self._alive.remove(worker)
        worker.process.join()
        worker.pipe.close()
        self._deaths.count(worker.process)


def _work(trainer: Trainer, pipe: "Connection[Answer, tuple[BackboneRecipe, Path]]") -> None:
    """A worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begin()
    while True:
        student, folder = pipe.recv()
        pipe.send(_attempt(trainer, student, folder, Cancel()))


def _end_with_parent() -> None:
    """A candidate goes on in another process at once, which must be the only one in its folder."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
