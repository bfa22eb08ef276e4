"""Tables of labels told from other tables, and what their columns mean."""

from collections.abc import Sequence
from typing import Any

import pytest

from factory.contracts.table import TimeUnit
from factory.data.guess.label_columns import RecordingContext
from factory.data.guess.label_files import IntervalsGuess, code_names, guess_intervals
from factory.data.guess.label_times import RecordingSpan

EPOCH_NS = 1_727_599_860 * 10**9
SENSOR_LOGGER = r"{label}_{subject:P\d+}-{session}/{sensor}.csv"
FOLDER = "walk_P1-2024-09-29_08-51-00"


def spans(
    first: float = 0.0, last: float = 20.0, people: Sequence[str] = "123", rows: int = 1000
) -> tuple[RecordingSpan, ...]:
    return tuple(RecordingSpan(subject=who, session="", first=first, last=last, rows=rows) for who in people)


def context(unit: TimeUnit = "s", **told: Any) -> RecordingContext:
    return RecordingContext(recordings=told.pop("recordings", spans()), unit=unit, **told)


def hapt() -> RecordingContext:
    """Experiments 01 to 04 of users 01 and 02, at 50 Hz."""
    named = (("01", "01"), ("01", "02"), ("02", "03"), ("02", "04"))
    return context(
        recordings=tuple(
            RecordingSpan(subject=who, session=which, first=0, last=3000 / 50, rows=3000) for who, which in named
        )
    )


def phone() -> RecordingContext:
    """A phone's recordings of three people, one after another, 30 s each."""
    recordings = tuple(
        RecordingSpan(
            subject=f"P{who}",
            session="2024-09-29_08-51-00",
            first=EPOCH_NS + (who - 1) * 60e9,
            last=EPOCH_NS + (who - 1) * 60e9 + 30e9,
            rows=1500,
        )
        for who in (1, 2, 3)
    )
    return context("ns", recordings=recordings, pattern=SENSOR_LOGGER, session="{session}")


def guessed(header: str, rows: str, of: RecordingContext, name: str = "labels.csv") -> IntervalsGuess:
    found = guess_intervals(header.split(","), [row.split(",") for row in rows.split("|")], name, of)
    assert found is not None
    return found


def told(found: IntervalsGuess, *names: str) -> list[object]:
    return [getattr(found.intervals, name) for name in names]


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        ("user,label,start,end", ["start", "end", "label", "user"]),
        ("participant,activity,begin,finish", ["begin", "finish", "activity", "participant"]),
        ("subject_id,annotation,start_time,stop_time", ["start_time", "stop_time", "annotation", "subject_id"]),
        ("Person,Aktivität,Beginn,Ende", ["Beginn", "Ende", "Aktivität", "Person"]),
        ("userId,eventType,startTime,endTime", ["startTime", "endTime", "eventType", "userId"]),
    ],
)
def test_a_header_tells_the_columns(header: str, roles: list[str]) -> None:
    found = guessed(header, "1,walk,0.0,6.5|1,jog,7.0,19.5|2,sit,0.5,19.0", context())
    assert told(found, "start", "end", "label", "subject") == roles
    assert told(found, "unit", "zero", "session", "file") == ["s", "clock", None, "labels.csv"]
    assert (found.header, found.sure) == (True, True)
    assert found.reasons["unit"] == "100% of the labels lie within their recordings and span 96% of them"


@pytest.mark.parametrize(
    ("rows", "first", "expected"),
    [
        ("1,walk,0,6500|1,jog,7000,19500", 0.0, ["ms", "clock"]),
        ("1,walk,0,325|1,jog,350,975", 0.0, ["samples", "recording"]),
        ("1,walk,0.5,6.5|1,jog,7,19.5", 1.7e9, ["s", "recording"]),
        ("1,walk,1700000000.5,1700000006|1,jog,1700000007,1700000019", 1.7e9, ["s", "clock"]),
        ("1,walk,1700000000500,1700000006000|1,jog,1700000007000,1700000019000", 1.7e9, ["ms", "clock"]),
        ("1,walk,2023-11-14 22:13:21,2023-11-14 22:13:27|1,jog,2023-11-14 22:13:28,2023-11-14 22:13:39",
         1.7e9, ["iso", "clock"]),
        ("1,walk,00:00:01,00:00:07|1,jog,00:00:08,00:00:19", 1.7e9, ["iso", "recording"]),
    ],
)  # fmt: skip
def test_unit_and_zero_come_from_the_recordings(rows: str, first: float, expected: list[str]) -> None:
    found = guessed("user,label,start,end", rows, context(recordings=spans(first, first + 20)))
    assert told(found, "unit", "zero") == expected
    assert found.sure


def test_a_unit_in_the_columns_name_is_believed() -> None:
    assert told(guessed("user,label,start_ms,end_ms", "1,walk,0,19000", context()), "unit") == ["ms"]
    assert told(guessed("user,label,first_sample,last_sample", "1,walk,1,999", context()), "unit", "first_sample") == [
        "samples",
        1,
    ]


def test_dates_of_another_form_have_it_written_down() -> None:
    rows = "P1,walk,29.09.2024 08:51:05,29.09.2024 08:51:12|P1,jog,29.09.2024 08:51:12,29.09.2024 08:51:28"
    found = guessed("user,label,start,end", rows, phone())
    assert told(found, "unit", "timestamp_format") == ["iso", "%d.%m.%Y %H:%M:%S"]
    assert found.sure


def test_times_outside_every_recording_are_asked() -> None:
    assert not guessed("user,label,start,end", "1,walk,0.5,900.5|1,jog,950.5,1900.5", context()).sure


