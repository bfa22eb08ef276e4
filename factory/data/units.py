"""What unit a triad of axes is in, and whether gravity is part of it, told from its values alone.

Gravity gives itself away: the mean over a second is a vector whose length hardly changes, whatever
the person does, and that length is 1 in g and 9.81 in m/s^2. Movement alone averages out. Without gravity,
and for gyroscopes, only the size of the largest values speaks; the limits below are what bodies and sensors can do.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from factory.contracts.table import SourceUnit
from factory.contracts.window import Channel, Quantity
from factory.data.sources.layout import STANDARD_GRAVITY
from factory.data.statistics import Doubles, LogHistogram

SI_FACTORS: dict[SourceUnit, float] = {
    "g": STANDARD_GRAVITY,
    "deg/s": math.pi / 180,
    "m/s^2": 1,
    "rad/s": 1,
    "uT": 1,
    "1": 1,
}
"""What a value in a unit is multiplied by to be in SI units."""
_STEADY = 0.6
"""10th over 90th percentile of the one-second mean's length, above which it is gravity."""
_FAIRLY_STEADY = 0.3
"""The same for a sensor that turns within a second, as a wrist does, ..."""
_REMAINS = 0.7
"""... if this much of a sample's length remains in the one-second mean: movement alone leaves a tenth."""
_G_RANGE = (0.8, 1.25)
"""Length of gravity in g; sensors are off by a few percent, hard movement by up to 20."""
_LARGEST_RAD_S = 40.0
"""Consumer gyroscopes end at 2000 deg/s, which is 34.9 rad/s."""
_SURELY_RAD_S = 15.0
"""Above it, once in a hundred samples: a very fast wrist, or a slow one in deg/s."""
_LEAST_RAD_S = 0.17
"""Somebody who moves turns a worn sensor faster than 10 deg/s once in a hundred samples."""
_LEAST_LINEAR = 4.0
"""Acceleration without gravity: walking reaches 4 m/s^2 once in a hundred samples, but never 4 g."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitGuess:
    """What values look like.

    Attributes:
        unit: 'm/s^2', 'g', 'rad/s', 'deg/s', or None when the values do not tell.
        gravity: Whether gravity is in it; None for other sensors, or without a second of signal.
        certain: Whether a contradicting declaration is an error rather than a doubt.
        evidence: The figures behind it, in words.
    """

    unit: str | None
    gravity: bool | None
    certain: bool
    evidence: str


def triads(channels: Sequence[Channel]) -> dict[str, tuple[int, ...]]:
    """Sensor name to the columns of its x, y and z axis; what lacks an axis is left out."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for column, channel in enumerate(channels):
        found[channel.name.removesuffix(channel.axis).rstrip("_")][channel.axis] = column
    return {name: tuple(axes[a] for a in "xyz") for name, axes in found.items() if set(axes) == set("xyz")}


class TriadStatistics:
    """Length of a triad's samples and of its one-second means, streaming.

    Args:
        bins_a_decade: Of the lengths; fewer cost less memory.
    """

    def __init__(self, bins_a_decade: int = 400) -> None:
        self.norms = LogHistogram(bins_a_decade)
        self.means = LogHistogram(bins_a_decade)

    def add(self, samples: Doubles, second: int) -> None:
        """Take in finite `samples` (T, 3) of one recording; `second` is how many make a second."""
        self.norms.add(np.linalg.norm(samples, axis=1))
        blocks = len(samples) // second
        if blocks:
            means = samples[: blocks * second].reshape(blocks, second, 3).mean(axis=1)
            self.means.add(np.linalg.norm(means, axis=1))

    def merge(self, other: Self) -> None:
        """Take in all that `other` has seen."""
        self.norms.merge(other.norms)
        self.means.merge(other.means)

    @property
    def steady(self) -> bool:
        """Whether the one-second means keep their length, as gravity makes them."""
        low, middle, high = (self.means.quantile(share) for share in (0.1, 0.5, 0.9))
        if low is None or middle is None or high is None:
            return False
        remains = middle / (self.norms.quantile(0.5) or middle)
        return low > _STEADY * high or (low > _FAIRLY_STEADY * high and remains > _REMAINS)

    @property
    def movement(self) -> float:
        """Between the 1st and the 99th percentile of the samples' length."""
        low, high = self.norms.quantile(0.01), self.norms.quantile(0.99)
        return high - low if low is not None and high is not None else 0.0

    def guess(self, quantity: Quantity) -> UnitGuess:
        """Unit and gravity of a triad that measures `quantity`."""
        if quantity in (Quantity.ACCELEROMETER, Quantity.LINEAR_ACCELERATION):
            return self._acceleration()
        if quantity is Quantity.GYROSCOPE:
            return self._rotation()
        return UnitGuess(unit=None, gravity=None, certain=False, evidence="magnetometers are left in their own unit")

    def _acceleration(self) -> UnitGuess:
        low, middle, high = (self.means.quantile(share) for share in (0.1, 0.5, 0.9))
        if low is None or middle is None or high is None:
            return UnitGuess(unit=None, gravity=None, certain=False, evidence="less than a second of signal")
        figures = f"one-second means have a length of {middle:.3g} (10th to 90th percentile {low:.3g} to {high:.3g})"
        if self.steady:
            for unit, gravity in (("m/s^2", STANDARD_GRAVITY), ("g", 1.0)):
                if _G_RANGE[0] <= middle / gravity <= _G_RANGE[1]:
                    return UnitGuess(unit=unit, gravity=True, certain=True, evidence=f"{figures}: gravity in {unit}")
            return UnitGuess(
                unit=None,
                gravity=True,
                certain=True,
                evidence=f"{figures}: steady as gravity is, but neither 9.81 m/s^2 nor 1 g",
            )
        strong = self.norms.quantile(0.99) or 0.0
        told = strong >= _LEAST_LINEAR
        certain = middle < _G_RANGE[0] * (STANDARD_GRAVITY if told else 1.0)
        evidence = f"{figures}: not steady, so no gravity; 99th percentile of the length is {strong:.3g}"
        return UnitGuess(unit="m/s^2" if told else None, gravity=False, certain=certain, evidence=evidence)

    def _rotation(self) -> UnitGuess:
        strong = self.norms.quantile(0.99)
        if strong is None:
            return UnitGuess(unit=None, gravity=None, certain=False, evidence="no rotation at all")
        evidence = f"99th percentile of the rotation is {strong:.3g}"
        if strong > _LARGEST_RAD_S:
            evidence += f", above the {_LARGEST_RAD_S:g} rad/s that sensors reach"
            return UnitGuess(unit="deg/s", gravity=None, certain=True, evidence=evidence)
        if _LEAST_RAD_S <= strong <= _SURELY_RAD_S:
            return UnitGuess(unit="rad/s", gravity=None, certain=False, evidence=evidence)
        reason = "hardly any movement in rad/s" if strong < _LEAST_RAD_S else "very fast in rad/s, slow in deg/s"
        return UnitGuess(unit=None, gravity=None, certain=False, evidence=f"{evidence}: {reason}")
