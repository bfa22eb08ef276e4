"""Signals as text: what comes out again is what went in, closely enough to look at."""

import base64

import numpy as np
import pytest
from numpy.typing import NDArray

from factory.contracts.dataset import Floats
from factory.contracts.overview import Line
from factory.reporting.packed import pack

BEGIN = 1.7e9


def unpacked(values: Floats) -> tuple[NDArray[np.float32], list[NDArray[np.float64]], list[bool]]:
    """Times, channels, and which of them are float32."""
    time_s = BEGIN + np.arange(len(values)) / 50
    packed = pack(Line(time_s=time_s, values=values, breaks=np.zeros(0, np.int64), every=1), BEGIN)
    content, points = base64.b64decode(packed.text), packed.points
    offset, channels = 4 * points, []
    for code in packed.codes:
        if code is None:
            channels.append(np.frombuffer(content, "<f4", points, offset).astype(np.float64))
        else:
            steps = np.frombuffer(content, "<i2", points, offset)
            channels.append(np.where(steps == -32768, np.nan, code[0] + code[1] * (steps + 32500.0)))
        offset += points * (4 if code is None else 2)
    assert offset == len(content)
    return np.frombuffer(content, "<f4", points), channels, [code is None for code in packed.codes]


def test_two_bytes_a_value_lose_nothing_that_is_seen() -> None:
    values = np.random.default_rng(0).normal(9.8, 3, (500, 2)).astype(np.float32)
    values[7, 0] = np.nan
    time_s, channels, wide = unpacked(values)
    assert wide == [False, False]
    np.testing.assert_allclose(time_s, np.arange(500) / 50, atol=1e-5)
    np.testing.assert_allclose(np.stack(channels, axis=1), values, atol=2e-4)


def test_a_spike_does_not_make_the_rest_coarse() -> None:
    values = np.random.default_rng(0).normal(0, 0.1, (500, 1)).astype(np.float32)
    values[100] = 1e6
    _, channels, wide = unpacked(values)
    assert wide == [True]
    np.testing.assert_array_equal(channels[0], values[:, 0])


@pytest.mark.parametrize("value", [0.0, -4.25, np.nan])
def test_a_constant_or_empty_channel_comes_out_as_it_is(value: float) -> None:
    _, channels, _ = unpacked(np.full((10, 1), value, np.float32))
    np.testing.assert_allclose(channels[0], np.full(10, value))
