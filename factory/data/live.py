"""Windows that somebody wants labelled: cut from a table, converted to SI units, and judged against the contract.

Shape legend: N windows, C channels, T time steps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Recording
from factory.contracts.errors import DataError
from factory.contracts.window import Channel, Quantity, SensorContract, WindowSpec
from factory.data.resample import resample, segments
from factory.data.sources.layout import STANDARD_GRAVITY
from factory.data.units import SI_FACTORS, TriadStatistics

TIME = "time_s"
_SURELY_OFF = 2.0
"""How many times as long or short as gravity is no swing or jump of a few seconds: a wrong unit is 9.8 times."""
_DIRECTED, _OPPOSITE = 0.5, -0.5
"""Share of gravity that a mean must hold to have a direction, and the cosine of two that are opposite: of 529 persons'
classes in HAPT, MotionSense and the watch none is below -0.1; lying sideways with an arm sensor reaches -0.9."""
_ENOUGH_S = 30.0
"""Signal that must be there before the absence of gravity is believed: a few seconds can be one violent movement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CutRecording:
    """Windows of one recording.

    Attributes:
        x: (N, C, T) float32, SI units.
        start_s: (N,) float64, time of each window's first sample, in the recording's own seconds.
    """

    x: Floats
    start_s: NDArray[np.float64]


def cut_table(
    table: Mapping[str, Any],
    spec: WindowSpec,
    max_gap_s: float,
    units: Mapping[str, str] | None = None,
    time: str = TIME,
) -> CutRecording:
    """Resample a table by its time stamps and cut the contract's windows.

    Args:
        table: Column name to values (T,): a dict of arrays, a pandas DataFrame or a pyarrow Table.
        spec: The sensor contract; a column of each channel's name is needed.
        max_gap_s: A longer silence splits the recording.
        units: Unit of a channel or of a quantity ('acc_x' or 'accelerometer' to 'g'), where it is not the contract's.
        time: Column of time stamps in seconds, rising.

    Raises:
        DataError: A column is missing or no number, a unit is unknown or of another quantity, time stamps do not rise,
            or no window is as long as the contract's.
    """
    wanted = [time, *(channel.name for channel in spec.channels)]
    if not (hasattr(table, "keys") or hasattr(table, "column_names")):
        raise DataError(
            f"a recording is a table, got {type(table).__name__}: pass a dict of arrays, a DataFrame or a pyarrow Table"
        )
    names = _names(table)
    if missing := [name for name in wanted if name not in names]:
        raise DataError(
            f"the table has no column {', '.join(missing)}, only {', '.join(names)}: rename its columns to those of "
            f"the contract ({', '.join(wanted)})"
        )
    columns = {name: _numbers(table, name) for name in wanted}
    if len({len(values) for values in columns.values()}) != 1:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in columns.items())
        raise DataError(f"columns have different lengths ({lengths}): a row is one sample of all channels")
    samples = np.stack(
        [columns[c.name] * _factor(c, dict(units or {}), spec.channels) for c in spec.channels], axis=1
    ).astype(np.float32)
    recording = Recording(
        subject="table", session="0", time_s=columns[time], samples=samples, labels=np.zeros(len(samples), np.int64)
    )
    return _cut(recording, spec, max_gap_s)


def require_si(x: Floats, spec: WindowSpec) -> None:
    """Refuse windows whose values contradict the contract's units or gravity.

    Args:
        x: (N, C, T), as a caller believes them to be in SI units.
        spec: The sensor contract.

    Raises:
        DataError: A shape that is not the contract's, a value that is not finite, or a triad in another unit.
    """
    expected = (len(spec.channels), spec.length)
    if x.ndim != 3 or x.shape[1:] != expected or not len(x):
        raise DataError(
            f"windows have shape {x.shape}, expected (windows, {expected[0]}, {expected[1]}): {expected[0]} channels "
            f"({', '.join(c.name for c in spec.channels)}), then {expected[1]} samples at {spec.rate_hz:g} Hz"
        )
    if not np.isfinite(x).all():
        broken = int(np.flatnonzero(~np.isfinite(x).all(axis=(1, 2)))[0])
        raise DataError(f"window {broken} holds a value that is not finite: leave out windows with lost samples")
    for name, quantity, columns in _triads(spec.channels):
        _require_triad(x[:, columns], spec.channels[columns[0]], name, quantity, spec.rate_hz)


def doubts(x: Floats, contract: SensorContract) -> tuple[str, ...]:
    """What a contract does not forbid, but nobody whom the model was trained on did: gravity the other way.

    Args:
        x: (N, C, T) in SI units, after `require_si`.
        contract: Its normalisation holds the mean of the training windows, in which gravity is left over.
    """
    found = []
    means = x.mean(axis=(0, 2), dtype=np.float64)
    trained = np.asarray(contract.normalisation.mean)
    for name, quantity, columns in _triads(contract.window.channels):
        if quantity is not Quantity.ACCELEROMETER or not contract.window.channels[columns[0]].gravity:
            continue
        mine, theirs = means[columns], trained[columns]
        lengths = float(np.linalg.norm(mine)), float(np.linalg.norm(theirs))
        if min(lengths) < _DIRECTED * STANDARD_GRAVITY:
            continue
        cosine = float(mine @ theirs) / (lengths[0] * lengths[1])
        if cosine < _OPPOSITE:
            found.append(
                f"gravity in {name} points the other way than in training (mean {_vector(mine)} m/s^2, there "
                f"{_vector(theirs)}; cosine {cosine:.2f}): if nobody lies down, the device is upside down, or its axes "
                "are counted the other way, as iOS does beside Android: turn their signs"
            )
    return tuple(found)


