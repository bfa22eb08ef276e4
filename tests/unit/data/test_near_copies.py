"""A person's recordings under another name are found however they were changed; people who move alike are not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.dataset import Floats, Split, WindowSet
from factory.contracts.errors import LeakageError
from factory.contracts.window import Quantity, WindowSpec
from factory.data.leakage import check_split, copies_in_training
from factory.data.near_copies import near_copies
from factory.data.sources.layout import triad

RATE_HZ = 50
PEOPLE = ("ann", "bob", "cid", "dee")


def spec(hop: int = 32) -> WindowSpec:
    channels = triad("acc", Quantity.ACCELEROMETER, "wrist") + triad("gyro", Quantity.GYROSCOPE, "wrist")
    return WindowSpec(channels=channels, rate_hz=RATE_HZ, length=64, hop=hop, labels=("walk", "run"), axes="test")


def gait(seed: int, seconds: float, pace_hz: float = 1.9) -> Floats:
    """(6, T): walking with harmonics, a pace that drifts by some percent, and sensor noise."""
    rng = np.random.default_rng(seed)
    steps = int(seconds * RATE_HZ)
    drift = np.convolve(rng.normal(size=steps + 99), np.ones(100) / 100, "valid") * 0.6
    phase = 2 * np.pi * np.cumsum(pace_hz * (1 + drift)) / RATE_HZ
    harmonics = np.stack([np.sin(k * phase + shift) / k for k in (1, 2, 3) for shift in (0.0, 1.2)])
    mixing = np.random.default_rng(7).normal(size=(6, 6)) + 0.5 * rng.normal(size=(6, 6))
    return (mixing @ harmonics + 0.05 * rng.normal(size=(6, steps))).astype(np.float32)


def cut(recordings: dict[str, list[Floats]], hop: int = 32) -> WindowSet:
    """Windows of each person's recordings."""
    x, subject, recording, start = [], [], [], []
    number = 0
    for who, signals in recordings.items():
        for signal in signals:
            for begin in range(0, signal.shape[1] - 64 + 1, hop):
                x.append(signal[:, begin : begin + 64])
                subject.append(who)
                recording.append(number)
                start.append(begin)
            number += 1
    return WindowSet(
        x=np.stack(x),
        y=np.arange(len(x)) % 2,
        subject=np.array(subject),
        recording=np.array(recording),
        start=np.array(start),
        spec=spec(hop),
        official_test=(),
        content_hash="0" * 64,
        digest="",
        lost={},
    )


def split(windows: WindowSet, test: str, validation: str) -> Split:
    held_out = [np.flatnonzero(windows.subject == name) for name in (validation, test)]
    return Split(
        train=np.setdiff1d(np.arange(len(windows.y)), np.concatenate(held_out)),
        validation=held_out[0],
        test=held_out[1],
    )


def people(seconds: float = 40) -> dict[str, list[Floats]]:
    return {who: [gait(10 * index + run, seconds) for run in range(2)] for index, who in enumerate(PEOPLE)}


def noisy(signal: Floats, decibels: float = 20) -> Floats:
    rng = np.random.default_rng(99)
    noise = rng.normal(size=signal.shape) * signal.std(axis=1, keepdims=True) * 10 ** (-decibels / 20)
    return np.asarray(signal + noise, np.float32)


def half_a_sample_later(signal: Floats) -> Floats:
    return np.asarray((signal[:, 1:] + signal[:, :-1]) / 2, np.float32)


COPIES: dict[str, Callable[[Floats], Floats]] = {
    "noise": noisy,
    "trimmed by a sample": lambda signal: noisy(signal[:, 1:]),
    "trimmed by 37": lambda signal: noisy(signal[:, 37:]),
    "trimmed by 501": lambda signal: noisy(signal[:, 501:]),
    "scaled": lambda signal: noisy(signal * np.array([[1.05], [0.95], [1.0], [1.03], [0.97], [1.05]], np.float32)),
    "another sampling phase": lambda signal: noisy(half_a_sample_later(signal)),
    "ten seconds of it": lambda signal: np.concatenate([gait(77, 13), noisy(signal[:, 611:1111]), gait(78, 17)], 1),
}


