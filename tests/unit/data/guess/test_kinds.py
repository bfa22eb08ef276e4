"""Each way in which people's recordings mislead a reader is asked about, and nothing else is."""

import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.errors import DataError
from factory.contracts.progress import Silent
from factory.contracts.table import TableDescription
from factory.data.guess.describe import description_toml, recipe_toml
from factory.data.guess.project import Files
from factory.data.guess.roles import Chosen
from factory.data.guess.table import TableGuess, guess_table
from factory.data.sources.layout import STANDARD_GRAVITY
from tests.unit.data.kinds import RATE_HZ, Piece, edit, pieces, sensor_logger, table


def guess(*paths: Path, chosen: Chosen | None = None, files: Files | None = None) -> TableGuess:
    return guess_table(list(paths), chosen or Chosen(), files or Files(), Silent())


def codes(found: TableGuess) -> list[str]:
    return [check.code for check in found.checks]


def described(found: TableGuess, folder: Path) -> TableDescription:
    return TableDescription.model_validate(tomllib.loads(description_toml(found, folder)))


def message(found: TableGuess, code: str) -> str:
    return next(check.message for check in found.checks if check.code == code)


def test_sound_recordings_are_not_asked_about(tmp_path: Path) -> None:
    found = guess(table(tmp_path / "t.csv"))
    assert codes(found) == []
    assert [(s.unit, s.gravity) for s in found.sensors] == [("m/s^2", True), ("rad/s", None)]
    assert found.cleaning.model_dump(exclude_defaults=True) == {}


