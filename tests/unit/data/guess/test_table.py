"""Guesses on real movement under odd headers, and one line with a remedy for what cannot be guessed."""

import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from factory.contracts.errors import DataError
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.contracts.table import TableDescription
from factory.contracts.window import Quantity
from factory.data.guess.clock import resampled_rate
from factory.data.guess.describe import description_toml, recipe_toml
from factory.data.guess.project import Files
from factory.data.guess.roles import Chosen
from factory.data.guess.table import TableGuess, guess_table
from factory.data.guess.words import words
from tests.unit.data.odd_tables import watch_rows, write_odd


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    return watch_rows(subjects=4, recordings=56)


@pytest.fixture(scope="module")
def odd(rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_odd(tmp_path_factory.mktemp("odd") / "My Watch.csv", rows)


@pytest.fixture(scope="module")
def guess(odd: Path) -> TableGuess:
    return guess_table([odd], Chosen(), Files(), Silent())


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refused(path: Path, chosen: Chosen | None = None) -> str:
    with pytest.raises(DataError) as caught:
        guess_table([path], chosen or Chosen(), Files(), Silent())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rising(rows: int = 300, people: int = 3) -> list[str]:
    """who,t,ax..az,activity; gravity on z, two activities each."""
    rng = np.random.default_rng(0)
    lines = ["who_user,t,ax,ay,az,activity"]
    for who in range(people):
        for index, (x, y, z) in enumerate(rng.normal([0, 0, 9.8], 0.5, (rows, 3))):
            activity = "walk" if index > rows // 2 else "rest"
            lines.append(f"p{who},{index * 0.01:.2f},{x:.3f},{y:.3f},{z:.3f},{activity}")
    return lines


def test_odd_headers_are_understood(guess: TableGuess) -> None:
    roles = guess.roles
    assert roles.label is not None
    assert (roles.subject.column, guess.clock.column, roles.label.column) == ("user_id", "ts_ms", "exercise")
    assert roles.session is not None
    assert roles.session.column == "trial"
    assert set(roles.left_out) == {"battery"}
    assert guess.sensors[0].axes.columns["y"] == "accelerometerY"


def test_units_rate_and_window_are_told_from_values(guess: TableGuess) -> None:
    assert [(s.axes.name, s.unit, s.gravity) for s in guess.sensors] == [("acc", "g", True), ("gyro", "deg/s", None)]
    assert (guess.clock.unit, guess.clock.rate_hz) == ("ms", 50)
    assert (guess.rate_hz, guess.window.window, guess.groups) == (50, 128, 4)


def test_the_toml_reads_back_and_gives_its_reasons(guess: TableGuess, odd: Path) -> None:
    text = description_toml(guess, odd.parent)
    description = TableDescription.model_validate(tomllib.loads(text))
    assert (description.folder, description.files) == (".", ("My Watch.csv",))
    assert [channel.column for channel in description.channels][3] == "rotationRate.x"
    assert description.placement == "unknown"
    assert "PLEASE CHECK: where on the body" in text
    assert "gravity in g" in text
    recipe = Recipe.model_validate(tomllib.loads(recipe_toml(guess, "data.toml")))
    assert (recipe.name, recipe.data.window, recipe.split.kind) == ("my_watch", 128, "groups")


def test_hostile_column_names_survive_the_toml(tmp_path: Path) -> None:
    lines = rising()
    lines[0] = 'who_user,t,"a.x ""= # ]",ay,az,"activity\x0bof, day"'
    found = guess_table([write(tmp_path / "1 evil.csv", *lines)], Chosen(), Files(), Silent())
    description = TableDescription.model_validate(tomllib.loads(description_toml(found, tmp_path / "elsewhere")))
    assert description.columns.label == "activity\x0bof, day"
    assert description.channels[0].column == 'a.x "= # ]'
    assert (description.folder, description.files) == ("..", ("1 evil.csv",))
    assert Recipe.model_validate(tomllib.loads(recipe_toml(found, "data.toml"))).name == "table_1_evil"


def test_parquet_is_guessed_like_csv(odd: Path, guess: TableGuess, tmp_path: Path) -> None:
    parquet.write_table(arrow_csv.read_csv(odd), tmp_path / "watch.parquet", row_group_size=5000)
    found = guess_table([tmp_path / "watch.parquet"], Chosen(), Files(), Silent())
    assert found.people.rows == guess.people.rows
    assert found.labels.order == guess.labels.order
    assert [s.unit for s in found.sensors] == ["g", "deg/s"]


def test_a_large_file_is_sampled_to_its_end(tmp_path: Path) -> None:
    lines = rising(rows=200_000, people=3)
    path = write(tmp_path / "large.csv", *lines)
    found = guess_table([path], Chosen(), Files(), Silent())
    assert found.people.rows == {"p0": 200_000, "p1": 200_000, "p2": 200_000}


def test_options_win_over_guesses(odd: Path) -> None:
    found = guess_table([odd], Chosen(subject="trial", session="user_id"), Files(), Silent())
    assert found.roles.subject.column == "trial"
    assert "--subject" in found.roles.subject.reason


@pytest.mark.parametrize(
    ("factor", "offset", "unit"), [(1, 0, "s"), (1e3, 5e3, "ms"), (1e6, 0, "us"), (1e9, 1.6e18, "ns")]
)
def test_the_unit_of_time_is_told_from_its_pace(tmp_path: Path, factor: float, offset: float, unit: str) -> None:
    lines = rising()
    for number, line in enumerate(lines[1:], 1):
        who, t, *rest = line.split(",")
        stamp = t if factor == 1 else str(int(offset) + round(float(t) * factor))
        lines[number] = ",".join([who, stamp, *rest])
    found = guess_table([write(tmp_path / "t.csv", *lines)], Chosen(), Files(), Silent())
    assert found.clock.unit == unit
    assert found.clock.rate_hz == pytest.approx(100, rel=1e-3)
    assert found.rate_hz == 50


def test_dates_are_time_stamps(tmp_path: Path) -> None:
    lines = rising(rows=90)
    for number, line in enumerate(lines[1:], 1):
        who, t, *rest = line.split(",")
        lines[number] = ",".join([who, f"2026-01-31T12:00:0{float(t):.3f}", *rest])
    found = guess_table([write(tmp_path / "t.csv", *lines)], Chosen(), Files(), Silent())
    assert found.clock.unit == "iso"
    assert found.clock.rate_hz == pytest.approx(100)


def test_gravity_free_acceleration_is_told_whatever_its_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = rising(rows=1000)
    for number, line in enumerate(lines[1:], 1):
        who, t, *_, activity = line.split(",")
        strength = 0.05 if number % 1000 < 300 else 6
        values = ",".join(f"{v:.3f}" for v in rng.normal(0, strength, 3))
        lines[number] = f"{who},{t},{values},{activity}"
    found = guess_table([write(tmp_path / "t.csv", *lines)], Chosen(), Files(), Silent())
    assert (found.sensors[0].unit, found.sensors[0].gravity) == ("m/s^2", False)
    assert TableDescription.model_validate(tomllib.loads(description_toml(found, tmp_path)))


def test_two_placements_become_two_sensors(tmp_path: Path) -> None:
    lines = rising()
    lines[0] = "user,t,wrist_acc_x,wrist_acc_y,wrist_acc_z,activity,hip_acc_x,hip_acc_y,hip_acc_z"
    lines[1:] = [line + "," + ",".join(line.split(",")[2:5]) for line in lines[1:]]
    found = guess_table([write(tmp_path / "t.csv", *lines)], Chosen(), Files(), Silent())
    assert [s.axes.placement for s in found.sensors] == ["wrist", "hip"]
    assert [s.axes.name for s in found.sensors] == ["wrist_acc", "hip_acc"]


def test_texts_for_no_label_are_no_class(tmp_path: Path) -> None:
    lines = rising()
    lines[5] = lines[5].replace("rest", "null")
    found = guess_table([write(tmp_path / "t.csv", *lines)], Chosen(), Files(), Silent())
    assert set(found.labels.order) == {"rest", "walk"}
    assert found.labels.null == ("null",)
    assert [check.code for check in found.labels.checks] == ["label.null"]


@pytest.mark.parametrize(
    ("header", "axis_words"),
    [("accelerometerX", ("accelerometer", "x")), ("Acc-X (g)", ("acc", "x", "g")), ("ts_ms", ("ts", "ms"))],
)
def test_names_are_taken_apart(header: str, axis_words: tuple[str, ...]) -> None:
    assert words(header) == axis_words


def test_rates_are_evened_out() -> None:
    assert [resampled_rate(hz) for hz in (49.7, 100.2, 25.0, 12.5, 51.2)] == [50, 50, 25, 12.5, 51]


def test_quantities_need_their_words(guess: TableGuess) -> None:
    assert [s.quantity for s in guess.sensors] == [Quantity.ACCELEROMETER, Quantity.GYROSCOPE]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    assert "is empty" in refused(tmp_path / "empty.csv")


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    assert "one row a sample" in refused(write(tmp_path / "t.csv", rising()[0]))


def test_an_empty_folder_a_missing_file_and_text_are_refused(tmp_path: Path) -> None:
    assert "holds no files" in refused(tmp_path)
    assert "does not exist" in refused(tmp_path / "no.csv")
    assert "no table" in refused(write(tmp_path / "t.txt", "x"))


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_binary_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(5000) + b"\0")
    assert "expected CSV" in refused(tmp_path / name) or "Parquet" in refused(tmp_path / name)


