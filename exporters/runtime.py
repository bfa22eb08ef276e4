"""What every target's runner needs: timing one inference, and a terminal that a runtime does not write on."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from factory.contracts.dataset import Floats

_WARM_UP = 5


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