def test_people_in_another_unit_are_named_and_converted(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", values=lambda p: (p.acc / STANDARD_GRAVITY if p.who == "cho" else p.acc, p.gyro))
    found = guess(path)
    assert codes(found) == ["unit.mixed"]
    assert "of cho is in g" in message(found, "unit.mixed")
    correction = described(found, tmp_path).corrections[0]
    assert (correction.subjects, correction.unit) == (("cho",), "g")
    assert found.sensors[0].unit == "m/s^2"


def test_people_with_rotation_in_degrees_are_named(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", values=lambda p: (p.acc, np.degrees(p.gyro) if p.who == "ann" else p.gyro))
    found = guess(path)
    assert codes(found) == ["unit.mixed"]
    assert "of ann looks like deg/s" in message(found, "unit.mixed")
    assert described(found, tmp_path).corrections[0].channels == ("gyro_x", "gyro_y", "gyro_z")


def test_people_without_gravity_cannot_be_converted(tmp_path: Path) -> None:
    def free(piece: Piece) -> tuple[np.ndarray, np.ndarray]:
        kernel = np.ones(RATE_HZ) / RATE_HZ
        slow = np.stack([np.convolve(axis, kernel, "same") for axis in piece.acc.T], axis=1)
        return (piece.acc - slow if piece.who == "dia" else piece.acc), piece.gyro

    found = guess(table(tmp_path / "t.csv", values=free))
    assert "unit.mixed_gravity" in codes(found)
    assert "of dia holds no gravity" in message(found, "unit.mixed_gravity")
    assert described(found, tmp_path).corrections == ()


def test_user_acceleration_is_in_g_however_hard_the_sport(tmp_path: Path) -> None:
    header = "user,activity,time_s,userAcceleration.x,userAcceleration.y,userAcceleration.z,gyro_x,gyro_y,gyro_z"
    rng = np.random.default_rng(0)
    found = guess(table(tmp_path / "t.csv", header, values=lambda p: (rng.normal(0, 2.2, p.acc.shape), p.gyro)))
    assert (found.sensors[0].unit, found.sensors[0].gravity) == ("g", False)
    assert codes(found) == ["unit.doubt"]
    assert "is in g" in message(found, "unit.doubt")


def test_a_unit_in_the_name_that_the_values_contradict_is_asked_about(tmp_path: Path) -> None:
    header = "user,activity,time_s,accX (g),accY (g),accZ (g),gyro_x,gyro_y,gyro_z"
    found = guess(table(tmp_path / "t.csv", header))
    assert found.sensors[0].unit == "m/s^2"
    assert "its name says g" in message(found, "unit.doubt")


@pytest.mark.parametrize(("factor", "unit", "scale"), [(1000, "g", 0.001), (64, "g", 1 / 64), (16384, "g", 1 / 16384)])
def test_raw_counts_get_a_scale(tmp_path: Path, factor: int, unit: str, scale: float) -> None:
    path = table(tmp_path / "t.csv", values=lambda p: (np.round(p.acc / STANDARD_GRAVITY * factor), p.gyro))
    found = guess(path)
    assert found.sensors[0].unit == unit
    assert found.sensors[0].scale == pytest.approx(scale)
    assert codes(found) == ["unit.doubt"]


def test_swapped_headers_are_found_by_gravity(tmp_path: Path) -> None:
    found = guess(table(tmp_path / "t.csv", values=lambda p: (p.gyro, p.acc)))
    assert "sensor.swapped" in codes(found)
    assert "names are swapped" in message(found, "sensor.swapped")


def test_a_row_counter_as_time_asks_for_the_rate(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", row=lambda p, t, number: (p.who, p.label, str(number)))
    with pytest.raises(DataError, match="say --rate HZ"):
        guess(path)
    found = guess(path, chosen=Chosen(rate_hz=50))
    assert (found.clock.unit, found.clock.rate_hz) == ("samples", 50)
    assert described(found, tmp_path).timestamp_unit == "samples"


@pytest.mark.parametrize(("name", "factor"), [("time_s", 1000), ("time_ms", 1)])
def test_a_time_unit_in_the_name_that_the_steps_contradict_is_asked_about(
    tmp_path: Path, name: str, factor: int
) -> None:
    header = f"user,activity,{name},acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
    path = table(tmp_path / "t.csv", header, row=lambda p, t, n: (p.who, p.label, f"{t * factor:.2f}"))
    found = guess(path)
    assert found.clock.unit == ("ms" if factor == 1000 else "s")
    assert codes(found) == ["time.unit"]


def test_minutes_are_a_unit(tmp_path: Path) -> None:
    found = guess(table(tmp_path / "t.csv", row=lambda p, t, n: (p.who, p.label, f"{t / 60:.7f}")))
    assert found.clock.unit == "min"
    assert found.clock.rate_hz == pytest.approx(50, rel=0.01)


def test_a_person_with_another_unit_of_time_is_named(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", row=lambda p, t, n: (p.who, p.label, f"{t * (1000 if p.who == 'ben' else 1):.2f}"))
    found = guess(path)
    assert (found.clock.unit, found.clock.rate_hz) == ("s", 50)
    assert "time of ben has another unit" in message(found, "time.unit_of_people")


def test_the_sensors_own_time_is_preferred(tmp_path: Path) -> None:
    header = "user,activity,time_s,gps_time,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
    path = table(
        tmp_path / "t.csv", header, row=lambda p, t, n: (p.who, p.label, f"{t:.2f}", str(1_700_000_000 + int(t)))
    )
    found = guess(path)
    assert found.clock.column == "time_s"
    assert "'gps_time' could be it" in message(found, "time.two")


def test_the_same_time_in_two_columns_is_no_question(tmp_path: Path) -> None:
    header = "user,activity,timestamp,seconds_elapsed,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
    path = table(
        tmp_path / "t.csv",
        header,
        row=lambda p, t, n: (p.who, p.label, str(1_700_000_000_000 + round(t * 1000)), f"{t:.2f}"),
    )
    found = guess(path)
    assert found.clock.column == "timestamp"
    assert codes(found) == []


def test_time_that_starts_anew_wants_a_column_of_recordings_and_no_sorting(tmp_path: Path) -> None:
    found = guess(table(tmp_path / "t.csv", own_clock=True))
    assert codes(found) == ["time.falls"]
    assert message(found, "time.falls").startswith("a column that tells recordings of one person apart is missing")
    assert described(found, tmp_path).cleaning.time_falls == "split"


def test_two_recordings_between_each_other_are_not_repaired(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", own_clock=True)
    header, *rows = path.read_text().splitlines()
    rows.sort(key=lambda row: (row.split(",")[0], float(row.split(",")[2])))
    path.write_text("\n".join([header, *rows]) + "\n")
    found = guess(path)
    assert "recording.interleaved" in codes(found)
    assert found.cleaning.model_dump(exclude_defaults=True) == {}


def test_rows_in_no_order_are_sorted(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv")
    header, *rows = path.read_text().splitlines()
    order = np.random.default_rng(0).permutation(len(rows))
    path.write_text("\n".join([header, *(rows[i] for i in order)]) + "\n")
    found = guess(path)
    assert found.cleaning.order == "time"
    assert "time.order" in codes(found)


def test_bursts_are_spread_and_copies_dropped(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv")
    times = [row.split(",")[2] for row in path.read_text().splitlines()[1:]]

    def burst(number: int, cells: list[str]) -> list[str]:
        return [*cells[:2], times[number - 1] if number % 12 == 5 else cells[2], *cells[3:]]

    found = guess(edit(path, burst))
    assert found.cleaning.equal_stamps == "spread"
    assert found.clock.rate_hz == 50
    path = table(tmp_path / "t.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:200], *lines[199:]]) + "\n")
    assert guess(path).cleaning.equal_stamps == "first"


def test_stamps_of_whole_seconds_give_the_rate_by_their_rows(tmp_path: Path) -> None:
    path = table(
        tmp_path / "t.csv", row=lambda p, t, n: (p.who, p.label, f"2026-01-31 12:{int(t) // 60:02}:{int(t) % 60:02}")
    )
    found = guess(path)
    assert (found.clock.unit, found.clock.rate_hz, found.cleaning.equal_stamps) == ("iso", 50, "spread")
    assert codes(found) == ["time.coarse"]
    assert found.window.window == 128


def test_row_counters_are_no_recordings(tmp_path: Path) -> None:
    header = "record_id,user,activity,time_s,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
    path = table(tmp_path / "t.csv", header, row=lambda p, t, n: (str(n), p.who, p.label, f"{t:.2f}"))
    found = guess(path)
    assert found.roles.session is None
    assert "counts rows" in found.left_out["record_id"]


def test_ground_truth_is_preferred_to_the_phones_own_activity(tmp_path: Path) -> None:
    header = "user,activity,gt,time_s,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
    path = table(
        tmp_path / "t.csv", header, row=lambda p, t, n: (p.who, "still" if n % 7 else "walking", p.label, f"{t:.2f}")
    )
    found = guess(path)
    assert found.roles.label is not None
    assert found.roles.label.column == "gt"
    assert "'activity' could be it" in message(found, "label.two")


def test_a_confidence_is_no_label_and_a_magnitude_no_person(tmp_path: Path) -> None:
    header = "subject,activity,userAccelerationMagnitude,activityConfidence,time_s,acc_x,acc_y,acc_z,gx,gy,gz"
    path = table(
        tmp_path / "t.csv", header, row=lambda p, t, n: (p.who, p.label, f"{n % 9 / 7:.3f}", str(n % 3), f"{t:.2f}")
    )
    found = guess(path)
    assert found.roles.subject.column == "subject"
    assert "label.two" not in codes(found)
    assert {"userAccelerationMagnitude", "activityConfidence"} <= set(found.left_out)


@pytest.mark.parametrize("name", ["transition", "Other", "no_activity", "idle", "unknown", "?", "undefined", "999"])
def test_names_for_none_of_the_activities_are_asked_about(tmp_path: Path, name: str) -> None:
    path = edit(table(tmp_path / "t.csv"), lambda n, cells: [cells[0], name if n % 500 < 60 else cells[1], *cells[2:]])
    found = guess(path)
    assert found.labels.null == (name,)
    assert codes(found) == ["label.null"]
    assert described(found, tmp_path).labels.null == (name,)


@pytest.mark.parametrize("pause", [True, False])
def test_zero_is_asked_about_in_both_directions(tmp_path: Path, pause: bool) -> None:
    numbers = {"pendulum": "0" if not pause else "4", "trapezius": "1", "row": "2"}

    def relabel(number: int, cells: list[str]) -> list[str]:
        label = "0" if pause and number % 500 < 60 else numbers[cells[1]]
        return [cells[0], label, *cells[2:]]

    found = guess(edit(table(tmp_path / "t.csv"), relabel))
    assert codes(found) == ["label.zero"]
    assert found.labels.null == (("0",) if pause else ())


def test_names_spelled_twice_become_one(tmp_path: Path) -> None:
    def respell(number: int, cells: list[str]) -> list[str]:
        who = "Ann " if cells[0] == "ann" and number % 2 else cells[0]
        return [who, cells[1].upper() if number % 3 == 0 else cells[1], *cells[2:]]

    found = guess(edit(table(tmp_path / "t.csv"), respell))
    assert len(found.people.rows) == 4
    assert len(found.labels.order) == 3
    assert {"subjects.spelled_twice", "labels.spelled_twice"} <= set(codes(found))
    text = described(found, tmp_path)
    assert "Ann" in " ".join(text.subjects.rename) + " ".join(text.subjects.rename.values())


def test_recordings_taken_for_people_are_named(tmp_path: Path) -> None:
    path = edit(table(tmp_path / "t.csv"), lambda n, cells: [f"{cells[0]}_{1 + (n // 500) % 2}", *cells[1:]])
    found = guess(path)
    assert codes(found) == ["subject.recordings"]
    assert "ann_1" in message(found, "subject.recordings")


def test_odd_missing_values_keep_the_sensor_and_name_the_line(tmp_path: Path) -> None:
    for text in ("None", "?", "-", "#IND", ""):

        def odd(number: int, cells: list[str], text: str = text) -> list[str]:
            return [*cells[:-1], text if number == 700 else cells[-1]]

        found = guess(edit(table(tmp_path / "t.csv"), odd))
        assert [sensor.axes.name for sensor in found.sensors] == ["acc", "gyro"]
        assert "t.csv, line 702" in message(found, "row.missing")


def test_start_markers_are_filled(tmp_path: Path) -> None:
    path = edit(table(tmp_path / "t.csv"), lambda n, cells: [cells[0], "" if n % 500 else cells[1], *cells[2:]])
    found = guess(path)
    assert found.labels.fill
    assert codes(found) == ["label.fill"]


@pytest.mark.parametrize(
    "header",
    [
        "Proband,Aktivität,Zeit_s,Beschleunigung_x,Beschleunigung_y,Beschleunigung_z,Drehrate_x,Drehrate_y,Drehrate_z",
        "被験者,行動,時間,加速度x,加速度y,加速度z,角速度x,角速度y,角速度z",
        "sujet,activité,temps,accélération_x,accélération_y,accélération_z,gyroscope_x,gyroscope_y,gyroscope_z",
        "usuario,actividad,tiempo,aceleración_x,aceleración_y,aceleración_z,giroscopio_x,giroscopio_y,giroscopio_z",
        "用户,活动,时间,加速度x,加速度y,加速度z,陀螺仪x,陀螺仪y,陀螺仪z",
        "who,gt,ts,ax,ay,az,wx,wy,wz",
    ],
)
def test_columns_are_understood_in_many_languages(tmp_path: Path, header: str) -> None:
    found = guess(table(tmp_path / "t.csv", header))
    assert codes(found) == []
    assert [sensor.axes.name for sensor in found.sensors] == ["acc", "gyro"]


def test_of_two_sensors_of_a_kind_the_one_that_phones_deliver_is_taken(tmp_path: Path) -> None:
    header = (
        "user,activity,time_s,motionUserAccelerationX(G),motionUserAccelerationY(G),motionUserAccelerationZ(G),"
        "acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
    )
    path = table(tmp_path / "t.csv", header, row=lambda p, t, n: (p.who, p.label, f"{t:.2f}", ".1", ".2", ".1"))
    found = guess(path)
    assert [sensor.axes.name for sensor in found.sensors] == ["acc", "gyro"]
    assert any("without gravity" in why for why in found.left_out.values())


def test_core_motions_parts_are_added_on_request(tmp_path: Path) -> None:
    names = ["userAcceleration", "gravity", "rotationRate"]
    header = "user,activity,time_s," + ",".join(f"{name}.{axis}" for name in names for axis in "xyz")

    lines = [header]
    for piece in pieces():
        for index in range(len(piece.acc)):
            half = [f"{value:.4f}" for value in piece.acc[index] / STANDARD_GRAVITY / 2]
            turn = [f"{value:.4f}" for value in piece.gyro[index]]
            lines.append(",".join([piece.who, piece.label, f"{len(lines) / 50:.2f}", *half, *half, *turn]))
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    found = guess(tmp_path / "t.csv", chosen=Chosen(sum_gravity=True))
    first = described(found, tmp_path).channels[0]
    assert (first.column, first.plus, first.gravity, first.scale) == ("userAcceleration.x", "gravity.x", True, -1)
    assert "unit.sign" in codes(found)


def test_rows_of_one_sensor_each_become_channels(tmp_path: Path) -> None:
    lines = ["user,activity,time_s,sensor,x,y,z"]
    clock = dict.fromkeys(("ann", "ben", "cho", "dia"), 0.0)
    for piece in pieces():
        for index in range(len(piece.acc)):
            clock[piece.who] += 0.02
            for name, values in (("accelerometer", piece.acc), ("gyroscope", piece.gyro)):
                cells = [f"{value:.4f}" for value in values[index]]
                lines.append(",".join([piece.who, piece.label, f"{clock[piece.who]:.2f}", name, *cells]))
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    found = guess(tmp_path / "t.csv")
    assert codes(found) == []
    assert found.clock.rate_hz == 50
    text = described(found, tmp_path)
    assert text.columns.sensor == "sensor"
    assert {channel.sensor for channel in text.channels} == {"accelerometer", "gyroscope"}


def test_two_devices_at_once_are_two_placements(tmp_path: Path) -> None:
    header = "user,activity,time_s,side,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
    path = table(tmp_path / "t.csv", header, row=lambda p, t, n: (p.who, p.label, f"{t:.2f}", "left"))
    first, *rows = path.read_text().splitlines()
    both = [line for row in rows for line in (row, row.replace(",left,", ",right,"))]
    path.write_text("\n".join([first, *both]) + "\n")
    found = guess(path)
    assert {sensor.axes.placement for sensor in found.sensors} == {"left", "right"}
    assert described(found, tmp_path).columns.sensor == "side"


def test_a_folder_with_one_file_a_sensor_is_described(tmp_path: Path) -> None:
    folder = sensor_logger(tmp_path / "recordings")
    found = guess(folder)
    text = described(found, tmp_path)
    assert {channel.sensor for channel in text.channels} == {"TotalAcceleration", "Gyroscope"}
    assert len(found.people.rows) == 4
    assert set(found.labels.order) == {"pendulum", "row", "trapezius"}
    assert any("Accelerometer" in name for name in found.left_out)
    assert "Gravity" in found.left_out
    assert codes(found) == ["files.pattern"]


def test_a_zip_archive_is_described_like_its_folder(tmp_path: Path) -> None:
    folder = sensor_logger(tmp_path / "recordings")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in folder.rglob("*.csv"):
            archive.write(path, path.relative_to(folder))
    found, plain = guess(tmp_path / "all.zip"), guess(folder)
    assert found.people.rows == plain.people.rows
    assert described(found, tmp_path).folder == "all.zip"


def test_columns_without_names_are_told_by_their_values(tmp_path: Path) -> None:
    for piece in pieces():
        field = 40 * piece.acc / np.linalg.norm(piece.acc, axis=1, keepdims=True)
        both = np.concatenate([piece.acc, piece.gyro, field], axis=1)
        inside = tmp_path / "data" / piece.who
        inside.mkdir(parents=True, exist_ok=True)
        lines = ["\t".join(f"{value:.5f}" for value in row) for row in both]
        (inside / f"{piece.label}.txt").write_text("\n".join(lines) + "\n")
    found = guess(tmp_path / "data", chosen=Chosen(rate_hz=50, subject="{subject}"), files=Files(
        pattern="{subject}/{label}.txt"))  # fmt: skip
    assert [sensor.axes.name for sensor in found.sensors] == ["acc", "gyro", "mag"]
    assert found.sensors[0].unit == "m/s^2"
    assert "sensor.unnamed" in codes(found)
    assert found.clock.column is None


def test_pieces_that_continue_each_other_are_one_recording(tmp_path: Path) -> None:
    for piece in pieces():
        both = np.concatenate([piece.acc, piece.gyro], axis=1)
        inside = tmp_path / "data" / piece.label / piece.who
        inside.mkdir(parents=True, exist_ok=True)
        for part in range(4):
            lines = [",".join(f"{value:.5f}" for value in row) for row in both[part * 125 : (part + 1) * 125]]
            (inside / f"s{part + 1:02}.txt").write_text("\n".join(lines) + "\n")
    files = Files(pattern="{label}/{subject}/s{session}.txt")
    found = guess(tmp_path / "data", chosen=Chosen(rate_hz=50), files=files)
    assert found.roles.session is not None
    assert found.roles.session.column == "{label}"


def test_short_exercises_get_a_window_that_fits(tmp_path: Path) -> None:
    def label(number: int, cells: list[str]) -> list[str]:
        return [cells[0], cells[1] if number % 500 < 80 else "", *cells[2:]]

    found = guess(edit(table(tmp_path / "t.csv"), label))
    assert found.window.window == 64
    recipe = tomllib.loads(recipe_toml(found, "data.toml"))
    assert recipe["data"]["window"] == 64
    assert recipe["data"]["anchor"] == "label"


def test_every_question_stands_in_the_description(tmp_path: Path) -> None:
    path = table(
        tmp_path / "t.csv", values=lambda p: (p.acc / STANDARD_GRAVITY if p.who == "cho" else p.acc, p.gyro),
        own_clock=True,
    )  # fmt: skip
    found = guess(edit(path, lambda n, cells: [cells[0], "idle" if n % 500 < 60 else cells[1], *cells[2:]]))
    text = description_toml(found, tmp_path)
    assert len(found.checks) == 3
    assert all(f"# PLEASE CHECK: {check.message}" in text for check in found.checks)


def test_stretches_between_start_markers_decide_the_window(tmp_path: Path) -> None:
    path = edit(table(tmp_path / "t.csv"), lambda n, cells: [cells[0], "" if n % 500 else cells[1], *cells[2:]])
    assert guess(path).window.window == 128


def test_a_person_spelled_twice_is_one_whose_time_may_start_anew(tmp_path: Path) -> None:
    def respell(number: int, cells: list[str]) -> list[str]:
        return ["ANN" if cells[0] == "ben" else cells[0], *cells[1:]]

    found = guess(edit(table(tmp_path / "t.csv"), respell))
    assert found.cleaning.time_falls == "split"
    assert len(found.people.rows) == 3
