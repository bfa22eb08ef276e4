"""The committed replays: Python computes the windows that Kotlin is tested against, and a wrong intake fails."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Floats
from factory.contracts.window import Quantity, WindowSpec
from factory.data.streams import LiveWindows, live_windows
from tests.replay.make import PLANS, make_vector
from tests.replay.vectors import ANDROID_TYPES, FOLDER, Vector, counted, read_vector

NAMES = [plan.name for plan in PLANS]
TOLERANCE = 1e-5
"""Of a window's values; the same for every other implementation."""


@pytest.fixture(params=NAMES)
def vector(request: pytest.FixtureRequest) -> Vector:
    return read_vector(FOLDER / request.param)


def replayed(vector: Vector, spec: WindowSpec | None = None, values: Floats | None = None) -> LiveWindows:
    arrivals = vector.arrivals if values is None else replace(vector.arrivals, values=values)
    return live_windows(arrivals.by_sensor(), spec or vector.contract.window, vector.max_gap_s, vector.reorder_ns)


def matches(vector: Vector, windows: LiveWindows) -> bool:
    if windows.x.shape != vector.x.shape:
        return False
    return bool(np.abs(windows.x - vector.x).max() <= TOLERANCE and (windows.start_ns == vector.start_ns).all())


def test_windows_and_dropped_events_are_those_on_disk(vector: Vector) -> None:
    windows = replayed(vector)
    assert matches(vector, windows)
    assert counted(windows) == vector.dropped


def test_the_recording_holds_every_irregularity(vector: Vector) -> None:
    for events in vector.arrivals.by_sensor().values():
        step = np.diff(events.time_ns)
        assert (step < 0).any(), "out of order"
        assert (step > vector.max_gap_s * 1e9).any(), "gap"
        assert np.isnan(events.values).any()
    assert all(min(reasons.values()) > 0 for reasons in vector.dropped.values())
    assert np.diff(vector.arrivals.kind).any(), "sensors interleave"
    assert len(vector.x) >= 5


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 200_000


def test_swapped_axes_fail(vector: Vector) -> None:
    assert not matches(vector, replayed(vector, values=vector.arrivals.values[:, [1, 0, 2]]))


def test_g_instead_of_si_units_fails(vector: Vector) -> None:
    acceleration = vector.arrivals.kind == ANDROID_TYPES[Quantity.ACCELEROMETER]
    values = np.where(acceleration[:, None], vector.arrivals.values / 9.80665, vector.arrivals.values)
    assert not matches(vector, replayed(vector, values=values.astype(np.float32)))


@pytest.mark.parametrize("change", [{"rate_hz": 49.0}, {"hop": 63}, {"length": 96}])
def test_another_contract_fails(vector: Vector, change: dict[str, float]) -> None:
    assert not matches(vector, replayed(vector, spec=vector.contract.window.model_copy(update=change)))


@pytest.mark.data
def test_the_tool_writes_what_is_committed(data_folder: Path) -> None:
    for plan in PLANS:
        made, kept = make_vector(plan, None if plan.name == "watch" else data_folder), read_vector(FOLDER / plan.name)
        assert np.array_equal(made.arrivals.time_ns, kept.arrivals.time_ns)
        np.testing.assert_allclose(made.arrivals.values, kept.arrivals.values, atol=1e-4, equal_nan=True)
        assert made.contract.window == kept.contract.window
