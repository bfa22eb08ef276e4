"""Labels in files of their own, put onto recordings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.contracts.errors import DataError
from factory.contracts.table import Intervals, Reading
from factory.data.intake.detect import open_sheet
from factory.data.intake.intervals import IntervalLabels, read_intervals
from tests.unit.data.intake.files import put

SECONDS: dict[str, Any] = {"file": "l.csv", "start": "start", "end": "end", "label": "label", "unit": "s"}
TIMES = np.arange(11) / 10


def labelled(folder: Path, content: str, rename: dict[str, str] | None = None, **told: Any) -> IntervalLabels:
    intervals = Intervals(**{**SECONDS, "subject": "user", "zero": "recording", **told})
    sheet = open_sheet(put(folder, content, "l.csv"), (intervals.reading,))
    fields = {"subject": "anna", "session": "3"}
    return IntervalLabels(intervals, [read_intervals(sheet, intervals, fields)], rename)


def texts(found: IntervalLabels, subject: str = "1", session: str = "", origin_s: float = 0.0) -> str:
    """The first letter of each row's label, '.' where it has none."""
    codes = found.labels(subject, session, TIMES, origin_s)
    return "".join("." if code < 0 else found.names[code][0] for code in codes)


def test_a_row_at_the_start_is_in_and_one_at_the_end_is_out(tmp_path: Path) -> None:
    found = labelled(tmp_path, "user,label,start,end\n1,walk,0.1,0.3\n1,jog,0.3,0.5\n2,sit,0,1\n")
    assert texts(found) == ".wwjj......"
    assert texts(found, "2") == "s" * 11
    assert texts(found, "3") == "." * 11
    assert found.names == ("walk", "jog", "sit")


def test_an_end_at_the_last_stamp_includes_it(tmp_path: Path) -> None:
    assert texts(labelled(tmp_path, "user,label,start,end\n1,walk,0.8,1.0\n")) == "." * 8 + "www"


@pytest.mark.parametrize(
    ("unit", "start", "end"),
    [("ms", "1700000000200", "1700000000400"), ("s", "1700000000.2", "1700000000.4"),
     ("us", "1700000000200000", "1700000000400000"),
     ("iso", "2023-11-14T22:13:20.2Z", "2023-11-14T22:13:20.4Z"), ("ns", "1700000000200000000", "1700000000400000000")],
)  # fmt: skip
def test_clock_times_of_every_unit_find_their_rows(tmp_path: Path, unit: str, start: str, end: str) -> None:
    found = labelled(tmp_path, f"user,label,start,end\n1,walk,{start},{end}\n", unit=unit, zero="clock")
    assert texts(found, origin_s=1_700_000_000.0) == "..ww......."
    found.require_used()


def test_samples_are_counted_from_one_and_the_last_is_included(tmp_path: Path) -> None:
    reading = Reading(header=False, delimiter="whitespace")
    told: dict[str, Any] = {"start": "c4", "end": "c5", "label": "c3", "subject": "c2", "session": "c1"}
    found = labelled(
        tmp_path, "1 1 5 2 4\n1 1 7 5 11\n2 1 3 1 1\n", unit="samples", first_sample=1, reading=reading, **told
    )
    assert texts(found, "01", "01") == ".5557777777"
    assert texts(found, "1", "02") == "3" + "." * 10
    found.require_used()


def test_without_ends_a_label_holds_until_the_next_start(tmp_path: Path) -> None:
    found = labelled(tmp_path, "user,label,start\n1,walk,0.2\n1,jog,0.5\n1,,0.7\n1,sit,0.9\n2,lie,0.0\n", end=None)
    assert texts(found) == "..wwwjj..ss"
    assert texts(found, "2") == "l" * 11


def test_a_start_marker_holds_in_its_own_recording_only(tmp_path: Path) -> None:
    found = labelled(tmp_path, "user,label,start\n1,walk,100.5\n1,jog,200.5\n", end=None, zero="clock")
    assert texts(found, session="a", origin_s=100.0) == ".....wwwwww"
    assert texts(found, session="b", origin_s=200.0) == ".....jjjjjj"


def test_a_start_marker_in_whole_seconds_just_before_the_first_sample_counts(tmp_path: Path) -> None:
    found = labelled(tmp_path, "user,label,start\n1,walk,100\n", end=None, zero="clock")
    assert texts(found, origin_s=100.7) == "w" * 11
    found.require_used()


