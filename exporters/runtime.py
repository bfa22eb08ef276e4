"""What every target's runner needs: a clear word where it is not open, timing, and a terminal left clean."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from factory.contracts.dataset import Floats
from factory.contracts.errors import FactoryError

_WARM_UP = 5
_Handle = TypeVar("_Handle")


class NotOpenError(FactoryError, RuntimeError):
    """A runner was used before `with` opened it or after it was closed: a mistake of the calling code."""


def opened(handle: _Handle | None, runner: object, path: Path) -> _Handle:
    """What a runner holds from enter to exit: an interpreter, a method, a session.

    Raises:
        NotOpenError: It holds none now.
    """
    if handle is None:
        kind = type(runner).__name__
        raise NotOpenError(f"{path.name} is not open: use it inside 'with {kind}(path) as runner:'")
    return handle


def durations_us(infer: Callable[[], object], runs: int) -> Floats:
    """Microseconds of each of `runs` calls, after a few to warm up."""
    for _ in range(_WARM_UP):
        infer()
    durations = np.empty(runs, np.float32)
    for index in range(runs):
        start = time.perf_counter_ns()
        infer()
        durations[index] = (time.perf_counter_ns() - start) / 1e3
    return durations


@contextmanager
def quiet() -> Iterator[None]:
    """Runtimes tell about delegates and processors on the terminal, past Python; what goes wrong they raise as well."""
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