def test_a_table_without_numbers_is_refused(tmp_path: Path) -> None:
    assert "no table" in refused(write(tmp_path / "t.csv", "user,activity", "a,walk", "b,rest"))


def test_semicolons_decimal_commas_and_tabs_are_read(rows: list[list[str]], tmp_path: Path) -> None:
    for separator, decimal in ((";", ","), ("\t", ".")):
        path = write_odd(tmp_path / "t.csv", rows, separator=separator, decimal=decimal)
        found = guess_table([path], Chosen(), Files(), Silent())
        assert [s.unit for s in found.sensors] == ["g", "deg/s"]
        description = TableDescription.model_validate(tomllib.loads(description_toml(found, tmp_path)))
        assert (description.reading[0].delimiter, description.reading[0].decimal) == (separator, decimal)


def test_a_missing_label_column_names_candidates_and_option(tmp_path: Path) -> None:
    lines = rising()
    lines[0] = "user,t,ax,ay,az,comment"
    lines[1:] = [line.rsplit(",", 1)[0] + f",{number}" for number, line in enumerate(lines[1:])]
    message = refused(write(tmp_path / "t.csv", *lines))
    assert "--label COLUMN" in message
    assert "comment" in message


def test_a_missing_subject_column_names_the_option(tmp_path: Path) -> None:
    lines = rising()
    lines[0] = "device,t,ax,ay,az,activity"
    message = refused(write(tmp_path / "t.csv", *lines))
    assert "--subject COLUMN" in message
    assert "device" in message
    assert guess_table([tmp_path / "t.csv"], Chosen(subject="device"), Files(), Silent()).people.rows == {
        "p0": 300,
        "p1": 300,
        "p2": 300,
    }


