"""Streaming statistics equal those of the whole, and two halves merge into one."""

import numpy as np
import pytest

from factory.data.statistics import Extremes, LogHistogram, Moments


def test_a_repeated_value_comes_back_exactly() -> None:
    histogram = LogHistogram()
    histogram.add(np.full(100, 0.02))
    assert histogram.quantile(0.5) == pytest.approx(0.02, rel=1e-12)


def test_quantiles_are_within_a_percent() -> None:
    values = np.random.default_rng(0).lognormal(0, 2, 50_000)
    histogram = LogHistogram()
    for part in np.array_split(values, 7):
        histogram.add(part)
    for share in (0.01, 0.5, 0.95):
        assert histogram.quantile(share) == pytest.approx(np.quantile(values, share), rel=0.01)


def test_share_outside_counts_what_is_off() -> None:
    histogram = LogHistogram()
    histogram.add(np.array([1.0] * 90 + [2.0] * 10 + [0.0, -1.0]))
    assert histogram.share_outside(0.8, 1.2) == pytest.approx(0.1)
    assert histogram.not_positive == 2


def test_an_empty_histogram_has_no_quantile() -> None:
    assert LogHistogram().quantile(0.5) is None
    assert LogHistogram().share_outside(0, 1) == 0


def test_merged_histograms_equal_one() -> None:
    values = np.random.default_rng(1).random(1000) + 0.1
    one, first, second = LogHistogram(), LogHistogram(), LogHistogram()
    one.add(values)
    first.add(values[:300])
    second.add(values[300:])
    first.merge(second)
    assert first.quantile(0.3) == pytest.approx(one.quantile(0.3))
    assert first.largest == one.largest


def test_moments_equal_numpy_however_the_stream_is_cut() -> None:
    samples = np.random.default_rng(2).normal(5, 3, (1000, 3))
    streamed, other = Moments(3), Moments(3)
    for part in np.array_split(samples[:600], 9):
        streamed.add(part)
    other.add(samples[600:])
    streamed.merge(other)
    streamed.merge(Moments(3))
    np.testing.assert_allclose(streamed.mean, samples.mean(axis=0))
    np.testing.assert_allclose(streamed.sd, samples.std(axis=0))
    np.testing.assert_allclose(streamed.correlation, np.corrcoef(samples.T), atol=1e-12)


def test_a_constant_channel_correlates_with_nothing() -> None:
    moments = Moments(2)
    moments.add(np.stack([np.arange(10.0), np.ones(10)], axis=1))
    assert moments.correlation[0, 1] == 0


def test_only_samples_that_stay_at_the_extreme_are_stuck() -> None:
    extremes = Extremes(1)
    extremes.add(np.array([[0.0], [3], [3], [3], [1], [-2], [0]]))
    assert extremes.stuck.tolist() == [3]
    assert (extremes.low[0], extremes.high[0]) == (-2, 3)


def test_a_new_extreme_forgets_what_was_stuck_below_it() -> None:
    extremes, other = Extremes(1), Extremes(1)
    extremes.add(np.array([[0.0], [3], [3]]))
    other.add(np.array([[0.0], [4], [0]]))
    extremes.merge(other)
    assert extremes.stuck.tolist() == [0]
    assert extremes.high[0] == 4
