"""Signals as text in a page: base64 of little-endian numbers, two bytes a value where that is exact enough to look at.

A signal is the times (float32, seconds from the recording's begin) and then one channel after the other. A channel is
int16 with a lowest value and a step, -32768 standing for none; or float32 where a spike would make the step coarse.
"""

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats
from factory.contracts.overview import Line

_STEPS = 65_000
_MISSING = -32_768
_COARSE = 0.01
"""Largest step, in units of what the middle nine tenths of the values span."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """One recording's signal.

    Attributes:
        text: Base64.
        points: P.
        codes: Per channel, its lowest value and step; None where it is float32.
    """

    text: str
    points: int
    codes: tuple[tuple[float, float] | None, ...]


def pack(line: Line, begin_s: float) -> Packed:
    """A signal as text; times become seconds after `begin_s`."""
    parts: list[bytes] = [(line.time_s - begin_s).astype("<f4").tobytes()]
    codes: list[tuple[float, float] | None] = []
    for column in range(line.values.shape[1]):
        values = line.values[:, column]
        code = _code(values)
        codes.append(code)
        parts.append(values.astype("<f4").tobytes() if code is None else _quantised(values, *code).tobytes())
    text = base64.b64encode(b"".join(parts)).decode("ascii")
    return Packed(text=text, points=len(line.time_s), codes=tuple(codes))


def _code(values: Floats) -> tuple[float, float] | None:
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    step = (high - low) / _STEPS or 1.0
    body = np.subtract(*np.percentile(known, [95, 5]))
    return None if step > _COARSE * body and low < high else (low, step)


def _quantised(values: Floats, low: float, step: float) -> NDArray[np.int16]:
    known = np.isfinite(values)
    steps = np.rint((np.where(known, values, low).astype(np.float64) - low) / step) - _STEPS // 2
    quantised: NDArray[np.int16] = np.where(known, steps, _MISSING).astype("<i2")
    return quantised
