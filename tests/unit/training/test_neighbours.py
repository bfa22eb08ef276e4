"""Answers averaged over neighbouring windows, and how many neighbours are taken."""

from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.dataset import Ints, WindowSet
from factory.training.neighbours import averaged, best_count
from tests.fakes import HOP, LENGTH, tiny_windows


def laid_out(recording: list[int], start: list[int], y: list[int]) -> WindowSet:
    """The first windows of the tiny set, of other recordings, places and labels."""
    whole, count = tiny_windows(), len(recording)
    return replace(
        whole,
        x=whole.x[:count],
        y=np.array(y),
        subject=whole.subject[:count],
        recording=np.array(recording),
        start=np.array(start),
    )


def shares(*rows: tuple[float, float, float]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.log(np.array(rows, np.float32))


ALL: Ints = np.arange(4)


def test_the_mean_is_of_probabilities_and_of_those_that_are_there() -> None:
    windows = laid_out([0, 0, 0, 0], [0, HOP, 2 * HOP, 3 * HOP], [0, 0, 0, 0])
    logits = shares((0.8, 0.1, 0.1), (0.2, 0.4, 0.4), (0.5, 0.5, 1e-9), (0.1, 0.1, 0.8))
    found = np.exp(averaged(logits + 3.0, windows, ALL, 1))
    expected = [(0.5, 0.25, 0.25), (0.5, 1 / 3, 1 / 6), (0.8 / 3, 1 / 3, 0.4), (0.3, 0.3, 0.4)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("recording", "start"),
    [([0, 0, 1, 1], [0, HOP, 2 * HOP, 3 * HOP]), ([0, 0, 0, 0], [0, HOP, HOP + LENGTH + 1, 2 * HOP + LENGTH + 1])],
)
def test_nothing_is_averaged_over_recordings_or_gaps(recording: list[int], start: list[int]) -> None:
    windows = laid_out(recording, start, [0, 0, 0, 0])
    logits = shares((0.8, 0.1, 0.1), (0.2, 0.4, 0.4), (0.5, 0.4, 0.1), (0.1, 0.1, 0.8))
    found = np.exp(averaged(logits, windows, ALL, 2))
    np.testing.assert_allclose(found[:2], [(0.5, 0.25, 0.25)] * 2, atol=1e-6)
    np.testing.assert_allclose(found[2:], [(0.3, 0.25, 0.45)] * 2, atol=1e-6)


def test_the_order_of_rows_does_not_matter() -> None:
    windows = laid_out([0, 0, 0, 0], [0, HOP, 2 * HOP, 3 * HOP], [0, 0, 0, 0])
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    mixed = np.array([2, 0, 3, 1])
    np.testing.assert_allclose(averaged(logits[mixed], windows, mixed, 1), averaged(logits, windows, ALL, 1)[mixed])
    assert averaged(logits, windows, ALL, 0) is logits


def lasting(each: int, recordings: int) -> tuple[WindowSet, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """Recordings of three activities of `each` windows; every second window is answered as the next activity."""
    y = np.tile(np.repeat([0, 1, 2], each), recordings)
    count = len(y)
    windows = laid_out(
        np.repeat(np.arange(recordings), 3 * each).tolist(),
        np.tile(np.arange(3 * each) * HOP, recordings).tolist(),
        y.tolist(),
    )
    logits = np.zeros((count, 3), np.float32)
    logits[np.arange(count), y] = 1.0
    logits[np.arange(1, count, 3), (y[1::3] + 1) % 3] = 1.5
    return windows, logits


def test_activities_that_last_are_averaged_and_short_ones_are_not() -> None:
    windows, logits = lasting(each=6, recordings=3)
    assert best_count(logits, windows, np.arange(len(logits))) > 0
    windows, logits = lasting(each=1, recordings=9)
    logits[:] = 0
    logits[np.arange(len(logits)), windows.y] = 1.0
    assert best_count(logits, windows, np.arange(len(logits))) == 0


def test_recordings_of_one_activity_prove_nothing() -> None:
    windows, logits = lasting(each=6, recordings=3)
    apart = replace(windows, recording=windows.recording * 3 + windows.y)
    assert best_count(logits, apart, np.arange(len(logits))) == 0