def test_fields_of_the_path_say_whose_labels_they_are(tmp_path: Path) -> None:
    found = labelled(tmp_path, "label,start,end\nwalk,0,0.2\n", subject="{subject}", session="{session}")
    assert texts(found, "anna", "3") == "ww........."
    assert texts(found, "anna", "4") == "." * 11


def test_without_a_subject_labels_are_for_everyone(tmp_path: Path) -> None:
    assert texts(labelled(tmp_path, "label,start,end\nwalk,0,0.2\n", subject=None), "bob", "7") == "ww........."


def test_renamed_people_keep_their_labels(tmp_path: Path) -> None:
    found = labelled(tmp_path, "user,label,start,end\n1,walk,0,0.2\n", rename={"01": "Anna"})
    assert texts(found, "Anna") == "ww........."


def test_overlapping_intervals_of_one_label_are_one(tmp_path: Path) -> None:
    assert texts(labelled(tmp_path, "user,label,start,end\n1,walk,0,0.3\n1,walk,0.2,0.5\n")) == "wwwww......"


@pytest.mark.parametrize(
    ("rows", "told", "message"),
    [
        ("1,walk,0,0.5\n1,sit,0.1,0.2\n1,jog,0.4,0.6\n", {}, r"line 3: label 'sit' begins before 'walk' ends \(.*2\)"),
        ("1,walk,0,0.9\n1,walk,0.1,0.2\n1,jog,0.4,0.6\n", {}, r"line 4: label 'jog' begins before 'walk' ends"),
        ("1,walk,0,3\n1,jog,3,4\n", {"unit": "samples"}, "line 3: label 'jog' begins before"),
        ("1,walk,0.2,x\n1,jog,0.2,x\n", {"end": None}, "line 3: label 'jog' begins before"),
        ("1,walk,0,1\n1,jog,0.6,0.5\n", {}, "line 3: label 'jog' ends before it starts"),
        ("1,walk,0,\n", {}, "line 2: end is nothing, expected a time in s"),
        ("1,walk,1.5,2\n", {"unit": "samples"}, "line 2: start is '1.5', expected a sample's number from 0"),
        ("1,walk,0,2\n", {"unit": "samples", "first_sample": 1}, "line 2: start is '0', expected a .* number from 1"),
        ("1,walk,1e12,2e12\n", {}, "line 2: start is '1e\\+12', expected a time in s"),
        ("1,walk,10:00,yesterday\n", {"unit": "iso"}, "line 2: end is 'yesterday', expected a date"),
        ("1,walk,0,1\n", {"label": "activity"}, "has no column activity, only user, label, start, end"),
    ],
)  # fmt: skip
def test_rows_that_contradict_each_other_are_named(
    tmp_path: Path, rows: str, told: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        labelled(tmp_path, "user,label,start,end\n" + rows, **told)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,walk,0,1\n9,jog,0,1\n", "line 3: label 'jog' of subject 9 lies in no recording; expected"),
        ("1,walk,0,1\n1,jog,2,3\n1,sit,4,5\n", "line 3: label 'jog' of subject 1 lies in no recording, as do 1 more"),
    ],
)
def test_intervals_that_find_no_recording_are_named(tmp_path: Path, rows: str, message: str) -> None:
    found = labelled(tmp_path, "user,label,start,end\n" + rows)
    texts(found)
    with pytest.raises(DataError, match=message):
        found.require_used()


def test_an_interval_that_falls_into_a_gap_found_its_recording(tmp_path: Path) -> None:
    found = labelled(tmp_path, "user,label,start,end\n1,walk,0.42,0.48\n")
    assert texts(found) == "." * 11
    found.require_used()


def test_a_start_that_is_a_rows_own_stamp_is_in_whatever_floats_round(tmp_path: Path) -> None:
    for origin_ms in (1_700_000_000_123, 1_700_000_000_777, 1_727_599_860_049, 1_727_599_860_331):
        rows = f"1,walk,{origin_ms + 200},{origin_ms + 400}\n1,jog,{origin_ms + 400},{origin_ms + 700}\n"
        found = labelled(tmp_path, "user,label,start,end\n" + rows, unit="ms", zero="clock")
        assert texts(found, origin_s=origin_ms / 1000) == "..wwjjj...."
