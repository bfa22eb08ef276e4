"""Resampling keeps what lies on the grid, interpolates what does not, and never across a gap."""

import numpy as np
import pytest
from numpy.typing import NDArray

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError
from factory.data import resample as module
from factory.data.resample import Piece, low_pass, resample


def recording(time_s: NDArray[np.float64], samples: NDArray[np.float64] | None = None) -> Recording:
    values = np.sin(time_s) if samples is None else samples
    return Recording(
        subject="a",
        session="1",
        time_s=time_s,
        samples=np.stack([values, -values], axis=1).astype(np.float32),
        labels=(np.arange(len(time_s)) // 10).astype(np.int64),
    )


def joined(pieces: list[Piece]) -> NDArray[np.float32]:
    return np.concatenate([piece.samples for piece in pieces])


def test_samples_on_the_grid_pass_bit_by_bit() -> None:
    source = recording(np.arange(1000) / 50 + 1.7e9)
    (piece,) = resample(source, 50, 0.1)
    assert np.array_equal(piece.samples, source.samples)
    assert np.array_equal(piece.labels, source.labels)


def test_jittered_samples_are_interpolated_by_time_stamp() -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(1000) / 50 + rng.uniform(-0.004, 0.004, 1000)
    pieces = list(resample(recording(time_s, 3 * time_s), 50, 0.1))
    grid = time_s[0] + np.arange(len(joined(pieces))) / 50
    assert np.allclose(joined(pieces)[:, 0], 3 * grid, atol=1e-5)


def test_label_is_that_of_the_nearest_sample() -> None:
    time_s = np.array([0.0, 0.021, 0.039, 0.062, 0.08])
    source = Recording(
        subject="a",
        session="1",
        time_s=time_s,
        samples=np.zeros((5, 1), np.float32),
        labels=np.array([0, 1, 2, 3, 4], np.int64),
    )
    (piece,) = resample(source, 100, 0.1)
    assert piece.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_gap_splits_a_recording_and_is_not_interpolated() -> None:
    time_s = np.concatenate([np.arange(100) / 50, 5 + np.arange(100) / 50])
    pieces = list(resample(recording(time_s), 50, 0.1))
    assert [piece.first for piece in pieces] == [True, True]
    assert [len(piece.samples) for piece in pieces] == [100, 100]


def test_interval_of_exactly_the_allowed_gap_does_not_split() -> None:
    assert len(list(resample(recording(np.arange(100) / 10), 50, 0.1))) == 1


def test_downsampling_removes_what_the_new_rate_cannot_hold() -> None:
    time_s = np.arange(4000) / 200
    slow, fast = np.sin(2 * np.pi * 3 * time_s), np.sin(2 * np.pi * 43 * time_s)
    (kept,) = resample(recording(time_s, slow), 50, 0.1)
    (lost,) = resample(recording(time_s, fast), 50, 0.1)
    inner = slice(50, -50)
    assert np.allclose(kept.samples[inner, 0], slow[::4][inner], atol=2e-3)
    assert np.abs(lost.samples[inner]).max() < 2e-3


def test_a_constant_stays_the_constant_when_downsampled() -> None:
    time_s = np.arange(2000) / 119.7
    (piece,) = resample(recording(time_s, np.full(2000, 9.81)), 50, 0.1)
    assert np.allclose(piece.samples[:, 0], 9.81, atol=1e-4)


def test_low_pass_is_symmetric_and_passes_constants() -> None:
    taps = low_pass(4)
    assert np.allclose(taps, taps[::-1])
    assert taps.sum() == pytest.approx(1)
    assert low_pass(1).tolist() == [1]


@pytest.mark.parametrize("rate_hz", [50.0, 49.3, 73.0, 210.0])
def test_small_chunks_give_the_same_as_one(rate_hz: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    time_s = np.cumsum(rng.uniform(0.5, 1.5, 3000)) / rate_hz
    source = recording(time_s, rng.normal(size=3000))
    whole = list(resample(source, 50, 0.1))
    monkeypatch.setattr(module, "CHUNK", 37)
    parts = list(resample(source, 50, 0.1))
    assert len(parts) >= 20
    assert np.allclose(joined(whole), joined(parts), atol=1e-6)
    labels = [np.concatenate([piece.labels for piece in pieces]) for pieces in (whole, parts)]
    assert np.array_equal(labels[0], labels[1])


@pytest.mark.parametrize("second", [0.02, 0.01, np.nan])
def test_time_that_does_not_rise_is_refused(second: float) -> None:
    with pytest.raises(DataError, match="do not rise at sample 2"):
        list(resample(recording(np.array([0, 0.02, second, 0.06])), 50, 0.1))


def test_sample_that_is_not_finite_is_refused() -> None:
    source = recording(np.arange(100) / 50)
    source.samples[40, 1] = np.inf
    with pytest.raises(DataError, match="sample 40 is not finite"):
        list(resample(source, 50, 0.1))


def test_rate_below_the_allowed_gap_is_refused_with_the_setting() -> None:
    with pytest.raises(DataError, match=r"set data.max_gap_s to at least 0.4"):
        list(resample(recording(np.arange(100) / 5), 50, 0.1))
