"""Separate sensor streams to windows: the reference of the phone's intake."""

from collections import Counter

import numpy as np
import pytest

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError
from factory.contracts.recipe import DataRecipe
from factory.contracts.window import Filter, Quantity, WindowSpec
from factory.data import streams
from factory.data.resample import resample
from factory.data.streams import AHEAD, DUPLICATE, LATE, LATE_IN_A_ROW, NOT_FINITE, Events, in_order, join, live_windows
from factory.data.windows import cut, plan_labels
from tests.fakes import HOP, LABELS, LENGTH, RATE_HZ, tiny_spec

STEP_NS = int(1e9 / RATE_HZ)
HORIZON_NS = 50_000_000
ACCELEROMETER, GYROSCOPE = Quantity.ACCELEROMETER, Quantity.GYROSCOPE


def steady(first_ns: int, count: int, seed: int = 0, step_ns: int = STEP_NS) -> Events:
    values = np.random.default_rng(seed).normal(0, 5, (count, 3)).astype(np.float32)
    return Events(time_ns=first_ns + step_ns * np.arange(count, dtype=np.int64), values=values)


def without(events: Events, low: int, high: int) -> Events:
    kept = np.r_[0:low, high : len(events.time_ns)]
    return Events(time_ns=events.time_ns[kept], values=events.values[kept])


def test_streams_on_the_grid_pass_bit_by_bit() -> None:
    acceleration, rotation = steady(0, LENGTH + HOP), steady(0, LENGTH + HOP, seed=1)
    windows = live_windows({ACCELEROMETER: acceleration, GYROSCOPE: rotation}, tiny_spec(), 0.1, HORIZON_NS)
    both = np.concatenate([acceleration.values, rotation.values], axis=1)
    assert windows.start_ns.tolist() == [0, HOP * STEP_NS]
    assert np.array_equal(windows.x[1], both[HOP : HOP + LENGTH].T)


def test_streams_with_common_time_stamps_give_the_windows_of_a_recording() -> None:
    random = np.random.default_rng(3)
    time_ns = np.cumsum(random.integers(12_000_000, 27_000_000, 900)).astype(np.int64)
    time_ns[400:] += 300_000_000
    values = random.normal(0, 5, (900, 6)).astype(np.float32)
    streams = {
        ACCELEROMETER: Events(time_ns=time_ns, values=values[:, :3]),
        GYROSCOPE: Events(time_ns=time_ns, values=values[:, 3:]),
    }
    recording = Recording(
        subject="s", session="0", time_s=time_ns / 1e9, samples=values, labels=np.zeros(900, np.int64)
    )
    recipe = DataRecipe(source="watch", window=LENGTH, hop=HOP)
    pieces = resample(recording, RATE_HZ, recipe.max_gap_s)
    expected = [*cut(pieces, recipe, plan_labels(LABELS, None, {}), range(6), Counter())]

    windows = live_windows(streams, tiny_spec(), recipe.max_gap_s, HORIZON_NS)

    assert len(windows.x) > 20
    np.testing.assert_allclose(windows.x, np.concatenate([part.x for part in expected]), atol=1e-5)


def test_the_grid_begins_where_all_sensors_are_present() -> None:
    streams = {ACCELEROMETER: steady(0, 200), GYROSCOPE: steady(7_000_000, 200, seed=1)}
    windows = live_windows(streams, tiny_spec(), 0.1, HORIZON_NS)
    assert windows.start_ns[0] == 7_000_000


def test_a_gap_of_one_sensor_ends_the_windows_of_all() -> None:
    streams = {ACCELEROMETER: without(steady(0, 400), 100, 110), GYROSCOPE: steady(0, 400, seed=1)}
    windows = live_windows(streams, tiny_spec(), 0.1, HORIZON_NS)
    ends = windows.start_ns + (LENGTH - 1) * STEP_NS
    assert ((ends <= 99 * STEP_NS) | (windows.start_ns >= 110 * STEP_NS)).all()
    assert 110 * STEP_NS in windows.start_ns


def test_a_silence_as_long_as_the_limit_is_bridged() -> None:
    streams = {ACCELEROMETER: without(steady(0, 200), 100, 104), GYROSCOPE: steady(0, 200, seed=1)}
    windows = live_windows(streams, tiny_spec(), 0.1, HORIZON_NS)
    assert windows.start_ns.tolist() == [HOP * STEP_NS * index for index in range(len(windows.x))]


def test_a_rate_whose_period_is_no_whole_number_of_ns_keeps_its_last_point() -> None:
    spec = tiny_spec().model_copy(update={"rate_hz": 30.0, "length": 10, "hop": 1})
    time_ns = np.round(np.arange(10) * 1e9 / 30).astype(np.int64)
    events = Events(time_ns=time_ns, values=np.ones((10, 3), np.float32))
    assert len(live_windows({ACCELEROMETER: events, GYROSCOPE: events}, spec, 0.1, 0).x) == 1


def test_dropped_events_are_counted_by_reason() -> None:
    dropped: Counter[str] = Counter()
    time_ns = np.array([0, 100, 100, 90, 30, 200], np.int64)
    values = np.zeros((6, 3), np.float32)
    values[5, 1] = np.nan
    ordered = in_order(Events(time_ns=time_ns, values=values), 50, dropped)
    assert ordered.time_ns.tolist() == [0, 90, 100]
    assert dropped == {DUPLICATE: 1, LATE: 1, NOT_FINITE: 1}