def test_labels_of_unknown_people_are_asked() -> None:
    assert not guessed("user,label,start,end", "1,walk,0,19|9,jog,0,19", context()).sure


def test_columns_without_names_are_told_by_the_recordings() -> None:
    rows = "1,1,5,250,1232|1,1,7,1233,1392|1,1,4,1393,2994|2,1,5,251,1226|2,1,7,1227,2932|3,2,5,298,1398"
    found = guessed("c1,c2,c3,c4,c5", rows, hapt(), "RawData/labels.txt")
    assert told(found, "session", "subject", "label", "start", "end") == ["c1", "c2", "c3", "c4", "c5"]
    assert told(found, "unit", "zero", "first_sample") == ["samples", "recording", 1]
    assert (found.header, found.sure) == (False, True)


def test_a_text_among_columns_without_names_is_the_label() -> None:
    found = guessed("c1,c2,c3,c4", "1,walk,0,5.5|1,jog,6,19.5|2,sit,0,19", context())
    assert told(found, "subject", "label", "start", "end") == ["c1", "c2", "c3", "c4"]


def test_start_markers_of_a_phone_belong_to_the_folder_they_lie_in() -> None:
    rows = f"{EPOCH_NS + 500_000_000},0.5,walk|{EPOCH_NS + 10_000_000_000},10,jog|{EPOCH_NS + 27_000_000_000},27,sit"
    found = guessed("time,seconds_elapsed,text", rows, phone(), f"{FOLDER}/Annotation.csv")
    assert told(found, "file", "subject", "session") == [
        r"{label}_{subject:P\d+}-{session}/Annotation.csv", "{subject}", "{session}"
    ]  # fmt: skip
    assert told(found, "start", "end", "label", "unit", "zero") == ["time", None, "text", "ns", "clock"]
    assert found.sure


def test_a_column_of_files_that_holds_peoples_names_is_the_person() -> None:
    of = context(recordings=spans(people=("ann", "bob")))
    found = guessed("file,start,end,label", "ann,0,9,walk|ann,9,19,sit|bob,0,19,walk", of)
    assert told(found, "subject", "session") == ["file", None]


def test_a_label_file_beside_each_recording_has_its_subject() -> None:
    found = guessed("label,start,end", "walk,0,6|jog,6.5,19", context(pattern="{subject}.csv"), "1_labels.csv")
    assert told(found, "file", "subject") == ["{subject}_labels.csv", "{subject}"]
    assert found.sure


def test_labels_of_nobody_are_asked_where_people_were_recorded_at_once() -> None:
    found = guessed("label,start,end", "walk,0,6|jog,6.5,19", context())
    assert not found.sure
    assert "nothing says whose labels these are" in found.reasons["subject"]


def test_a_length_in_place_of_an_end_is_asked() -> None:
    found = guessed("user,label,start,duration", "1,walk,0.5,6|1,jog,7.5,12", context())
    assert found.intervals.end is None
    assert not found.sure
    assert "'duration' is not used" in found.reasons["end"]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("time,acc_x,acc_y,acc_z,label", "0,1,2,3,walk|1,1,2,3,walk"),
        ("user,activity,time_s,ax,ay,az", "1,walk,0.0,1,2,3|1,,0.02,1,2,3"),
        ("name,age", "anna,30|bert,40"),
        ("id,label", "1,walk|2,jog"),
        ("start,end", "0,1|2,3"),
        ("label,start,end", "walk,soon,later"),
        ("c1,c2", "1,WALKING|2,SITTING"),
        ("time,label", "|".join(f"{i * 0.02},walk" for i in range(100))),
    ],
)
def test_other_tables_are_no_labels(header: str, rows: str) -> None:
    assert guess_intervals(header.split(","), [row.split(",") for row in rows.split("|")], "x.csv", context()) is None


def test_an_empty_table_holds_no_labels() -> None:
    assert guess_intervals([], [], "x.csv", context()) is None
    assert guess_intervals(["user", "label", "start", "end"], [], "x.csv", context()) is None
    assert guess_intervals(["label", "start", "end"], [["walk"]], "x.csv", context()) is None


def test_without_recordings_the_unit_is_asked() -> None:
    found = guessed("user,label,start,end", "1,walk,0,6", context(recordings=()))
    assert not found.sure
    assert found.reasons["unit"] == "no recording to compare with"


@pytest.mark.parametrize(
    "rows",
    [
        [["1 WALKING"], ["2 SIT_TO_STAND"]],
        [["1", "WALKING"], ["2", "SIT_TO_STAND"]],
        [["WALKING", "1"], ["SIT_TO_STAND", "2"]],
        [["code", "name"], ["1", "WALKING"], ["2", "SIT_TO_STAND"], [""]],
    ],
)
def test_names_of_codes_are_read(rows: list[list[str]]) -> None:
    assert code_names(rows) == {"1": "WALKING", "2": "SIT_TO_STAND"}


@pytest.mark.parametrize(
    "rows", [[], [["1", "2"], ["3", "4"]], [["1", "a"], ["1", "b"]], [["1", "a"], ["2", "a"]], [["x"]]]
)
def test_other_rows_name_no_codes(rows: list[list[str]]) -> None:
    assert code_names(rows) is None


def test_labels_of_recordings_without_a_clock_count_samples() -> None:
    found = guessed("user,label,start,end", "1,walk,1,480|1,jog,481,999", context("samples", recordings=spans(0, 999)))
    assert told(found, "unit", "zero", "first_sample") == ["samples", "recording", 1]
    assert found.sure
