"""Statistics of windows for the baseline: what a data sheet would list, computed from SI units.

Of each channel, and of each triad's magnitude (3 axes of one sensor: independent of how it is worn):

    mean, standard deviation, minimum, quartiles (3), maximum, mean absolute value,
    share of steps that cross the mean, mean absolute step,
    log10 energy in 6 bands of equal width in log frequency, from the lowest bin of the spectrum to half the rate
    (fewer where windows are so short that bands would share a bin),
    dominant frequency and its share of the energy, centroid of the spectrum (frequencies as shares of the rate)

and of each triad the three correlations of its axes: 19 (C + M) + 3 M statistics of C channels and M triads,
158 of accelerometer and gyroscope.

Shape legend: N windows, C channels, T time steps, F statistics, R bins of the spectrum.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from factory.contracts.dataset import Floats
from factory.contracts.window import WindowSpec

Triad = tuple[int, int, int]

_CHUNK = 1024
_BANDS = 6
_TINY = 1e-12


def triads(spec: WindowSpec) -> tuple[Triad, ...]:
    """Places of the x, y and z channel of each sensor that has all three."""
    sensors: dict[tuple[str, ...], dict[str, int]] = {}
    for place, channel in enumerate(spec.channels):
        stem = channel.name.removesuffix(f"_{channel.axis}")
        key = (stem, channel.quantity, channel.placement)
        sensors.setdefault(key, {})[channel.axis] = place
    return tuple((axes["x"], axes["y"], axes["z"]) for axes in sensors.values() if len(axes) == 3)


def statistics(x: Floats, sensors: Sequence[Triad] = ()) -> Floats:
    """(N, F) statistics of (N, C, T) windows; `sensors` from `triads`. Finite for finite windows, constant ones too."""
    parts = []
    for begin in range(0, len(x), _CHUNK):
        chunk = np.asarray(x[begin : begin + _CHUNK], dtype=np.float32)
        magnitudes = [np.sqrt((chunk[:, list(axes)] ** 2).sum(axis=1, keepdims=True)) for axes in sensors]
        series = np.concatenate([chunk, *magnitudes], axis=1)
        centred = series - series.mean(axis=2, keepdims=True)
        parts.append(
            np.concatenate(
                [_amplitudes(series, centred), _spectrum(centred), *(_correlations(centred, a) for a in sensors)],
                axis=1,
            )
        )
    return np.concatenate(parts).astype(np.float32)


def _amplitudes(series: Floats, centred: Floats) -> Floats:
    """(N, 10 C) of (N, C, T)."""
    length = series.shape[2]
    ranked = np.sort(series, axis=2)[:, :, [0, length // 4, length // 2, 3 * length // 4, length - 1]]
    crossings = (np.diff(np.signbit(centred), axis=2)).mean(axis=2)
    steps = np.abs(np.diff(series, axis=2)).mean(axis=2)
    plain = [series.mean(axis=2), centred.std(axis=2), np.abs(series).mean(axis=2), crossings, steps]
    return np.concatenate([*plain, ranked.reshape(len(series), -1)], axis=1)


def _spectrum(centred: Floats) -> Floats:
    """(N, 9 C) of (N, C, T): the power spectrum without its constant part."""
    length = centred.shape[2]
    power = np.abs(np.fft.rfft(centred, axis=2))[:, :, 1:].astype(np.float32) ** 2
    bins = power.shape[2]
    edges = np.unique(np.geomspace(1, bins + 1, _BANDS + 1).round().astype(np.int64)) - 1
    bands = np.log10(np.add.reduceat(power, edges[:-1], axis=2) + 1e-6)
    total = power.sum(axis=2) + _TINY
    frequency = np.arange(1, bins + 1, dtype=np.float32) / length
    top = power.argmax(axis=2)
    peak = np.take_along_axis(power, top[:, :, None], axis=2)[:, :, 0] / total
    centroid = (power * frequency).sum(axis=2) / total
    return np.concatenate([bands.reshape(len(power), -1), frequency[top], peak, centroid], axis=1)


def _correlations(centred: Floats, axes: Triad) -> Floats:
    """(N, 3): x with y, x with z, y with z; 0 where an axis is constant."""
    spread = np.sqrt((centred**2).sum(axis=2)) + _TINY
    pairs = combinations(axes, 2)
    return np.stack([(centred[:, a] * centred[:, b]).sum(axis=1) / (spread[:, a] * spread[:, b]) for a, b in pairs], 1)