def _vector(values: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:.1f}" for value in values) + ")"


def _require_triad(x: Floats, declared: Channel, name: str, quantity: Quantity, rate_hz: float) -> None:
    seen = TriadStatistics()
    for window in x:
        seen.add(window.T.astype(np.float64), max(round(rate_hz), 1))
    guess = seen.guess(quantity)
    if guess.certain and guess.unit not in (None, declared.unit):
        raise DataError(
            f"{name} is taken in {declared.unit}, but looks like {guess.unit} ({guess.evidence}): convert it, or say "
            f"units={{'{quantity}': '{guess.unit}'}} where a table is read"
        )
    length = seen.means.quantile(0.5) if guess.gravity and declared.gravity else None
    if length is not None and not 1 / _SURELY_OFF < length / STANDARD_GRAVITY < _SURELY_OFF:
        raise DataError(
            f"{name} holds gravity {length:.3g} {declared.unit} long, it is {STANDARD_GRAVITY:.3g} ({guess.evidence}): "
            f"correct the unit that is given, or the values"
        )
    long_enough = x.shape[0] * x.shape[2] >= _ENOUGH_S * rate_hz
    if guess.certain and guess.gravity is not None and guess.gravity != declared.gravity:
        if guess.gravity:
            raise DataError(
                f"{name} holds gravity, the contract's does not ({guess.evidence}): feed the linear acceleration"
            )
        if long_enough:
            raise DataError(
                f"{name} holds no gravity, the contract's does ({guess.evidence}): feed the raw accelerometer"
            )


def _triads(channels: Sequence[Channel]) -> Iterator[tuple[str, Quantity, list[int]]]:
    """Name, quantity and columns of each complete triad of axes."""
    groups: dict[str, list[int]] = {}
    for column, channel in enumerate(channels):
        groups.setdefault(channel.name.removesuffix(f"_{channel.axis}"), []).append(column)
    for name, columns in groups.items():
        if len(columns) == 3:
            yield name, channels[columns[0]].quantity, columns


def _cut(recording: Recording, spec: WindowSpec, max_gap_s: float) -> CutRecording:
    found, starts = [np.empty((0, len(spec.channels), spec.length), np.float32)], [np.empty(0)]
    if len(recording.time_s):
        begins = _segment_begins(recording, max_gap_s)
        for begin, samples in zip(begins, _segments(recording, spec.rate_hz, max_gap_s), strict=True):
            first = np.arange(0, len(samples) - spec.length + 1, spec.hop)
            if len(first):
                view = np.lib.stride_tricks.sliding_window_view(samples, spec.length, axis=0)
                found.append(np.ascontiguousarray(view[first]))
                starts.append(begin + first / spec.rate_hz)
    x = np.concatenate(found)
    if not len(x):
        raise DataError(
            f"no window: the table holds no {spec.window_s:.2f} s without a gap above {max_gap_s:g} s "
            f"({len(recording.time_s)} samples): record longer, or correct the time column (seconds)"
        )
    return CutRecording(x=x, start_s=np.concatenate(starts))


def _segment_begins(recording: Recording, max_gap_s: float) -> list[float]:
    return [float(recording.time_s[start]) for start, _ in segments(recording, max_gap_s)]


def _segments(recording: Recording, rate_hz: float, max_gap_s: float) -> Iterator[Floats]:
    """The samples (T, C) of each gap-free segment, whole."""
    parts: list[Floats] = []
    for piece in resample(recording, rate_hz, max_gap_s):
        if piece.first and parts:
            yield np.concatenate(parts)
            parts = []
        parts.append(piece.samples)
    if parts:
        yield np.concatenate(parts)


def _names(table: Mapping[str, Any]) -> list[str]:
    """Column names; pyarrow calls them otherwise than a dict and pandas do."""
    return [str(name) for name in getattr(table, "column_names", None) or table.keys()]


def _numbers(table: Mapping[str, Any], name: str) -> NDArray[np.float64]:
    try:
        values = np.asarray(table[name], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name} is not numeric ({error}): it takes plain numbers") from error
    if values.ndim != 1:
        raise DataError(f"column {name} has shape {values.shape}, expected one number a row")
    return values


def _factor(channel: Channel, units: dict[str, str], channels: Sequence[Channel]) -> float:
    known = {c.name for c in channels} | {str(c.quantity) for c in channels}
    if unknown := sorted(set(units) - known):
        raise DataError(f"units names {', '.join(unknown)}: it takes {', '.join(sorted(known))}")
    unit = units.get(channel.name, units.get(str(channel.quantity), channel.unit))
    allowed = [channel.unit, *(u for u, of in (("g", "m/s^2"), ("deg/s", "rad/s")) if of == channel.unit)]
    if unit not in allowed:
        raise DataError(f"{channel.name} is said to be in {unit}: it takes {' or '.join(allowed)}")
    return next(factor for name, factor in SI_FACTORS.items() if name == unit)
