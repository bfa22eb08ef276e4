"""The student beside its teacher: parameters, multiply-accumulates, and time of one window on this machine."""

import time

import numpy as np
import torch

from factory.contracts.dataset import Floats
from factory.contracts.manifest import NetworkCost, Savings
from factory.models import Ensemble, Network, fold

_ROUND = 10


def measure_savings(
    networks: tuple[Ensemble, Network],
    costs: tuple[NetworkCost, NetworkCost],
    windows: tuple[Floats, Floats],
    runs: int,
) -> Savings:
    """Compare teacher and student, in this order in each argument.

    Args:
        networks: In eval mode; both are timed with folded norms.
        costs: Of both.
        windows: (C', T) and (C, T), one window as each sees it.
        runs: Timed inferences of each, rounded up to rounds of ten that take turns.
    """
    teacher_us, student_us = _medians(networks, windows, runs)
    teacher, student = costs
    return Savings(
        parameters=1 - student.parameters / teacher.parameters,
        macs=1 - student.macs / teacher.macs,
        speedup=teacher_us / student_us,
        teacher_us=teacher_us,
        student_us=student_us,
    )


@torch.inference_mode()
def _medians(networks: tuple[Ensemble, Network], windows: tuple[Floats, Floats], runs: int) -> list[float]:
    """Microseconds of one window on one thread."""
    folded = (networks[0].folded(), fold(networks[1]))
    inputs = [torch.from_numpy(np.array(window))[None, :, None, :] for window in windows]
    threads, times = torch.get_num_threads(), np.empty((2, -(-runs // _ROUND) * _ROUND))
    torch.set_num_threads(1)
    try:
        for start in range(0, times.shape[1], _ROUND):
            for which, (network, window) in enumerate(zip(folded, inputs, strict=True)):
                network(window)
                for index in range(start, start + _ROUND):
                    began = time.perf_counter()
                    network(window)
                    times[which, index] = time.perf_counter() - began
    finally:
        torch.set_num_threads(threads)
    medians: list[float] = (1e6 * np.median(times, axis=1)).tolist()
    return medians
