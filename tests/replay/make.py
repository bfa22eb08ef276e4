"""Makes the committed replay vectors from real recordings: `FACTORY_DATA=folder python -m tests.replay.make`.

Real signals (the watch recordings of seglearn, a phone of MotionSense) are read at the irregular times of a sensor
that jitters, drifts, pauses, repeats itself, delivers in batches and out of order.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from factory.contracts.dataset import Floats, Ints
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe
from factory.contracts.window import Normalisation, Quantity, SensorContract
from factory.data.preparation import window_spec
from factory.data.sources import Source
from factory.data.sources.motionsense import MotionSense
from factory.data.sources.watch import Watch
from factory.data.streams import Events, live_windows
from factory.data.windows import plan_labels
from tests.replay.vectors import ANDROID_TYPES, FOLDER, Arrivals, Vector, counted, write_vector

BOOT_NS = 81_234_567_890_123
"""A phone that was started a day ago."""
REORDER_NS = 50_000_000
_SHUFFLED_NS = 35_000_000
"""Largest delay of an event behind a newer one: within the horizon."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensor:
    """How one sensor misbehaves.

    Attributes:
        rate_hz: What it delivers, whatever was asked.
        jitter: Standard deviation of an interval, as a share of it.
        late_start_s: After the other sensor.
        silent: Pauses, (begin, end) in seconds.
        batch: Events delivered at once.
    """

    rate_hz: float
    jitter: float
    late_start_s: float
    silent: tuple[tuple[float, float], ...]
    batch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One vector.

    Attributes:
        name: Its folder.
        source: Where the signal is from.
        recipe: Its contract.
        recordings: Places among the source's recordings; one activity follows the other.
        seconds: Length of the vector.
        skip_s: Left out at each recording's begin.
        sensors: How each sensor delivers.
    """

    name: str
    source: Source
    recipe: DataRecipe
    recordings: tuple[int, ...]
    seconds: float
    skip_s: float
    sensors: dict[Quantity, Sensor]


PLANS = (
    Plan(
        name="watch",
        source=Watch(),
        recipe=DataRecipe(source="watch"),
        recordings=(17, 29),
        seconds=13.0,
        skip_s=2.0,
        sensors={
            Quantity.ACCELEROMETER: Sensor(
                rate_hz=51.3, jitter=0.12, late_start_s=0.0, silent=((6.1, 6.45),), batch=25
            ),
            Quantity.GYROSCOPE: Sensor(
                rate_hz=47.1, jitter=0.18, late_start_s=0.137, silent=((6.3, 6.52), (9.9, 9.97)), batch=1
            ),
        },
    ),
    Plan(
        name="pocket",
        source=MotionSense(),
        recipe=DataRecipe(source="motionsense", rate_hz=40.0, window=64, hop=48),
        recordings=(5,),
        seconds=9.0,
        skip_s=4.0,
        sensors={
            Quantity.ACCELEROMETER: Sensor(
                rate_hz=104.2, jitter=0.05, late_start_s=0.021, silent=((5.0, 5.09),), batch=40
            ),
            Quantity.GYROSCOPE: Sensor(rate_hz=41.7, jitter=0.25, late_start_s=0.0, silent=((3.5, 3.72),), batch=12),
        },
    ),
)


def make_vector(plan: Plan, folder: Path | None) -> Vector:
    """Events of one recording and the windows that Python computes from them."""
    signal = _signal(plan, folder)
    labels = plan_labels(plan.source.labels, None, {})
    spec = window_spec(plan.recipe, plan.source, labels)
    arrivals = _arrivals(plan, signal, np.random.default_rng(plan.recordings))
    windows = live_windows(arrivals.by_sensor(), spec, plan.recipe.max_gap_s, REORDER_NS)
    contract = SensorContract(
        name=plan.name,
        window=spec,
        normalisation=Normalisation(
            mean=tuple(signal.mean(axis=0).tolist()),
            std=tuple(signal.std(axis=0).tolist()),
            clip=6.0,
        ),
        phone_obstacles=tuple(spec.phone_obstacles()),
    )
    return Vector(
        contract=contract,
        max_gap_s=plan.recipe.max_gap_s,
        reorder_ns=REORDER_NS,
        arrivals=arrivals,
        x=windows.x,
        start_ns=windows.start_ns,
        dropped=counted(windows),
    )


def _signal(plan: Plan, folder: Path | None) -> Floats:
    """(T, 6) at the source's rate: as much of each recording, one after the other."""
    rate_hz = plan.source.nominal_rate_hz
    first, each = round(plan.skip_s * rate_hz), round(plan.seconds * rate_hz / len(plan.recordings))
    recordings = [*islice(plan.source.recordings(folder, Silent()), max(plan.recordings) + 1)]
    return np.concatenate([recordings[place].samples[first : first + each] for place in plan.recordings])