def test_of_two_events_of_one_time_the_first_to_arrive_counts() -> None:
    events = Events(time_ns=np.array([5, 5], np.int64), values=np.array([[1, 1, 1], [2, 2, 2]], np.float32))
    assert in_order(events, 50, Counter()).values.tolist() == [[1, 1, 1]]


def inserted(events: Events, place: int, time_ns: int) -> Events:
    return Events(
        time_ns=np.insert(events.time_ns, place, time_ns), values=np.insert(events.values, place, 0.0, axis=0)
    )


def test_an_event_stamped_an_hour_ahead_costs_fifty_events_not_the_recording() -> None:
    """SensorPipelineTest.kt of the Android app has the same numbers."""
    spec = tiny_spec().model_copy(update={"rate_hz": 50.0, "length": 64, "hop": 32})
    step_ns = 20_000_000
    one = steady(0, 400, step_ns=step_ns)
    one.values[:, 0] = np.arange(400)
    streams = {ACCELEROMETER: inserted(one, 101, 100 * step_ns + 3_600 * 10**9), GYROSCOPE: one}
    windows = live_windows(streams, spec, 0.1, HORIZON_NS)
    starts = [0, 32, *range(150, 311, 32)]
    assert (windows.start_ns // step_ns).tolist() == starts
    assert windows.x[:, 0, 0].tolist() == starts
    assert windows.dropped == {ACCELEROMETER: {LATE: 49, AHEAD: 1}, GYROSCOPE: {}}


def test_the_first_event_stamped_ahead_is_dropped_too() -> None:
    dropped: Counter[str] = Counter()
    ordered = in_order(inserted(steady(0, 200), 0, 3_600 * 10**9), HORIZON_NS, dropped)
    assert (ordered.time_ns // STEP_NS).tolist() == list(range(49, 200))
    assert dropped == {LATE: 49, AHEAD: 1}


def test_fewer_late_events_in_a_row_are_only_late() -> None:
    dropped: Counter[str] = Counter()
    late, punctual = np.zeros(LATE_IN_A_ROW - 1, np.int64), np.array([10**9], np.int64)
    time_ns = np.concatenate([punctual, late, punctual + 1, late, punctual + 2])
    ordered = in_order(Events(time_ns=time_ns, values=np.zeros((len(time_ns), 3), np.float32)), 50, dropped)
    assert ordered.time_ns.tolist() == [10**9, 10**9 + 1, 10**9 + 2]
    assert dropped == {LATE: 2 * (LATE_IN_A_ROW - 1)}


def test_a_missing_sensor_is_named() -> None:
    with pytest.raises(DataError, match="needs accelerometer, gyroscope"):
        live_windows({ACCELEROMETER: steady(0, 10)}, tiny_spec(), 0.1, 0)


def test_a_contract_that_no_phone_can_feed_is_refused() -> None:
    low_pass = Filter(kind="butterworth_lowpass", channels=("acc_x",), order=3, cutoff_hz=20, causal=False)
    spec: WindowSpec = tiny_spec().model_copy(update={"filters": (low_pass,)})
    with pytest.raises(DataError, match="needs filter"):
        live_windows({ACCELEROMETER: steady(0, 10), GYROSCOPE: steady(0, 10)}, spec, 0.1, 0)


def test_sensors_of_any_name_and_width_join_at_their_time_stamps() -> None:
    heart = Events(
        time_ns=STEP_NS * np.arange(0, 100, 2, dtype=np.int64), values=np.arange(50, dtype=np.float32)[:, None]
    )
    watch = steady(STEP_NS, 99)
    (piece,) = join({"heart": heart, "watch": watch}, [("watch", 2), ("heart", 0)], RATE_HZ, 0.1)
    assert (piece.begin_ns, piece.first, piece.samples.shape) == (STEP_NS, True, (98, 2))
    assert np.array_equal(piece.samples[:, 0], watch.values[:98, 2])
    assert np.array_equal(piece.samples[:, 1], np.arange(0.5, 49.5, 0.5, dtype=np.float32))


def test_pieces_of_a_long_segment_hold_what_the_whole_would(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)

    def unsteady(count: int) -> Events:
        time_ns = 1_700_000_000_000_000_000 + np.cumsum(random.integers(9_000_000, 29_000_000, count)).astype(np.int64)
        time_ns[count // 2 :] += 150_000_000
        return Events(time_ns=time_ns, values=random.normal(0, 5, (count, 3)).astype(np.float32))

    tracks = {"a": unsteady(900), "b": unsteady(1000)}
    columns = [("a", 0), ("b", 1), ("b", 2)]
    whole = list(join(tracks, columns, 70.0, 0.1))
    monkeypatch.setattr(streams, "CHUNK", 64)
    pieces = list(join(tracks, columns, 70.0, 0.1))
    assert all(piece.first for piece in whole)
    assert sum(piece.first for piece in pieces) == len(whole) == 3
    assert max(len(piece.samples) for piece in pieces) == 64
    assert np.array_equal(
        np.concatenate([piece.samples for piece in pieces]), np.concatenate([piece.samples for piece in whole])
    )
    inner = next(piece for piece in pieces if not piece.first)
    assert inner.begin_ns == whole[0].begin_ns + round(64 * 1e9 / 70)


def test_no_sensor_gives_no_grid() -> None:
    assert list(join({}, [], RATE_HZ, 0.1)) == []
    empty = Events(time_ns=np.empty(0, np.int64), values=np.empty((0, 3), np.float32))
    assert list(join({"a": steady(0, 9), "b": empty}, [("a", 0), ("b", 0)], RATE_HZ, 0.1)) == []
