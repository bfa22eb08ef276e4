"""Stresses of test windows: what each does, and that it is the same for every model."""

import numpy as np
import pytest

from factory.contracts.bench import StressName
from factory.contracts.dataset import Floats
from factory.data.stress import LOST, STANDARD_GRAVITY, applies, stressed
from tests.fakes import tiny_windows

ALL: tuple[StressName, ...] = ("rotation", "turned", "rate", "lost", "noise", "dead_sensor", "units")
WINDOWS = tiny_windows(each=4)
X = np.asarray(WINDOWS.x)


def changed(name: StressName, seed: int = 0) -> Floats:
    found = stressed(X, WINDOWS.spec, name, seed)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ALL)
def test_a_stress_changes_a_copy_and_is_drawn_from_its_seed(name: StressName) -> None:
    before = X.copy()
    once, again = changed(name), changed(name)
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(X, before)
    assert once.dtype == np.float32
    assert once.shape == X.shape
    assert not np.array_equal(once, X)
    if name != "units":
        assert not np.array_equal(once, changed(name, seed=1))


def test_rotation_turns_acceleration_and_rate_together_by_thirty_degrees() -> None:
    turned = changed("rotation")
    for sensor in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(
            np.linalg.norm(turned[:, sensor], axis=1), np.linalg.norm(X[:, sensor], axis=1), rtol=1e-3
        )
    matrices = [np.linalg.lstsq(a[:3].T, b[:3].T, rcond=None)[0].T for a, b in zip(X, turned, strict=True)]
    rates = [np.linalg.lstsq(a[3:].T, b[3:].T, rcond=None)[0].T for a, b in zip(X, turned, strict=True)]
    angles = np.degrees(np.arccos([(np.trace(matrix) - 1) / 2 for matrix in matrices]))
    np.testing.assert_allclose(angles, 30, atol=0.5)
    np.testing.assert_allclose(matrices, rates, atol=1e-3)


def test_turned_is_half_a_turn_of_all_sensors_together() -> None:
    signs = np.sign(changed("turned") * X)[:, :, 0]
    np.testing.assert_allclose(np.abs(changed("turned")), np.abs(X))
    np.testing.assert_array_equal(signs[:, :3], signs[:, 3:])
    assert {tuple(row) for row in signs[:, :3].tolist()} == {(1, -1, -1), (-1, 1, -1), (-1, -1, 1)}


def test_another_rate_keeps_slow_movement_and_the_window_in_place() -> None:
    walks = WINDOWS.y == 1
    moved = changed("rate")[walks]
    error = np.abs(moved - X[walks]).mean() / X[walks].std()
    assert 0 < error < 0.1


def test_lost_samples_are_interpolated() -> None:
    lost = changed("lost")
    kept = (lost == X).all(axis=1)
    assert kept.mean() == pytest.approx(1 - LOST, abs=0.05)
    assert kept[:, [0, -1]].all()


def test_one_sensor_of_each_window_is_dead() -> None:
    silent = changed("dead_sensor") == 0
    acc, gyro = silent[:, :3].all(axis=(1, 2)), silent[:, 3:].all(axis=(1, 2))
    assert (acc ^ gyro).all()
    assert acc.any()
    assert gyro.any()


def test_accelerations_are_in_g_and_rates_are_not() -> None:
    units = changed("units")
    np.testing.assert_allclose(units[:, :3] * STANDARD_GRAVITY, X[:, :3], rtol=1e-5)
    np.testing.assert_array_equal(units[:, 3:], X[:, 3:])


def test_a_stress_that_cannot_happen_is_left_out() -> None:
    spec = WINDOWS.spec.model_copy(update={"channels": WINDOWS.spec.channels[3:5]})
    assert [name for name in ALL if applies(spec, name)] == ["rate", "lost", "noise"]
    assert stressed(X[:, 3:5], spec, "units", 0) is None
