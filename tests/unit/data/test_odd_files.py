"""Odd, but real files: each is read as a person would read it, or refused in one line that says what to do."""

import io
import pickle
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from factory.contracts.errors import FactoryError
from factory.contracts.progress import Silent
from factory.contracts.table import TableDescription
from factory.data.guess.describe import description_toml
from factory.data.guess.project import Files
from factory.data.guess.roles import Chosen
from factory.data.guess.table import TableGuess, guess_table
from factory.data.sources.table import Table
from tests.unit.data.tables import HEADER, Rows

PEOPLE = ("ann", "bob", "cid")
SAMPLES = 100
"""Of each person and activity."""
NOON = datetime(2024, 5, 31, 12)
Change = Callable[[list[str]], str]


def header_and_rows() -> list[str]:
    return Rows.moving(SAMPLES, people=PEOPLE).lines


def text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def cells(change: Callable[[list[str]], list[str]]) -> Change:
    """A change of every row's cells: who, run, t, six values, activity."""
    return lambda lines: text([lines[0], *(",".join(change(line.split(","))) for line in lines[1:])])


def time_as(write: Callable[[float], str]) -> Change:
    """Seconds since the recording's start written otherwise."""
    return cells(lambda row: [*row[:2], write(int(row[2]) / 1000), *row[3:]])


def a_column_a_label(line: str) -> str:
    *values, label = line.split(",")
    return ",".join([*values, *("1" if label == name else "0" for name in ("rest", "walk"))])


def twelve_hours(seconds: float) -> str:
    moment = datetime(2024, 5, 31, 11, 59, 59) + timedelta(seconds=seconds)
    return f"{moment:%m/%d/%Y %I:%M:%S}.{moment.microsecond // 1000:03d} {moment:%p}"


def comma_values(row: list[str]) -> list[str]:
    return [*row[:3], *(f'"{value.replace(".", ",")}"' for value in row[3:9]), row[9]]


def wide(lines: list[str]) -> str:
    more = [",".join(f"f{place}" for place in range(300))]
    more += [",".join(f"{(row * place) % 97 / 7:.2f}" for place in range(300)) for row in range(1, len(lines))]
    return text([f"{line},{extra}" for line, extra in zip(lines, more, strict=True)])


