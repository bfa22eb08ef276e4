"""Recordings of made-up people who rest and walk, for the tests of what `data check` finds."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from factory.contracts.dataset import Floats, Recording
from factory.contracts.window import Quantity
from factory.data.sources.layout import index_time, triad

CHANNELS = triad("acc", Quantity.ACCELEROMETER, "wrist") + triad("gyro", Quantity.GYROSCOPE, "wrist")
LABELS = ("rest", "walk")
PEOPLE = ("ann", "bob", "cid", "dee")
ACC, GYRO = slice(0, 3), slice(3, 6)


def recording(subject: str, seed: int, samples: int = 1000, session: str = "") -> Recording:
    """Half rest, half walk, at 50 Hz, gravity on z."""
    rng = np.random.default_rng(seed)
    strength = np.where(np.arange(samples) < samples // 2, 0.1, 2.0)[:, None]
    values = rng.normal([0, 0, 9.81, 0, 0, 0], strength, (samples, 6))
    return Recording(
        subject=subject,
        session=session or str(seed),
        time_s=index_time(samples, 50),
        samples=values.astype(np.float32),
        labels=(np.arange(samples) >= samples // 2).astype(np.int64),
    )


def people(names: Sequence[str] = PEOPLE, runs: int = 2) -> list[Recording]:
    return [recording(who, 10 * index + run) for index, who in enumerate(names) for run in range(runs)]


def changed(
    recordings: Sequence[Recording],
    change: Callable[[Floats], Floats],
    whose: Sequence[str],
    columns: slice = slice(None),
    sessions: Sequence[str] | None = None,
) -> list[Recording]:
    """The recordings, columns of some people's (or of their sessions) replaced by what `change` makes of them."""
    found = []
    for one in recordings:
        if one.subject in whose and (sessions is None or one.session in sessions):
            samples = one.samples.copy()
            samples[:, columns] = change(samples[:, columns])
            one = replace(one, samples=samples)
        found.append(one)
    return found