def test_an_option_that_names_no_column_lists_them(odd: Path) -> None:
    assert "user_id, trial" in refused(odd, Chosen(label="nope"))


def test_sensors_without_names_are_explained(tmp_path: Path) -> None:
    lines = rising()
    lines[0] = "user,t,c1,c2,c3,activity"
    assert "acc_x, acc_y, acc_z" in refused(write(tmp_path / "t.csv", *lines))


def test_two_people_are_too_few(tmp_path: Path) -> None:
    assert "at least 3" in refused(write(tmp_path / "t.csv", *rising(people=2)))


def test_one_label_is_too_few(tmp_path: Path) -> None:
    lines = [line.replace("rest", "walk") for line in rising()]
    assert "at least 2" in refused(write(tmp_path / "t.csv", *lines))


def test_time_of_no_known_pace_is_refused(tmp_path: Path) -> None:
    lines = rising()
    for number, line in enumerate(lines[1:], 1):
        who, t, *rest = line.split(",")
        lines[number] = ",".join([who, str(float(t) * 1e3 * 60), *rest])
    assert "--time COLUMN" in refused(write(tmp_path / "t.csv", *lines))


def test_time_that_stands_still_is_refused(tmp_path: Path) -> None:
    lines = [
        ",".join([*line.split(",")[:1], "7", *line.split(",")[2:]]) if n else line for n, line in enumerate(rising())
    ]
    assert "never rise" in refused(write(tmp_path / "t.csv", *lines))


def test_a_ragged_row_is_counted_and_its_cure_offered(tmp_path: Path) -> None:
    lines = rising()
    lines[100] += ",9,9"
    found = guess_table([write(tmp_path / "t.csv", *lines)], Chosen(), Files(), Silent())
    assert [check.code for check in found.checks] == ["row.faulty"]
    assert "1 rows have more or fewer values" in found.checks[0].message
    assert '# faulty_rows = "drop"' in description_toml(found, tmp_path)


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("dated", [False, True])
def test_a_line_of_sums_and_a_word_among_numbers_are_faulty_rows(decimal: str, dated: bool, tmp_path: Path) -> None:
    lines = [line.replace(",", ";").replace(".", decimal) for line in rising()]
    if dated:
        lines = [lines[0], *(_dated(line, row) for row, line in enumerate(lines[1:]))]
    who, time, _, *rest = lines[400].split(";")
    lines[400] = ";".join([who, time, "ERR", *rest])
    found = guess_table([write(tmp_path / "t.csv", *lines, "p0;Sum;;;;")], Chosen(), Files(), Silent())
    assert [check.message[:45] for check in found.checks if check.code == "row.missing"] == [
        "time stamps: 1 of 901 rows have no value, the",
        "acc: 2 of 901 rows have no value, the first i",
    ]


def _dated(line: str, row: int) -> str:
    who, _, *rest = line.split(";")
    return ";".join([who, f"3/11/2026 11:59:{row % 300 / 100:06.3f} AM", *rest])


def test_a_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    empty = pa.table({"user": pa.array([], pa.string()), "ax": pa.array([], pa.float64())})
    parquet.write_table(empty, tmp_path / "t.parquet")
    assert "no rows" in refused(tmp_path / "t.parquet")