def _arrivals(plan: Plan, signal: Floats, random: np.random.Generator) -> Arrivals:
    kinds, times, values, arrived = [], [], [], []
    for place, (quantity, sensor) in enumerate(plan.sensors.items()):
        events = _spoilt(_measured(plan, signal, sensor, 3 * place, random), random)
        kinds.append(np.full(len(events.time_ns), ANDROID_TYPES[quantity]))
        times.append(events.time_ns)
        values.append(events.values)
        arrived.append(_arrival_times(events, sensor.batch))
    order = np.argsort(np.concatenate(arrived), kind="stable")
    return Arrivals(
        kind=np.concatenate(kinds)[order],
        time_ns=np.concatenate(times)[order],
        values=np.concatenate(values)[order],
    )


def _measured(plan: Plan, signal: Floats, sensor: Sensor, column: int, random: np.random.Generator) -> Events:
    """The real signal at the sensor's own times."""
    count = int(plan.seconds * sensor.rate_hz * 1.1)
    interval = np.maximum(random.normal(1.0, sensor.jitter, count), 0.2) / sensor.rate_hz
    time_s = sensor.late_start_s + np.cumsum(interval)
    heard = time_s < plan.seconds
    for begin, end in sensor.silent:
        heard &= (time_s < begin) | (time_s > end)
    time_s = time_s[heard]
    known = np.arange(len(signal)) / plan.source.nominal_rate_hz
    values = [np.interp(time_s, known, signal[:, column + axis]) for axis in range(3)]
    # As events.csv holds them: what is written is what the windows are computed from.
    rounded = np.round(np.stack(values, axis=1), 4).astype(np.float32)
    return Events(time_ns=BOOT_NS + np.round(time_s * 1e9).astype(np.int64), values=rounded)


def _spoilt(events: Events, random: np.random.Generator) -> Events:
    """Some events twice, out of order within the horizon, far too late, or not a number."""
    count = len(events.time_ns)
    delay = np.where(random.random(count) < 0.05, random.uniform(0, _SHUFFLED_NS, count), 0.0)
    order = np.argsort(events.time_ns + delay, kind="stable").tolist()
    for event in random.choice(count - 60, 6, replace=False).tolist():
        order.insert(order.index(event) + int(random.integers(1, 3)), event)
    for event in (count // 4, count // 2):
        order.insert(order.index(event) + 40, order.pop(order.index(event)))
    values = events.values.copy()
    values[count // 3] = np.nan
    return Events(time_ns=events.time_ns[order], values=values[order])


def _arrival_times(events: Events, batch: int) -> Ints:
    """A batch is delivered when its newest event is there; order within the sensor stays."""
    newest = np.maximum.accumulate(events.time_ns)
    last = np.minimum((np.arange(len(newest)) // batch + 1) * batch, len(newest)) - 1
    return np.asarray(newest[last], np.int64)


def main(plans: Sequence[Plan] = PLANS) -> None:
    """Write all vectors."""
    data = os.environ.get("FACTORY_DATA")
    for plan in plans:
        folder = Path(data) if data and plan.name != "watch" else None
        write_vector(FOLDER / plan.name, make_vector(plan, folder))


if __name__ == "__main__":
    main()
