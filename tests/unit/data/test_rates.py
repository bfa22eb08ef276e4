"""A rate that gives a class or a person away, and a unit of time that one person alone has, are found."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.dataset import Recording
from factory.contracts.report import Severity
from factory.data.rates import Rates
from tests.unit.data.made_people import LABELS, people


def look(recordings: Sequence[Recording]) -> Rates:
    found = Rates()
    for one in recordings:
        found.add(one, lambda labels: labels)
    return found


def slower(one: Recording, factor: float, label: int | None = None) -> Recording:
    """Its intervals made longer, of one class or of all."""
    intervals = np.diff(one.time_s, prepend=0.0)
    chosen = np.ones(len(intervals), bool) if label is None else one.labels == label
    return replace(one, time_s=np.cumsum(np.where(chosen, factor * intervals, intervals)))


def test_one_rate_is_quiet() -> None:
    assert list(look(people()).findings(LABELS)) == []
    assert list(look(people()).mixed_units()) == []


def test_a_class_that_its_rate_gives_away_is_an_error() -> None:
    found = list(look([slower(one, 2, label=1) for one in people()]).findings(LABELS))
    assert {(f.severity, f.code) for f in found} == {(Severity.ERROR, "timing.class_rate")}
    assert "walk" in {f.where for f in found}
    assert "25 Hz" in next(f for f in found if f.where == "walk").message


def test_a_class_slower_with_one_person_only_is_not_given_away() -> None:
    found = look([slower(one, 1.3, label=1) if one.subject == "ann" else one for one in people()])
    assert "timing.class_rate" not in {finding.code for finding in found.findings(LABELS)}


def test_a_person_of_another_rate_is_a_warning() -> None:
    recordings = [slower(one, 2) if one.subject == "cid" else one for one in people()]
    (found,) = look(recordings).findings(LABELS)
    assert (found.severity, found.code) == (Severity.WARNING, "timing.subject_rate")
    assert "cid (25 Hz)" in found.where
    assert {place.subject for place in found.places} == {"cid"}


def test_clocks_of_one_kind_of_device_are_quiet() -> None:
    recordings = [slower(one, 1.05) if one.subject == "cid" else one for one in people()]
    assert list(look(recordings).findings(LABELS)) == []


@pytest.mark.parametrize("factor", [1e3, 1e-3, 1e6])
def test_time_in_another_unit_is_an_error_that_names_the_person(factor: float) -> None:
    found = look([slower(one, factor) if one.subject == "cid" else one for one in people()])
    (finding,) = found.mixed_units()
    assert (finding.severity, finding.code, finding.where) == (Severity.ERROR, "timing.unit_mixed", "subject cid")
    assert list(found.findings(LABELS)) == []


def test_merged_looks_equal_one() -> None:
    recordings = [slower(one, 2) if one.subject == "cid" else one for one in people()]
    first, second = look(recordings[:3]), look(recordings[3:])
    first.merge(second)
    assert list(first.findings(LABELS)) == list(look(recordings).findings(LABELS))
