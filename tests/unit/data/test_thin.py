"""Signals in few points: extremes, gaps and missing values survive, in little memory."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Floats
from factory.contracts.overview import Line
from factory.data.thin import CHUNK, thin, thin_again
from tests.unit.data.exercises import reader

LONG = 3 * CHUNK + 17
NONE = np.zeros(0, np.int64)


def line_of(samples: Floats, points: int, breaks: list[int] | None = None) -> Line:
    time_s = np.arange(len(samples)) / 50
    return thin(time_s, reader(samples), np.array(breaks or [], np.int64), points)


@pytest.fixture
def noise() -> Floats:
    return np.random.default_rng(0).normal(size=(LONG, 2)).astype(np.float32)


def test_a_short_signal_is_kept_sample_by_sample() -> None:
    samples = np.arange(20, dtype=np.float32).reshape(10, 2)
    line = line_of(samples, 10)
    assert line.every == 1
    np.testing.assert_array_equal(line.values, samples)
    np.testing.assert_array_equal(line.time_s, np.arange(10) / 50)


@pytest.mark.parametrize("where", [0, 1, CHUNK - 1, CHUNK, LONG - 1])
def test_a_single_spike_survives_at_its_time(noise: Floats, where: int) -> None:
    noise[where, 1] = -500
    line = line_of(noise, 2000)
    assert len(line.time_s) <= 2000
    point = int(line.values[:, 1].argmin())
    assert line.values[point, 1] == -500
    assert abs(line.time_s[point] - where / 50) <= line.every / 50


def test_every_bucket_holds_its_least_and_largest_value(noise: Floats) -> None:
    line = line_of(noise, 1000)
    pairs = line.values.reshape(-1, 2, 2)
    for bucket, start in enumerate(range(0, LONG, line.every)):
        whole = noise[start : start + line.every]
        np.testing.assert_array_equal(pairs[bucket].min(axis=0), whole.min(axis=0))
        np.testing.assert_array_equal(pairs[bucket].max(axis=0), whole.max(axis=0))


def test_no_bucket_reaches_across_a_gap(noise: Floats) -> None:
    noise[:1000], noise[1000:] = 1, 2
    line = line_of(noise, 500, breaks=[1000])
    assert line.breaks.tolist() == [int(np.flatnonzero(line.values[:, 0] == 2)[0])]
    assert set(np.unique(line.values)) == {1, 2}


def test_missing_values_hide_no_others_and_a_missing_stretch_stays_missing(noise: Floats) -> None:
    noise[5, 0], noise[6, 0] = np.nan, np.inf
    noise[70_000:90_000] = np.nan
    line = line_of(noise, 1000)
    assert np.isfinite(line.values[:4]).all()
    lost = (line.time_s > 70_000 / 50 + 10) & (line.time_s < 90_000 / 50 - 10)
    assert lost.sum() > 50
    assert np.isnan(line.values[lost]).all()


def test_thinning_again_keeps_extremes_and_gaps(noise: Floats) -> None:
    noise[123_456, 0] = 900
    line = line_of(noise, 6000, breaks=[100_000])
    again = thin_again(line, 200)
    assert len(again.time_s) <= 204
    assert again.values[:, 0].max() == 900
    assert again.every == pytest.approx(LONG / 100, rel=0.05)
    (place,) = again.breaks
    assert again.time_s[place - 1] < 100_000 / 50 <= again.time_s[place]
    assert thin_again(again, 500) is again


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    np.save(tmp_path / "samples.npy", np.zeros((1_500_000, 6), np.float32))
    samples = np.load(tmp_path / "samples.npy", mmap_mode="r")
    time_s = np.arange(len(samples)) / 50
    tracemalloc.start()
    thin(time_s, reader(samples), NONE, 2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000 < samples.nbytes / 2