@pytest.mark.parametrize("part", ["test", "validation"])
@pytest.mark.parametrize("kind", COPIES)
def test_a_changed_copy_under_another_name_is_leakage(kind: str, part: str) -> None:
    recordings = people() | {"eve": [COPIES[kind](signal) for signal in people()["bob"]]}
    windows = cut(recordings)
    parts = split(windows, "eve", "ann") if part == "test" else split(windows, "ann", "eve")
    with pytest.raises(LeakageError, match=rf"windows of subject eve in {part} are near copies .* subject bob's in tr"):
        check_split(windows, parts)


def test_the_message_says_how_much_and_what_to_do() -> None:
    windows = cut(people() | {"eve": [noisy(signal[:, 37:]) for signal in people()["bob"]]})
    with pytest.raises(
        LeakageError, match=r"leakage: (8\d|9\d|100)% of the windows .*: remove one, or give both the same"
    ):
        check_split(windows, split(windows, "eve", "ann"))


def test_people_who_walk_alike_are_not_copies() -> None:
    windows = cut(people())
    check_split(windows, split(windows, "dee", "cid"))


def test_people_at_rest_are_not_copies() -> None:
    rng = np.random.default_rng(0)
    rest = {who: [rng.normal(0, 0.01, (6, 2000)).astype(np.float32)] for who in PEOPLE}
    windows = cut(rest)
    check_split(windows, split(windows, "dee", "cid"))


def test_copies_of_short_recordings_are_found_together() -> None:
    short = {
        who: [signal[:, low : low + 200] for signal in signals for low in range(0, 2000, 200)]
        for who, signals in people().items()
    }
    windows = cut(short)
    check_split(windows, split(windows, "dee", "cid"))
    windows = cut(short | {"eve": [noisy(signal[:, 37:]) for signal in short["bob"]]})
    with pytest.raises(LeakageError, match="subject eve in test are near copies"):
        check_split(windows, split(windows, "eve", "ann"))


@pytest.mark.parametrize("hop", [16, 64])
def test_copies_are_found_whatever_the_hop(hop: int) -> None:
    windows = cut(people() | {"eve": [noisy(signal[:, 37:]) for signal in people()["bob"]]}, hop)
    with pytest.raises(LeakageError, match="near copies"):
        check_split(windows, split(windows, "eve", "ann"))


def in_another_unit(signal: Floats) -> Floats:
    return np.asarray(np.concatenate([signal[:3] / 9.80665, signal[3:] * 57.29578]), np.float32)


SHORT_COPIES: dict[str, Callable[[Floats], Floats]] = {
    "rounded": lambda signal: np.round(signal, 2),
    "trimmed": lambda signal: signal[:, 7:],
    "in another unit": in_another_unit,
}


@pytest.mark.parametrize("kind", SHORT_COPIES)
def test_a_copy_of_a_few_seconds_is_found(kind: str) -> None:
    short = {who: [signal[:, :250] for signal in signals] for who, signals in people().items()}
    check_split(cut(short), split(cut(short), "dee", "cid"))
    windows = cut(short | {"eve": [SHORT_COPIES[kind](signal) for signal in short["bob"]]})
    with pytest.raises(LeakageError, match="subject eve in test are near copies"):
        check_split(windows, split(windows, "eve", "ann"))


def test_a_long_copy_in_another_unit_is_found() -> None:
    windows = cut(people() | {"eve": [in_another_unit(signal[:, 37:]) for signal in people()["bob"]]})
    with pytest.raises(LeakageError, match="subject eve in test are near copies"):
        check_split(windows, split(windows, "eve", "ann"))


def test_copies_inside_training_are_found_and_nobody_copies_himself() -> None:
    windows = cut(people() | {"eve": [noisy(signal[:, 37:]) for signal in people()["bob"]]})
    parts = split(windows, "dee", "cid")
    check_split(windows, parts)
    assert {frozenset((c.subject, c.other)) for c in copies_in_training(windows, parts)} == {frozenset(("bob", "eve"))}
    windows = cut(people())
    assert copies_in_training(windows, split(windows, "dee", "cid")) == []


def test_constant_windows_are_not_compared() -> None:
    windows = cut(people())
    still = replace(windows, x=np.ones_like(windows.x))
    parts = split(windows, "dee", "cid")
    assert near_copies(still, parts.test, parts.train) == []
