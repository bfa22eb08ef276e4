"""Units and gravity told from values alone, on made-up movement and on real recordings."""

import numpy as np
import pytest

from factory.contracts.progress import Silent
from factory.contracts.window import Quantity
from factory.data.sources.layout import STANDARD_GRAVITY
from factory.data.sources.watch import Watch
from factory.data.statistics import Doubles
from factory.data.units import TriadStatistics, UnitGuess


def guess(samples: Doubles, quantity: Quantity, second: int = 50) -> UnitGuess:
    statistics = TriadStatistics()
    statistics.add(samples, second)
    return statistics.guess(quantity)


@pytest.fixture(scope="module")
def watch() -> Doubles:
    """(T, 6) real movement of a wrist in m/s^2 and rad/s."""
    return np.concatenate([r.samples for r in Watch().recordings(None, Silent())]).astype(np.float64)


@pytest.mark.parametrize(("factor", "unit"), [(1.0, "m/s^2"), (1 / STANDARD_GRAVITY, "g")])
def test_gravity_tells_the_unit_of_a_wrist(watch: Doubles, factor: float, unit: str) -> None:
    found = guess(watch[:, :3] * factor, Quantity.ACCELEROMETER)
    assert (found.unit, found.gravity, found.certain) == (unit, True, True)


@pytest.mark.parametrize(("factor", "unit"), [(1.0, "rad/s"), (180 / np.pi, "deg/s")])
def test_size_tells_the_unit_of_rotation(watch: Doubles, factor: float, unit: str) -> None:
    assert guess(watch[:, 3:] * factor, Quantity.GYROSCOPE).unit == unit


def test_a_unit_converted_twice_is_none() -> None:
    samples = np.random.default_rng(0).normal([0, 0, STANDARD_GRAVITY**2], 5, (5000, 3))
    found = guess(samples, Quantity.ACCELEROMETER)
    assert (found.unit, found.gravity) == (None, True)


def test_movement_around_zero_holds_no_gravity() -> None:
    seconds = np.arange(5000) / 50
    samples = 6 * np.sin(2 * np.pi * seconds[:, None] * [1.7, 1.9, 2.3]) * (1 + np.sin(seconds / 9)[:, None])
    found = guess(samples, Quantity.LINEAR_ACCELERATION)
    assert (found.unit, found.gravity, found.certain) == ("m/s^2", False, True)


def test_weak_movement_without_gravity_does_not_tell_its_unit() -> None:
    samples = np.random.default_rng(0).normal(0, 0.3, (5000, 3))
    assert guess(samples, Quantity.LINEAR_ACCELERATION).unit is None


def test_less_than_a_second_tells_nothing() -> None:
    found = guess(np.ones((20, 3)), Quantity.ACCELEROMETER)
    assert (found.unit, found.gravity, found.certain) == (None, None, False)


def test_a_gyroscope_at_rest_tells_nothing() -> None:
    assert guess(np.zeros((500, 3)), Quantity.GYROSCOPE).unit is None
    assert guess(np.full((500, 3), 0.001), Quantity.GYROSCOPE).unit is None


def test_a_magnetometer_is_left_alone() -> None:
    assert guess(np.ones((500, 3)), Quantity.MAGNETOMETER).unit is None
