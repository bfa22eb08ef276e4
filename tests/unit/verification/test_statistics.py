"""Statistics of windows: hand-computed, indifferent to how a sensor is worn where that is promised, always finite."""

import numpy as np
import pytest

from factory.verification.statistics import statistics, triads
from tests.unit.verification.world import LENGTH, make_spec


def test_triads_are_the_sensors_with_three_axes() -> None:
    spec = make_spec()
    assert triads(spec) == ((0, 1, 2), (3, 4, 5))
    assert triads(spec.model_copy(update={"channels": spec.channels[1:]})) == ((2, 3, 4),)


def test_accelerometer_and_gyroscope_give_158() -> None:
    x = np.random.default_rng(0).normal(size=(3, 6, LENGTH)).astype(np.float32)
    assert statistics(x, triads(make_spec())).shape == (3, 158)


def test_figures_of_a_sine_match_hand_computed_ones() -> None:
    time = np.arange(64)
    x = (2 + np.cos(2 * np.pi * 8 * time / 64 + 0.1))[None, None].astype(np.float32)
    found = statistics(x)[0]
    assert found[0] == pytest.approx(2, abs=1e-5)  # mean
    assert found[1] == pytest.approx(np.sqrt(0.5), rel=1e-4)  # standard deviation
    assert found[2] == pytest.approx(2, abs=1e-5)  # mean absolute value
    assert found[3] == pytest.approx(16 / 63, abs=1 / 63)  # 8 periods cross the mean 16 times
    assert found[5] == x.min()
    assert found[9] == x.max()
    assert found[-3:] == pytest.approx([8 / 64, 1, 8 / 64], rel=1e-3)  # dominant frequency, its share, centroid


@pytest.mark.parametrize("length", [8, 9, 25, 125, 512])
def test_every_length_and_a_sensor_that_is_still_give_finite_statistics(length: int) -> None:
    x = np.full((2, 3, length), 9.81, np.float32)
    x[1] = np.random.default_rng(0).normal(size=(3, length))
    assert np.isfinite(statistics(x, ((0, 1, 2),))).all()


def test_statistics_of_the_magnitude_do_not_depend_on_how_the_sensor_is_worn() -> None:
    x = np.random.default_rng(1).normal(size=(4, 3, LENGTH)).astype(np.float32)
    turned = x[:, [1, 2, 0]] * np.array([1, -1, 1], np.float32)[:, None]
    alone, worn_otherwise = (statistics(np.sqrt((s**2).sum(1, keepdims=True))) for s in (x, turned))
    np.testing.assert_allclose(alone, worn_otherwise, rtol=1e-5)
    both = statistics(x, ((0, 1, 2),))
    assert both[0, 3] == pytest.approx(alone[0, 0], rel=1e-6)  # the fourth mean is the magnitude's


def test_many_windows_give_the_same_as_one() -> None:
    x = np.random.default_rng(2).normal(size=(1500, 3, 32)).astype(np.float32)
    np.testing.assert_array_equal(statistics(x, ((0, 1, 2),))[1400], statistics(x[1400:1401], ((0, 1, 2),))[0])
