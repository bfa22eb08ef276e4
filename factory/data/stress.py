"""What may go wrong between the recordings of a data set and a phone in use, done to test windows.

Every change is drawn from a seed alone, so that all models answer the same windows. Models are not trained for it.

Shape legend: N windows, C channels, T time steps.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from factory.contracts.bench import StressName
from factory.contracts.dataset import Floats
from factory.contracts.window import Channel, Quantity, WindowSpec

STANDARD_GRAVITY = 9.80665
ROTATION_RAD = np.pi / 6
"""30 degrees, about an axis drawn for each window: a phone that sits otherwise in its pocket."""
RATES_HZ = (40.0, 110.0)
"""Between which a phone's own rate is drawn for each window."""
RATE_JITTER = 0.2
"""Deviation of a time stamp, in the phone's own periods."""
LOST = 0.3
"""Share of the samples that are lost; what is between their neighbours is interpolated."""
NOISE = 0.3
"""In a channel's standard deviations over the windows."""
Generator = np.random.Generator
Change = Callable[[Floats, WindowSpec, Generator], Floats]


def stressed(x: Floats, spec: WindowSpec, stress: StressName, seed: int) -> Floats | None:
    """A changed copy of windows (N, C, T) float32, SI units; None where the stress does not apply to these channels.

    Args:
        x: Windows.
        spec: Their channels and rate.
        stress: What is done to them.
        seed: Decides every draw, together with the stress.
    """
    if not applies(spec, stress):
        return None
    generator = np.random.default_rng([seed, *stress.encode()])
    return _CHANGES[stress](np.array(x, np.float32), spec, generator).astype(np.float32)


def applies(spec: WindowSpec, stress: StressName) -> bool:
    """Turning needs a sensor of three axes, a dead sensor another that lives, a wrong unit an accelerometer."""
    if stress in ("rotation", "turned"):
        return bool(_triads(spec.channels))
    if stress == "dead_sensor":
        return len(_sensors(spec.channels)) > 1
    return stress != "units" or any(channel.unit == "m/s^2" for channel in spec.channels)


def _rotation(x: Floats, spec: WindowSpec, generator: Generator) -> Floats:
    """All sensors of a placement turn together."""
    turns: dict[str, NDArray[np.float64]] = {}
    for placement, places in _triads(spec.channels):
        if placement not in turns:
            turns[placement] = _turns(len(x), generator)
        x[:, places] = turns[placement] @ x[:, places]
    return x


def _turned(x: Floats, spec: WindowSpec, generator: Generator) -> Floats:
    """Half a turn about x, y or z, of all sensors of a placement together: upside down, or on the other hand."""
    signs = 2 * np.eye(3)[generator.integers(3, size=len(x))] - 1
    for _, places in _triads(spec.channels):
        x[:, places] *= signs[:, :, None]
    return x


def _turns(count: int, generator: Generator) -> NDArray[np.float64]:
    """(count, 3, 3) rotations of ROTATION_RAD about random axes (Rodrigues' formula)."""
    axis = generator.normal(size=(count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    cross = np.zeros((count, 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    return np.asarray(np.eye(3) + np.sin(ROTATION_RAD) * cross + (1 - np.cos(ROTATION_RAD)) * (cross @ cross))


def _rate(x: Floats, spec: WindowSpec, generator: Generator) -> Floats:
    """Sampled at another rate, unevenly, and resampled to the contract's by time stamp, as an app does."""
    grid = np.arange(spec.length) / spec.rate_hz
    for window in x:
        rate = generator.uniform(*RATES_HZ)
        stamps = np.arange(int(grid[-1] * rate) + 2) / rate
        stamps = np.sort(stamps + RATE_JITTER / rate * generator.normal(size=len(stamps)))
        for channel in window:
            channel[:] = np.interp(grid, stamps, np.interp(stamps, grid, channel))
    return x


def _lost(x: Floats, spec: WindowSpec, generator: Generator) -> Floats:
    """First and last sample are always there."""
    steps = np.arange(spec.length)
    for window in x:
        there = generator.random(spec.length) >= LOST
        there[[0, -1]] = True
        for channel in window:
            channel[:] = np.interp(steps, steps[there], channel[there])
    return x


def _noise(x: Floats, spec: WindowSpec, generator: Generator) -> Floats:
    deviation = x.std(axis=(0, 2), keepdims=True)
    return np.asarray(x + NOISE * deviation * generator.normal(size=x.shape))


def _dead_sensor(x: Floats, spec: WindowSpec, generator: Generator) -> Floats:
    """One sensor of each window gives zeros."""
    sensors = _sensors(spec.channels)
    dead = generator.integers(len(sensors), size=len(x))
    for number, places in enumerate(sensors):
        x[np.ix_(dead == number, places)] = 0
    return x


def _units(x: Floats, spec: WindowSpec, generator: Generator) -> Floats:
    """Accelerations in g."""
    x[:, [place for place, channel in enumerate(spec.channels) if channel.unit == "m/s^2"]] /= STANDARD_GRAVITY
    return x


def _sensors(channels: tuple[Channel, ...]) -> list[list[int]]:
    """Places of the channels of each sensor: one quantity at one placement."""
    found: dict[tuple[str, Quantity], list[int]] = {}
    for place, channel in enumerate(channels):
        found.setdefault((channel.placement, channel.quantity), []).append(place)
    return list(found.values())


def _triads(channels: tuple[Channel, ...]) -> list[tuple[str, list[int]]]:
    """Placement, and places of x, y and z, of each sensor that has all three."""
    triads = []
    for places in _sensors(channels):
        axes = {channels[place].axis: place for place in places}
        if len(axes) == 3:
            triads.append((channels[places[0]].placement, [axes["x"], axes["y"], axes["z"]]))
    return triads


_CHANGES: dict[StressName, Change] = {
    "rotation": _rotation,
    "turned": _turned,
    "rate": _rate,
    "lost": _lost,
    "noise": _noise,
    "dead_sensor": _dead_sensor,
    "units": _units,
}
