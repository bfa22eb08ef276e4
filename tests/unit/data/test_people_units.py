"""Units and gravity of single people and recordings are told apart, and no real person is suspected."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Floats, Recording
from factory.contracts.progress import Silent
from factory.contracts.report import Finding, Severity
from factory.contracts.table import SourceUnit
from factory.contracts.window import Channel, Quantity
from factory.data.people_units import PeopleUnits
from factory.data.sources import open_source
from factory.data.sources.layout import STANDARD_GRAVITY, triad
from tests.unit.data.made_people import ACC, CHANNELS, GYRO, PEOPLE, changed, people

DEGREES = 180 / np.pi


def judged(recordings: Sequence[Recording], channels: tuple[Channel, ...] = CHANNELS) -> tuple[Finding, ...]:
    found = PeopleUnits(channels)
    for one in recordings:
        found.add(one)
    return found.findings()


def only(findings: Sequence[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def in_g(values: Floats) -> Floats:
    return values / np.float32(STANDARD_GRAVITY)


def in_degrees(values: Floats) -> Floats:
    return values * np.float32(DEGREES)


def at_rest(values: Floats) -> Floats:
    return np.asarray(np.tile(values[:20], (len(values) // 20, 1)), np.float32)


def test_people_who_agree_are_quiet() -> None:
    assert judged(people()) == ()


@pytest.mark.parametrize("whose", [("bob",), ("ann", "bob", "cid")])
def test_people_in_g_among_others_are_named(whose: tuple[str, ...]) -> None:
    found = only(judged(changed(people(), in_g, whose, ACC)))
    assert (found.severity, found.code, found.where) == (Severity.ERROR, "unit.mixed", "acc")
    assert f"{', '.join(whose)} in a [[corrections]]" in found.message
    assert {place.subject for place in found.places} == set(whose)


@pytest.mark.parametrize("whose", [("bob",), ("ann", "bob", "cid")])
def test_people_in_degrees_among_others_are_named(whose: tuple[str, ...]) -> None:
    found = only(judged(changed(people(), in_degrees, whose, GYRO)))
    assert (found.severity, found.code, found.where) == (Severity.ERROR, "unit.mixed", "gyro")
    assert {place.subject for place in found.places} == set(whose)


def test_a_gyroscope_alone_is_only_doubted() -> None:
    recordings = [replace(r, samples=r.samples[:, GYRO]) for r in changed(people(), in_degrees, ["bob"], GYRO)]
    found = only(judged(recordings, CHANNELS[GYRO]))
    assert (found.severity, found.code) == (Severity.WARNING, "unit.mixed")


def test_a_recording_in_g_among_others_of_one_person_is_named() -> None:
    found = only(judged(changed(people(runs=3), in_g, ["bob"], ACC, ["11"])))
    assert found.code == "unit.mixed"
    assert "g in recording 11 of bob" in found.message
    assert [(place.subject, place.session) for place in found.places] == [("bob", "11")]


def test_a_person_without_gravity_among_others_is_named() -> None:
    gravity = np.array([0, 0, STANDARD_GRAVITY], np.float32)
    found = only(judged(changed(people(), lambda x: x - gravity, ["cid"], ACC)))
    assert (found.severity, found.code) == (Severity.ERROR, "gravity.mixed")
    assert "subject cid without" in found.message


def test_a_person_at_rest_is_not_suspected() -> None:
    assert judged(changed(people(), at_rest, ["dee"])) == ()
    degrees: dict[str, SourceUnit] = {channel.name: "deg/s" for channel in CHANNELS[GYRO]}
    found = PeopleUnits(CHANNELS, degrees)
    for one in changed(people(), at_rest, ["dee"]):
        found.add(one)
    assert found.findings() == ()


@pytest.mark.parametrize(
    ("declared", "factor", "columns", "code", "told"),
    [
        ("m/s^2", 1 / STANDARD_GRAVITY, ACC, "unit.accelerometer", "described in m/s^2, but looks like g"),
        ("g", STANDARD_GRAVITY, ACC, "unit.accelerometer", "described in g, but looks like m/s^2"),
        ("rad/s", DEGREES, GYRO, "unit.gyroscope", "described in rad/s, but looks like deg/s"),
        ("deg/s", 1 / DEGREES, GYRO, "unit.gyroscope", "described in deg/s, but looks like rad/s"),
        ("m/s^2", 1 / 64, ACC, "unit.accelerometer", "described in m/s^2, but looks like another unit"),
    ],
)
def test_a_unit_that_contradicts_the_description_is_an_error(
    declared: SourceUnit, factor: float, columns: slice, code: str, told: str
) -> None:
    found = PeopleUnits(CHANNELS, {channel.name: declared for channel in CHANNELS[columns]})
    for one in changed(people(), lambda x: x * np.float32(factor), PEOPLE, columns):
        found.add(one)
    finding = only(found.findings())
    assert finding.code == code
    assert told in finding.message
    assert found.explained() == {finding.where}


def test_gravity_that_contradicts_the_description_is_an_error() -> None:
    linear = triad("acc", Quantity.LINEAR_ACCELERATION, "wrist") + CHANNELS[GYRO]
    assert "described as gravity-free, but holds gravity" in only(judged(people(), linear)).message
    gravity = np.array([0, 0, STANDARD_GRAVITY], np.float32)
    without = changed(people(), lambda x: x - gravity, PEOPLE, ACC)
    assert "described with gravity, but looks gravity-free" in only(judged(without)).message


def test_swapped_sensors_are_found_and_explain_both() -> None:
    order = [3, 4, 5, 0, 1, 2]
    found = PeopleUnits(CHANNELS)
    for one in people():
        found.add(replace(one, samples=one.samples[:, order]))
    finding = only(found.findings())
    assert (finding.severity, finding.code, finding.where) == (Severity.ERROR, "sensor.swapped", "gyro")
    assert "acc averages out like rotation: swap the two" in finding.message
    assert found.explained() == {"acc", "gyro"}


def test_a_constant_error_of_a_gyroscope_is_no_gravity() -> None:
    assert judged(changed(people(), lambda x: at_rest(x) + np.float32(1), PEOPLE, GYRO)) == ()


def test_merged_looks_equal_one() -> None:
    recordings = changed(people(), in_g, ["bob"], ACC)
    first, second = PeopleUnits(CHANNELS), PeopleUnits(CHANNELS)
    for one in recordings[:3]:
        first.add(one)
    for one in recordings[3:]:
        second.add(one)
    first.merge(second)
    assert first.findings() == judged(recordings)


def test_a_clock_in_another_unit_does_not_look_gravity_free() -> None:
    recordings = [replace(r, time_s=r.time_s * 1000) if r.subject == "bob" else r for r in people()]
    assert judged(recordings) == ()


def real(source: str, folder: Path | None) -> tuple[tuple[Channel, ...], list[Recording]]:
    opened = open_source(source)
    return opened.channels, [
        replace(r, samples=np.array(r.samples), time_s=np.array(r.time_s)) for r in opened.recordings(folder, Silent())
    ]


def require_each_is_told(channels: tuple[Channel, ...], recordings: list[Recording]) -> None:
    """None is suspected, and each is named when in g or in degrees."""
    assert judged(recordings, channels) == ()
    for quantity, factor in (("accelerometer", 1 / STANDARD_GRAVITY), ("gyroscope", DEGREES)):
        factors = np.array([factor if channel.quantity == quantity else 1 for channel in channels], np.float32)
        for who in sorted({r.subject for r in recordings})[:8]:
            spoilt = [replace(r, samples=r.samples * factors) if r.subject == who else r for r in recordings]
            found = judged(spoilt, channels)
            assert {f.code for f in found} == {"unit.mixed"}, (who, quantity)
            assert all({place.subject for place in f.places} == {who} for f in found)


def test_no_real_person_is_suspected_and_each_is_told_in_another_unit() -> None:
    require_each_is_told(*real("watch", None))


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("source", ["hapt", "motionsense", "dsads"])
def test_no_person_of_a_data_set_is_suspected(source: str, data_folder: Path) -> None:
    require_each_is_told(*real(source, data_folder))
