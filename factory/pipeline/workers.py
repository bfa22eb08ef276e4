"""Local processes that train for this one: failures that cross over, and workers that die."""

import signal
from collections.abc import Callable, Iterable
from multiprocessing.process import BaseProcess

from factory.contracts.errors import FactoryError, TrainingError, describe

_MOST_DEATHS = 3
"""Of workers, with nothing finished between: then something kills them all."""


def as_failure(error: Exception) -> FactoryError:
    """An error as one that another process can read, with the line and exit code that a user is told."""
    if isinstance(error, FactoryError):
        return error
    line, code = describe(error)
    failure = FactoryError(line)
    failure.exit_code = code
    failure.__cause__ = error
    return failure


class Deaths:
    """Counts workers that died since something was finished.

    Args:
        say: Told of each.
        work: What a worker finishes, for example 'cell'.
    """

    def __init__(self, say: Callable[[str], None], work: str) -> None:
        self._say, self._work = say, work
        self._count = 0

    def forget(self) -> None:
        """Something was finished."""
        self._count = 0

    def count(self, process: BaseProcess) -> None:
        """Another one died.

        Raises:
            TrainingError: It was one too many.
        """
        self._count += 1
        if self._count > _MOST_DEATHS:
            raise TrainingError(
                f"{self._count} workers in a row died (exit code {process.exitcode}) without finishing a {self._work}: "
                "free memory, or take fewer with --workers; what is finished is kept"
            )
        self._say(f"a worker died (exit code {process.exitcode}): another takes over")


def begin() -> None:
    """In a worker, first of all: one thread, and no interrupts of its own, since whoever started it ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(1)


def end(processes: Iterable[BaseProcess]) -> None:
    """Stop workers, whatever they do."""
    stopped = list(processes)
    for process in stopped:
        process.terminate()
    for process in stopped:
        process.join()
