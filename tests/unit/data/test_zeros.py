"""Lost packets stored as zeros are found; a sensor at rest is not suspected."""

from collections.abc import Callable, Sequence

import numpy as np

from factory.contracts.dataset import Floats, Recording
from factory.contracts.report import Finding, Severity
from factory.data.units import triads
from factory.data.zeros import Zeros
from tests.unit.data.made_people import ACC, CHANNELS, GYRO, PEOPLE, changed, people


def judged(recordings: Sequence[Recording]) -> list[Finding]:
    found = Zeros(CHANNELS, triads(CHANNELS))
    for one in recordings:
        found.add(one.subject, one.session, one.time_s, one.samples)
    return list(found.findings())


def lost(share: float) -> Callable[[Floats], Floats]:
    def lose(values: Floats) -> Floats:
        values[-round(share * len(values)) - 50 : -50] = 0
        return values

    return lose


def test_whole_recordings_are_quiet() -> None:
    assert judged(people()) == []


def test_a_tenth_of_one_person_is_an_error_and_says_where() -> None:
    (found,) = judged(changed(people(), lost(0.1), ["bob"]))
    assert (found.severity, found.code, found.where) == (Severity.ERROR, "signal.zeros", "data")
    assert "bob (10.0%)" in found.message
    place = found.places[0]
    assert (place.subject, place.start_s, place.end_s) == ("bob", 17.0, 18.98)


def test_two_in_a_hundred_are_a_warning() -> None:
    (found,) = judged(changed(people(), lost(0.02), ["bob"]))
    assert found.severity is Severity.WARNING


def test_a_few_samples_are_quiet() -> None:
    assert judged(changed(people(), lost(0.003), ["bob"])) == []


def test_one_sensor_is_named() -> None:
    (found,) = judged(changed(people(), lost(0.2), PEOPLE, ACC))
    assert found.where == "acc"
    (found,) = judged(changed(people(), lost(0.2), PEOPLE, GYRO))
    assert found.where == "gyro"


def test_a_gyroscope_that_rests_at_zero_is_quiet() -> None:
    def fade(values: Floats) -> Floats:
        values[200:500] = 0
        values[150:200] *= np.linspace(1, 0, 50, dtype=np.float32)[:, None]
        values[500:510] *= np.float32(0.01)
        return values

    assert judged(changed(people(), fade, PEOPLE, GYRO)) == []


def test_merged_counts_equal_one() -> None:
    recordings = changed(people(), lost(0.1), ["bob"])
    first, second = (Zeros(CHANNELS, triads(CHANNELS)) for _ in range(2))
    for index, one in enumerate(recordings):
        (first if index < 3 else second).add(one.subject, one.session, one.time_s, one.samples)
    first.merge(second)
    assert list(first.findings()) == judged(recordings)
