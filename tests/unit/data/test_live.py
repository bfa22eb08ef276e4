"""Windows from a table, and values that contradict their contract."""

import numpy as np
import pytest

from factory.contracts.dataset import Floats
from factory.contracts.errors import DataError
from factory.contracts.window import Normalisation, SensorContract, WindowSpec
from factory.data.live import cut_table, doubts, require_si
from tests.fakes import HOP, LENGTH, RATE_HZ, tiny_spec, tiny_windows

SPEC = tiny_spec()
GAP_S = 0.1


def table(seconds: float = 8.0, rate_hz: float = RATE_HZ) -> dict[str, np.ndarray]:
    """A wrist that moves a little under gravity."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    random = np.random.default_rng(0)
    columns = {"time_s": time_s}
    for channel in SPEC.channels:
        rest = 9.81 if channel.name == "acc_z" else 0.0
        columns[channel.name] = rest + 0.5 * np.sin(2 * np.pi * time_s) + 0.05 * random.normal(size=len(time_s))
    return columns


def test_a_table_on_the_grid_is_cut_as_training_does() -> None:
    given = table()
    found = cut_table(given, SPEC, GAP_S)
    samples = np.stack([given[c.name] for c in SPEC.channels]).astype(np.float32)
    assert len(found.x) == (len(given["time_s"]) - LENGTH) // HOP + 1
    for window, start_s in zip(found.x, found.start_s, strict=True):
        begin = round(start_s * RATE_HZ)
        np.testing.assert_allclose(window, samples[:, begin : begin + LENGTH], atol=1e-6)


def test_another_rate_is_resampled_and_a_gap_is_not_bridged() -> None:
    given = table(rate_hz=100.0)
    hole = (given["time_s"] < 3) | (given["time_s"] > 4)
    found = cut_table({name: values[hole] for name, values in given.items()}, SPEC, GAP_S)
    ends = found.start_s + LENGTH / RATE_HZ
    assert not ((found.start_s < 3) & (ends > 4)).any()
    assert len(found.x) > 3


def test_units_are_converted_by_channel_or_quantity() -> None:
    given = table()
    in_g = {name: values / 9.80665 if name.startswith("acc") else values for name, values in given.items()}
    expected = cut_table(given, SPEC, GAP_S).x
    np.testing.assert_allclose(cut_table(in_g, SPEC, GAP_S, {"accelerometer": "g"}).x, expected, atol=1e-4)
    one = {**given, "acc_x": given["acc_x"] / 9.80665}
    np.testing.assert_allclose(cut_table(one, SPEC, GAP_S, {"acc_x": "g"}).x, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "units", "message"),
    [
        ({"acc_x": None}, {}, "no column acc_x"),
        ({}, {"accelerometer": "deg/s"}, "acc_x is said to be in deg/s: it takes m/s\\^2 or g"),
        ({}, {"magnetometer": "uT"}, "units names magnetometer"),
        ({"acc_x": ["a"] * 400}, {}, "acc_x is not numeric"),
        ({"acc_x": np.zeros(3)}, {}, "different lengths"),
        ({"time_s": np.zeros(400)}, {}, "time stamps do not rise"),
        ({"time_s": np.arange(400) * 20.0}, {}, "all further apart"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(change: dict[str, object], units: dict[str, str], message: str) -> None:
    given = {name: value for name, value in {**table(), **change}.items() if value is not None}
    with pytest.raises(DataError, match=message):
        cut_table(given, SPEC, GAP_S, units)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="a recording is a table, got str"):
        cut_table("walk.csv", SPEC, GAP_S)  # type: ignore[arg-type]


def test_a_pyarrow_table_is_one() -> None:
    import pyarrow

    given = table()
    np.testing.assert_array_equal(cut_table(pyarrow.table(given), SPEC, GAP_S).x, cut_table(given, SPEC, GAP_S).x)


def test_a_table_shorter_than_a_window_is_refused() -> None:
    with pytest.raises(DataError, match="no window"):
        cut_table(table(seconds=0.5), SPEC, GAP_S)


def calm() -> Floats:
    return cut_table(table(seconds=60), SPEC, GAP_S).x


def test_real_units_pass() -> None:
    require_si(calm(), SPEC)
    require_si(tiny_windows().x, SPEC)


@pytest.mark.parametrize(
    ("columns", "factor", "message"),
    [
        (slice(0, 3), 1 / 9.80665, "acc is taken in m/s\\^2, but looks like g"),
        (slice(3, 6), 57.3, "gyro is taken in rad/s, but looks like deg/s"),
    ],
)
def test_another_unit_is_refused(columns: slice, factor: float, message: str) -> None:
    x = calm()
    x[:, columns] *= np.float32(3 * factor if columns.start else factor)
    with pytest.raises(DataError, match=message):
        require_si(x, SPEC)


def test_a_unit_converted_twice_is_refused_and_a_swing_is_not() -> None:
    x = calm()
    x[:, :3] *= np.float32(9.80665)
    with pytest.raises(DataError, match=r"acc holds gravity 96\.\d m/s\^2 long, it is 9\.81 .*: correct the unit"):
        require_si(x[:2], SPEC)
    x[:, :3] *= np.float32(1.6 / 9.80665)
    require_si(x[:2], SPEC)


def test_a_lack_of_gravity_is_refused_once_there_is_enough_signal() -> None:
    x = calm()
    x[:, 2] -= 9.81
    x[:, :3] *= 6
    with pytest.raises(DataError, match="acc holds no gravity"):
        require_si(x, SPEC)
    require_si(x[:3], SPEC)


@pytest.mark.parametrize("shape", [(0, 6, LENGTH), (2, LENGTH, 6), (2, 6, LENGTH + 1), (6, LENGTH)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"expected \(windows, 6, 64\)"):
        require_si(np.zeros(shape, np.float32), SPEC)


def test_a_value_that_is_not_finite_is_refused() -> None:
    x = calm()
    x[2, 1, 5] = np.nan
    with pytest.raises(DataError, match="window 2 holds a value that is not finite"):
        require_si(x, SPEC)


def contract(mean: tuple[float, float, float], spec: WindowSpec = SPEC) -> SensorContract:
    """Of a model whose training windows had this mean acceleration."""
    constants = Normalisation(mean=(*mean, 0.0, 0.0, 0.0), std=(1.0,) * 6, clip=6.0)
    return SensorContract(name="demo", window=spec, normalisation=constants, phone_obstacles=())


def test_gravity_the_way_of_training_raises_no_doubt() -> None:
    assert doubts(calm(), contract((1.0, 2.0, 9.0))) == ()
    assert doubts(calm(), contract((9.0, 0.0, 0.0))) == (), "another posture"


def test_signs_of_the_other_platform_are_doubted() -> None:
    (said,) = doubts(calm(), contract((0.0, 1.0, -9.0)))
    assert "gravity in acc points the other way than in training" in said
    assert "turn their signs" in said
    x = calm()
    x[:, :3] *= -1
    assert len(doubts(x, contract((0.0, 1.0, 9.0)))) == 1


def test_where_training_or_recording_has_no_direction_nothing_is_doubted() -> None:
    assert doubts(calm(), contract((0.0, 1.0, -4.0))) == ()
    x = calm()
    x[:, 2] *= -0.4
    assert doubts(x, contract((0.0, 1.0, 9.0))) == ()


def test_acceleration_without_gravity_is_not_doubted() -> None:
    channels = tuple(channel.model_copy(update={"gravity": False}) for channel in SPEC.channels)
    assert doubts(calm(), contract((0.0, 1.0, -9.0), SPEC.model_copy(update={"channels": channels}))) == ()