READ: dict[str, Change] = {
    "mixed line ends": lambda lines: "".join(line + ("\r\n" if i % 3 else "\n") for i, line in enumerate(lines)),
    "carriage returns alone": lambda lines: "\r".join(lines) + "\r",
    "line breaks in quotes": lambda lines: text(lines).replace("activity\n", "activity,note\n").replace(
        "rest\n", 'rest,"two\nlines"\n').replace("walk\n", "walk,\n"),
    "units below the header": lambda lines: text([lines[0], ",,ms,m/s²,m/s²,m/s²,rad/s,rad/s,rad/s,", *lines[1:]]),
    "groups above the axes": lambda lines: text(
        [",,,Accelerometer,,,Gyroscope,,,", "who,run,t,X,Y,Z,X,Y,Z,activity", *lines[1:]]),
    "groups, axes and units": lambda lines: text(
        [",,,Accelerometer,,,Gyroscope,,,", "who,run,t,X,Y,Z,X,Y,Z,activity", ",,ms" + ",m/(s^2)" * 3 + ",-" * 4,
         *lines[1:]]),
    "row numbers without a name": lambda lines: text(
        [lines[0], *(f'"{number}",{line}' for number, line in enumerate(lines[1:], 1))]),
    "names in a comment": lambda lines: "# " + text(lines),
    "a comment at the end": lambda lines: text([*lines, "# 600 rows"]),
    "decimal commas in quotes": cells(comma_values),
    "typographic minus signs": lambda lines: text(lines).replace(",-", ",\u2212"),
    "days of a spreadsheet": time_as(lambda seconds: f"{45321.5 + seconds / 86400:.10f}"),
    "days of MATLAB": time_as(lambda seconds: f"{739000.25 + seconds / 86400:.10f}"),
    "a clock of twelve hours": time_as(twelve_hours),
    "times before 1970": time_as(lambda seconds: f"{-5000 + seconds:.2f}"),
    "labels with blanks": cells(lambda row: [*row[:9], row[9] + " " * (int(row[2]) // 20 % 2)]),
    "300 more columns": wide,
    "long cells": lambda lines: text([lines[0] + ",blob", *(line + "," + "x" * 20_000 for line in lines[1:])]),
    "whole numbers of 23 digits as people": cells(
        lambda row: [str(98765432109876543210987 + PEOPLE.index(row[0])), *row[1:]]),
    "people with leading zeros": cells(lambda row: [f"{7 + PEOPLE.index(row[0]):03d}", *row[1:]]),
    "newest row first": lambda lines: text([lines[0], *lines[:0:-1]]),
    "shuffled rows": lambda lines: text([lines[0], *random.Random(0).sample(lines[1:], len(lines) - 1)]),
    "dates, newest first": lambda lines: text(
        [lines[0], *time_as(lambda seconds: f"{NOON + timedelta(seconds=seconds)}")(lines).splitlines()[:0:-1]]),
    "axes named alike twice": lambda lines: text(["who,run,t,x,y,z,x,y,z,activity", *lines[1:]]),
    "a mark between joined files": lambda lines: text([*lines[:350], "\ufeff" + lines[350], *lines[351:]]),
}  # fmt: skip


def tried(path: Path, out: Path) -> tuple[TableGuess, dict[str, int]]:
    """What `factory init` says, and labelled rows of each person."""
    guess = guess_table([path], Chosen(), Files(), Silent())
    description = out / "data.toml"
    description.write_text(description_toml(guess, out), encoding="utf-8")
    rows: dict[str, int] = {}
    for recording in Table.from_file(description).recordings(None, Silent()):
        rows[recording.subject] = rows.get(recording.subject, 0) + int((recording.labels >= 0).sum())
    return guess, rows


@pytest.mark.parametrize("name", READ)
def test_an_odd_file_is_read_like_a_plain_one(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(READ[name](header_and_rows()).encode())
    guess, rows = tried(path, tmp_path)
    assert list(rows.values()) == [2 * SAMPLES] * len(PEOPLE)
    assert guess.clock.rate_hz == pytest.approx(50, rel=0.001)
    assert [(one.axes.name, one.unit, one.gravity) for one in guess.sensors] == [
        ("acc", "m/s^2", True),
        ("gyro", "rad/s", None),
    ]
    assert list(guess.labels.order) == ["rest", "walk"]


def test_letters_that_come_late_tell_the_encoding(tmp_path: Path) -> None:
    lines = header_and_rows()
    lines[1:] = [f"{line},{'x' * 1000}" for line in lines[1:]]
    late = text([f"{lines[0]},note", *lines[1:]]).replace("cid", "Zoë")
    (tmp_path / "rows.csv").write_text(late, "cp1252")
    assert sorted(tried(tmp_path / "rows.csv", tmp_path)[1]) == ["Zoë", "ann", "bob"]
    (tmp_path / "rows.csv").write_text(late, "utf-8")
    assert sorted(tried(tmp_path / "rows.csv", tmp_path)[1]) == ["Zoë", "ann", "bob"]


def test_windows_for_rows_without_order_are_those_for_rows_in_order(tmp_path: Path) -> None:
    proposed = []
    for name, change in (("plain", text), ("shuffled", READ["shuffled rows"])):
        (tmp_path / f"{name}.csv").write_text(change(header_and_rows()), "utf-8")
        window = guess_table([tmp_path / f"{name}.csv"], Chosen(), Files(), Silent()).window
        proposed.append(replace(window, reason=""))
    assert proposed[0] == proposed[1]


def test_rows_without_order_that_are_too_many_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory.data.guess.sample._ROWS", 500)
    (tmp_path / "rows.csv").write_text(READ["shuffled rows"](header_and_rows()), "utf-8")
    with pytest.raises(FactoryError, match="sort each recording's rows by 't'"):
        guess_table([tmp_path / "rows.csv"], Chosen(), Files(), Silent())


def test_a_missing_value_among_rows_without_order_is_told_by_its_line(tmp_path: Path) -> None:
    lines = READ["shuffled rows"](header_and_rows()).splitlines()
    row = lines[100].split(",")
    lines[100] = ",".join([*row[:3], "", *row[4:]])
    (tmp_path / "rows.csv").write_text(text(lines), "utf-8")
    checks = guess_table([tmp_path / "rows.csv"], Chosen(), Files(), Silent()).checks
    assert any("line 101" in check.message for check in checks)
    assert any("rows are in no order of time" in check.message for check in checks)


def test_a_sensor_of_text_beside_others_is_left_out_and_asked_about(tmp_path: Path) -> None:
    change = cells(lambda row: [*row[:3], *["off"] * 3, *row[6:]])
    (tmp_path / "rows.csv").write_text(change(header_and_rows()), "utf-8")
    guess = guess_table([tmp_path / "rows.csv"], Chosen(), Files(), Silent())
    assert [sensor.axes.name for sensor in guess.sensors] == ["gyro"]
    assert any("ax, ay, az is left out: column 'ax' holds text like 'off'" in check.message for check in guess.checks)


def test_leading_zeros_of_people_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(READ["people with leading zeros"](header_and_rows()), "utf-8")
    assert sorted(tried(path, tmp_path)[1]) == ["007", "008", "009"]


def test_units_of_their_own_row_are_followed(tmp_path: Path) -> None:
    lines = Rows.moving(SAMPLES, people=PEOPLE, gravity=1.0).lines
    (tmp_path / "rows.csv").write_text(text([lines[0], "-,-,[ms],[g],[g],[g]" + ",[rad/s]" * 3 + ",-", *lines[1:]]))
    guess, _ = tried(tmp_path / "rows.csv", tmp_path)
    assert (guess.sensors[0].unit, guess.checks) == ("g", ())


FAULTY: dict[str, tuple[Change, str]] = {
    "a header in the middle": (lambda lines: text([*lines[:300], HEADER, *lines[300:]]), "line 301: column 't' holds"),
    "a summary at the end": (lambda lines: text([*lines, "Mean of all: 0.1"]), "line 602: 1 values, expected 10"),
    "zeros of a card without power": (lambda lines: text(lines) + "\0" * 400, "line 602: 1 values, expected 10"),
    "a row that is cut off": (lambda lines: text(lines)[:-30], "expected 10"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_rows_that_are_no_samples_are_asked_about_and_dropped_on_request(name: str, tmp_path: Path) -> None:
    change, said = FAULTY[name]
    (tmp_path / "rows.csv").write_text(change(header_and_rows()), "utf-8")
    guess = guess_table([tmp_path / "rows.csv"], Chosen(), Files(), Silent())
    assert any("faulty_rows = 'drop'" in check.message for check in guess.checks)
    described = description_toml(guess, tmp_path)
    (tmp_path / "data.toml").write_text(described, "utf-8")
    with pytest.raises(FactoryError, match=said):
        list(Table.from_file(tmp_path / "data.toml").recordings(None, Silent()))
    cleaned = TableDescription.model_validate(
        Table.from_file(tmp_path / "data.toml").description.model_dump() | {"cleaning": {"faulty_rows": "drop"}}
    )
    recordings = list(Table(cleaned, tmp_path).recordings(None, Silent()))
    assert 590 <= sum(len(recording.time_s) for recording in recordings) <= 600


def archive(content: str | bytes, name: str = "rows.csv") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr(name, content)
    return stream.getvalue()


def locked(content: bytes) -> bytes:
    """An archive whose only member says that it is encrypted."""
    damaged = bytearray(content)
    damaged[6] |= 1
    damaged[damaged.index(b"PK\x01\x02") + 8] |= 1
    return bytes(damaged)


OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "units in the values": (
        "rows.csv",
        lambda: cells(lambda row: [*row[:3], *(f"{v} m/s²" for v in row[3:9]), row[9]])(header_and_rows()).encode(),
        "write the unit into the column's name",
    ),
    "an archive with a password": ("rows.zip", lambda: locked(archive(text(header_and_rows()))), "password required"),
    "an archive in an archive": (
        "rows.zip", lambda: archive(archive(text(header_and_rows())), "inner.zip"), "unpack the outer one",
    ),
    "an old workbook": ("rows.xls", lambda: OLD_OFFICE, "save it as .xlsx"),
    "a workbook with a password": ("rows.xlsx", lambda: OLD_OFFICE, "without a password"),
    "a web page named as a workbook": ("rows.xls", lambda: b"<html><table><tr><td>who</td></tr></table>", "a web page"),
    "HDF5": ("rows.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(600), "pandas.read_hdf"),
    "a MATLAB file": ("rows.mat", lambda: b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM", "scipy.io.loadmat"),
    "a newer MATLAB file": ("rows.mat", lambda: b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF", "h5py"),
    "a pickle": ("rows.pkl", lambda: pickle.dumps({"acc_x": [0.5] * 500}), "may run any code"),
    "a NumPy array": ("rows.npy", lambda: b"\x93NUMPY\1\0" + bytes(600), "names no columns"),
    "a database": ("rows.db", lambda: b"SQLite format 3\0" + bytes(600), "pandas.read_sql"),
    "Feather": ("rows.feather", lambda: b"ARROW1\0\0" + bytes(600), "pandas.read_feather"),
    "lines of JSON": ("rows.jsonl", lambda: b'{"who": "ann", "acc_x": 0.5}\n' * 500, "pandas.read_json"),
    "JSON": ("rows.json", lambda: b"[" + b'{"who": "ann", "acc_x": 0.5},\n' * 500 + b"]", "pandas.read_json"),
    "ARFF": ("rows.arff", lambda: b"% made\n@RELATION rows\n@ATTRIBUTE a NUMERIC\n@DATA\n" + b"1,2\n" * 500, "ARFF"),
    "XML": ("export.xml", lambda: b'<?xml version="1.0"?>\n<data><x a="1"/></data>', "an XML document"),
    "a column an activity": (
        "rows.csv",
        lambda: text([HEADER.replace("activity", "rest,walk"), *map(a_column_a_label, header_and_rows()[1:])]).encode(),
        "table[['rest', 'walk']].idxmax(axis=1)",
    ),
    "units in the values of one sensor": (
        "rows.csv",
        lambda: cells(lambda row: [*row[:3], *(f"{v} m/s²" for v in row[3:6]), *row[6:]])(header_and_rows()).encode(),
        "column 'ax' holds text like",
    ),
    "nothing": ("rows.csv", lambda: b" \n\n", "is empty"),
    "a mark and nothing": ("rows.csv", lambda: b"\xff\xfe", "is empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_line_with_a_remedy(name: str, tmp_path: Path) -> None:
    file, content, said = REFUSED[name]
    (tmp_path / file).write_bytes(content())
    with pytest.raises(FactoryError) as raised:
        guess_table([tmp_path / file], Chosen(), Files(), Silent())
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def files_of(folder: Path, repetitions: int = 4) -> Path:
    """A folder a person, a file an activity and repetition."""
    rows = [line.split(",") for line in header_and_rows()[1:]]
    for who in PEOPLE:
        (folder / who).mkdir(parents=True)
        for label in ("rest", "walk"):
            own = [",".join(row[2:9]) for row in rows if (row[0], row[9]) == (who, label)]
            for number in range(1, repetitions + 1):
                (folder / who / f"{label}_{number}.csv").write_text(text(["t,ax,ay,az,gx,gy,gz", *own]))
    return folder


UNLIKE: dict[str, tuple[bytes, str]] = {
    "broken": (b"\0\1\2 broken" * 50, "is not text"),
    "empty": (b"", "is empty"),
    "of other columns": (b"time;x;y\n" + b"1;2;3\n" * 50, "none of the sensors' columns"),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_one_file_that_is_no_recording_is_left_out_and_named(name: str, tmp_path: Path) -> None:
    content, said = UNLIKE[name]
    folder = files_of(tmp_path / "recordings")
    (folder / "bob" / "walk_9.csv").write_bytes(content)
    guess, rows = tried(folder, tmp_path)
    assert sum(rows.values()) == 24 * SAMPLES
    assert any("walk_9.csv" in check.message and said in check.message for check in guess.checks)


def test_names_with_signs_of_patterns_and_emoji_and_links_in_circles_are_read(tmp_path: Path) -> None:
    folder = files_of(tmp_path / "recordings")
    for who, name in zip(PEOPLE, ("{ann}", "[bob]*'\"", "cid🏃"), strict=True):
        (folder / who).rename(folder / name)
    (folder / "again").symlink_to(folder, target_is_directory=True)
    (folder / "gone.csv").symlink_to("nowhere.csv")
    (folder / "self").symlink_to("self")
    assert sorted(tried(folder, tmp_path)[1]) == ["[bob]*'\"", "cid🏃", "{ann}"]


def test_a_folder_of_one_archive_of_one_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data/export.zip", "w") as packed:
        packed.writestr("rows.csv", text(header_and_rows()))
    assert tried(tmp_path / "data", tmp_path)[1] == dict.fromkeys(PEOPLE, 2 * SAMPLES)


def test_a_name_with_a_line_break_is_one_line(tmp_path: Path) -> None:
    folder = files_of(tmp_path / "recordings")
    (folder / "ann").rename(folder / "an\nn")
    with pytest.raises(FactoryError, match="rename that person") as raised:
        tried(folder, tmp_path)
    assert "\n" not in str(raised.value)


def test_a_name_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    folder = files_of(tmp_path / "recordings")
    try:
        (folder / "ann").rename(Path(f"{folder}/an\udcffn"))
    except (OSError, UnicodeError):
        pytest.skip("this file system has no such names")
    with pytest.raises(FactoryError, match="is no UTF-8 text: rename it"):
        tried(folder, tmp_path)


def test_worksheets_are_files_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    rows = [line.split(",") for line in header_and_rows()[1:]]
    for who in PEOPLE:
        for label in ("rest", "walk"):
            sheet = book.create_sheet(f"{label}_{who}")
            sheet.append(HEADER.split(",")[2:9])
            for row in rows:
                if (row[0], row[9]) == (who, label):
                    sheet.append([float(cell) for cell in row[2:9]])
    book.create_sheet("Sheet7")
    book.save(tmp_path / "book.xlsx")
    assert tried(tmp_path / "book.xlsx", tmp_path)[1] == dict.fromkeys(PEOPLE, 2 * SAMPLES)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.write(tmp_path / "book.xlsx", "data/book.xlsx")
    assert tried(tmp_path / "packed.zip", tmp_path)[1] == dict.fromkeys(PEOPLE, 2 * SAMPLES)
