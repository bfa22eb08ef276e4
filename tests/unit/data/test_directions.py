"""A device that one person wore another way round is found; devices carried as people please are not suspected."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Floats, Recording
from factory.contracts.progress import Silent
from factory.contracts.report import Finding, Severity
from factory.contracts.window import Quantity
from factory.data.directions import Directions
from factory.data.sources import open_source
from factory.data.sources.layout import triad
from factory.data.units import triads
from tests.unit.data.made_people import ACC, CHANNELS, LABELS, PEOPLE, changed, people

FIVE = (*PEOPLE, "eve")


def look(recordings: Sequence[Recording]) -> Directions:
    found = Directions(CHANNELS, triads(CHANNELS))
    for one in recordings:
        found.add(one.subject, one.session, one.samples, one.labels)
    return found


def judged(recordings: Sequence[Recording], labels: Sequence[str] = LABELS) -> list[Finding]:
    return list(look(recordings).findings(labels))


def negated(values: Floats) -> Floats:
    return -values


def swapped(values: Floats) -> Floats:
    return values[:, [2, 1, 0]]


def four_classes(turned: str = "", label: int = 0, lies: Sequence[str] = ()) -> list[Recording]:
    """A recording of each person for each of four classes; one may be upside down, and some lie in the last class."""
    found = []
    for one in people(FIVE, 4):
        run = int(one.session) % 10
        samples = one.samples.copy()
        if run == 3:
            samples[:, ACC] = swapped(samples[:, ACC]) * (-1 if one.subject in lies else 1)
        if one.subject == turned and run == label:
            samples[:, ACC] *= -1
        found.append(replace(one, samples=samples, labels=np.full(len(one.labels), run)))
    return found


def test_devices_worn_alike_are_quiet() -> None:
    assert judged(people()) == []
    assert judged(four_classes(), "abcd") == []


def test_every_sign_turned_names_the_person_the_axes_and_the_recordings() -> None:
    (found,) = judged(changed(people(), negated, ["cid"], ACC))
    assert (found.severity, found.code, found.where) == (Severity.WARNING, "gravity.direction", "acc")
    assert "elsewhere for cid than" in found.message
    assert "for cid along -z, theirs along +z" in found.message
    assert [(place.subject, place.session) for place in found.places] == [("cid", "20"), ("cid", "21")]


def test_axes_in_another_order_are_found() -> None:
    (found,) = judged(changed(people(), swapped, ["ann"], ACC))
    assert "for ann along +x, theirs along +z" in found.message


def test_another_unit_hides_nothing() -> None:
    (found,) = judged(changed(people(), lambda values: -values / 9.81, ["bob"], ACC))
    assert "bob" in found.message


def test_two_groups_that_are_opposite_are_found() -> None:
    (found,) = judged(changed(people(FIVE), negated, ["dee", "eve"], ACC))
    assert "elsewhere for dee, eve than" in found.message


def test_devices_carried_as_people_please_are_quiet() -> None:
    found = changed(people(FIVE), swapped, ["ann", "bob"], ACC)
    found = changed(found, lambda values: values[:, [0, 2, 1]], ["cid", "dee"], ACC)
    assert judged(found) == []


def test_two_people_tell_nothing() -> None:
    assert judged(changed(people(PEOPLE[:2]), negated, ["ann"], ACC)) == []


def test_one_class_upside_down_names_person_and_class() -> None:
    (found,) = judged(four_classes("bob", 1), "abcd")
    assert "single classes" in found.message
    assert "bob (b)" in found.message
    assert [(place.subject, place.session) for place in found.places] == [("bob", "11")]


def test_a_posture_of_its_own_line_is_quiet() -> None:
    """Somebody may lie on the other side."""
    assert judged(four_classes(lies=["dee"]), "abcd") == []


def test_what_has_no_gravity_has_no_direction() -> None:
    channels = triad("lin", Quantity.LINEAR_ACCELERATION, "wrist") + triad("gyro", Quantity.GYROSCOPE, "wrist")
    found = Directions(channels, triads(channels))
    for one in changed(people(), negated, ["cid"], ACC):
        found.add(one.subject, one.session, one.samples, one.labels)
    assert list(found.findings(LABELS)) == []


@pytest.mark.parametrize("rows", [99, 100])
def test_a_hundred_samples_tell_a_direction(rows: int) -> None:
    short = [replace(one, labels=np.where(np.arange(len(one.labels)) < rows, 0, -1)) for one in people(runs=1)]
    assert len(judged(changed(short, negated, ["cid"], ACC))) == (rows == 100)


def test_samples_that_are_not_finite_are_left_out() -> None:
    found = changed(people(), negated, ["cid"], ACC)
    found[0].samples[5, 1] = np.nan
    assert len(judged(found)) == 1


def test_merged_looks_equal_one() -> None:
    recordings = changed(people(), negated, ["cid"], ACC)
    first, second = look(recordings[:5]), look(recordings[5:])
    first.merge(second)
    assert list(first.findings(LABELS)) == judged(recordings)


def real(source: str, folder: Path | None, turned: Sequence[str] = ()) -> list[Finding]:
    """Of a data set, the accelerations of some of its people turned over."""
    opened = open_source(source, None)
    found = Directions(opened.channels, triads(opened.channels))
    acc = [place for place, channel in enumerate(opened.channels) if channel.gravity]
    for one in opened.recordings(folder, Silent()):
        samples = np.array(one.samples)
        if one.subject in turned:
            samples[:, acc] *= -1
        found.add(one.subject, one.session, samples, np.asarray(one.labels))
    return list(found.findings(opened.labels))


def test_who_wore_the_watch_turned_over_is_named_and_nobody_else() -> None:
    assert real("watch", None) == []
    (found,) = real("watch", None, ["3"])
    assert "elsewhere for 3 than" in found.message


@pytest.mark.data
@pytest.mark.slow
def test_nobodys_phone_is_suspected_and_two_that_are_turned_over_are(data_folder: Path) -> None:
    assert real("motionsense", data_folder) == []
    (found,) = real("motionsense", data_folder, ["7", "24"])
    assert "elsewhere for 24, 7 than" in found.message or "elsewhere for 7, 24 than" in found.message


@pytest.mark.data
@pytest.mark.slow
def test_the_torso_that_hangs_upside_down_in_dsads_is_found(data_folder: Path) -> None:
    (found,) = real("dsads", data_folder)
    assert found.where == "torso_acc"
    assert "4 (exercising_on_stepper), 4 (exercising_on_cross_trainer)" in found.message
    assert {place.subject for place in found.places} == {"4"}
