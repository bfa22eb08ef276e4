"""What each format makes of its files: values, units in the columns' names, times, labels, people."""

import json
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest

from tests.unit.data.formats import makers
from tests.unit.data.formats.makers import ROWS, G, Made, signal
from tests.unit.data.formats.reading import columns, columns_of, sheet_of

DEGREES = 180 / np.pi
ACC, GYRO = slice(0, 3), slice(3, 6)

SENSORS: list[tuple[Made, str, slice, float, float]] = [
    (makers.sensor_logger, "acc_{} (m/s^2)", ACC, 1, 1e-4),
    (makers.sensor_logger_ios, "uncalibrated_acc_{} (g)", ACC, 1 / G, 1e-4),
    (makers.phyphox, "acc_{} (m/s^2)", ACC, 1, 1e-6),
    (makers.phyphox_german, "linear_acc_{} (m/s^2)", ACC, 1, 1e-6),
    (makers.phyphox_tab, "gyro_{} (rad/s)", GYRO, 1, 1e-4),
    (makers.androsensor, "acc_{} (m/s^2)", ACC, 1, 1e-4),
    (makers.androsensor_sep, "gyro_{} (rad/s)", GYRO, 1, 1e-4),
    (makers.physics_toolbox, "acc_{} (g)", ACC, 1 / G, 1e-4),
    (makers.physics_toolbox, "gyro_{} (rad/s)", GYRO, 1, 1e-4),
    (makers.physics_toolbox_clock, "linear_acc_{} (m/s^2)", ACC, 1, 1e-4),
    (makers.sensorlog, "acc_{} (g)", ACC, -1 / G, 1e-4),
    (makers.sensorlog, "gyro_{} (rad/s)", GYRO, 1, 1e-4),
    (makers.sensorlog_json, "acc_{} (g)", ACC, -1 / G, 1e-4),
    (makers.matlab_mobile, "acc_{} (m/s^2)", ACC, 1, 1e-4),
    (makers.edge_impulse, "acc_{} (m/s^2)", ACC, 1, 1e-3),
    (makers.edge_impulse_cbor, "gyro_{} (deg/s)", GYRO, DEGREES, 1e-3),
    (makers.edge_impulse_csv, "acc_{}", ACC, 1, 1e-4),
    (makers.wisdm_watch, "gyro_{} (rad/s)", GYRO, 1, 1e-4),
    (makers.pamap2, "chest_acc_{} (m/s^2)", ACC, 1, 1e-4),
    (makers.pamap2, "ankle_gyro_{} (rad/s)", GYRO, 1, 1e-4),
    (makers.mhealth, "right_lower_arm_gyro_{} (deg/s)", GYRO, 1, 1e-4),
    (makers.opportunity, "right_wrist_acc_{} (mg)", ACC, 1000 / G, 0.51),
    (makers.opportunity, "back_imu_acc_{} (mg)", ACC, 1000 / G, 0.51),
    (makers.actigraph, "acc_{} (g)", ACC, 1 / G, 1e-4),
    (makers.actigraph_untimed, "acc_{} (g)", ACC, 1 / G, 1e-4),
    (makers.actigraph_bare, "acc_{} (g)", ACC, 1 / G, 1e-4),
    (makers.axivity, "acc_{} (g)", ACC, 1 / G, 1e-4),
    (makers.axivity_header, "gyro_{} (deg/s)", GYRO, DEGREES, 1e-4),
    (makers.empatica, "acc_{} (1/64 g)", ACC, 64 / G, 0.51),
    (makers.polar, "acc_{} (mg)", ACC, 1000 / G, 0.51),
    (makers.polar_gyro, "gyro_{} (deg/s)", GYRO, 1, 1e-4),
    (makers.hhar, "acc_{} (m/s^2)", ACC, 1, 1e-4),
    (makers.hhar_gyro, "gyro_{} (rad/s)", GYRO, 1, 1e-4),
]


@pytest.mark.parametrize(
    ("maker", "names", "part", "scale", "within"), SENSORS, ids=[f"{row[0].__name__}-{row[1]}" for row in SENSORS]
)
def test_axes_hold_what_was_recorded_in_the_unit_of_their_name(
    maker: Made, names: str, part: slice, scale: float, within: float, tmp_path: Path
) -> None:
    found = columns(maker(tmp_path))
    values = np.array([found[names.format(axis)] for axis in "xyz"], np.float64).T
    np.testing.assert_allclose(values, signal()[:, part] * scale, atol=within)


TIMES: list[tuple[Made, str, object, object]] = [
    (makers.sensor_logger, "time (ns)", 1727601200000001900, 1727601200020001900),
    (makers.sensor_logger_json, "time (ns)", 1727601200000000000, 1727601200020000000),
    (makers.phyphox, "time (s)", 0.0, 0.02),
    (makers.phyphox_german, "time (s)", 0.0, 0.02),
    (makers.androsensor, "time (ms)", 0, 20),
    (makers.physics_toolbox, "time (s)", 0.0, 0.02),
    (makers.sensorlog, "time (s)", 7.0, 7.02),
    (makers.sensorlog_json, "time (s)", 7.0, 7.02),
    (makers.matlab_mobile, "date", "2024-12-11T17:41:40.000", "2024-12-11T17:41:40.020"),
    (makers.edge_impulse, "time (ms)", 0.0, 20.0),
    (makers.edge_impulse_csv, "time (ms)", 0, 20),
    (makers.pamap2, "time (s)", 8.38, 8.39),
    (makers.mhealth, "time (s)", 0.0, 0.02),
    (makers.opportunity, "time (ms)", 0, 33),
    (makers.actigraph, "date", "2024-12-11T17:41:40.000000", "2024-12-11T17:41:40.033000"),
    (makers.actigraph_untimed, "date", "2024-12-11T17:41:40.000000", "2024-12-11T17:41:40.033333"),
    (makers.actigraph_bare, "date", "2024-12-11T17:41:40.000000", "2024-12-11T17:41:40.033333"),
    (makers.axivity, "date", "2024-12-11T17:41:40.000", "2024-12-11T17:41:40.020"),
    (makers.empatica, "time (s)", 1582023610.0, 1582023610.03125),
    (makers.polar, "time (ns)", 599628005694359040, 599628005714359040),
    (makers.hhar, "time (ns)", 1424696631913248572, 1424696631933248572),
]


@pytest.mark.parametrize(("maker", "name", "first", "second"), TIMES, ids=[row[0].__name__ for row in TIMES])
def test_time_is_the_sensors_own(maker: Made, name: str, first: object, second: object, tmp_path: Path) -> None:
    found = columns(maker(tmp_path))
    assert next(column for column in found if column != "sensor") == name
    assert (found[name][0], found[name][1]) == (first, second)
    assert [column for column in found if column.startswith(("time", "date"))] == [name]


LABELS: list[tuple[Made, dict[str, tuple[str, str]]]] = [
    (makers.edge_impulse, {"activity": ("walk", "walk")}),
    (makers.edge_impulse_csv, {"activity": ("walk", "walk")}),
    (makers.androsensor_sep, {"activity": ("walk", "walk")}),
    (makers.sensorlog, {"label": ("0", "1"), "subject": ("P1", "P1")}),
    (makers.wisdm_watch, {"activity": ("walking", "walking"), "subject": ("1600", "1600")}),
    (makers.wisdm_watch, {"device": ("watch", "watch")}),
    (makers.pamap2, {"activity": ("transient", "walking"), "subject": ("101", "101")}),
    (makers.mhealth, {"activity": ("null", "Jogging"), "subject": ("1", "1")}),
    (makers.opportunity, {"activity": ("null", "Walk"), "gesture": ("Open Door 1", "Open Door 1")}),
    (makers.opportunity, {"subject": ("S1", "S1")}),
    (makers.hhar, {"activity": ("stand", "null"), "subject": ("a", "a"), "device": ("nexus4_1", "nexus4_1")}),
    (makers.sensor_logger_ios, {"annotation": ("", "walk")}),
]


@pytest.mark.parametrize(("maker", "texts"), LABELS, ids=[row[0].__name__ for row in LABELS])
def test_labels_and_people_have_the_authors_names(
    maker: Made, texts: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    found = columns(maker(tmp_path))
    assert {name: (found[name][0], found[name][-1]) for name in texts} == texts


def test_a_file_without_a_persons_name_has_no_subject(tmp_path: Path) -> None:
    assert "subject" not in columns(makers.pamap2(tmp_path).rename(tmp_path / "renamed.csv"))


def test_what_the_phone_says_itself_is_left_out(tmp_path: Path) -> None:
    shown = set(columns(makers.sensorlog(tmp_path)))
    assert not {"activity", "activity(txt)", "locationTimestamp_since1970(s)", "motionYaw(rad)"} & shown


def test_time_of_day_goes_on_past_midnight(tmp_path: Path) -> None:
    time = columns(makers.physics_toolbox_clock(tmp_path))["time (s)"]
    assert time[0] == 86399.0
    np.testing.assert_allclose(np.diff(time), 0.02, atol=1e-6)


def test_linear_acceleration_that_is_g_force_in_another_unit_is_left_out(tmp_path: Path) -> None:
    rows = [",".join(f"{v:.4f}" for v in (i / 50, *(np.array(r) / G), *r)) for i, r in enumerate(makers.samples())]
    path = makers.write(tmp_path / "walk.csv", ["time,gFx,gFy,gFz,ax,ay,az", *rows])
    assert list(columns(path)) == ["time (s)", "acc_x (g)", "acc_y (g)", "acc_z (g)"]


def test_linear_acceleration_beside_g_force_is_kept(tmp_path: Path) -> None:
    assert "linear_acc_x (m/s^2)" in columns(makers.physics_toolbox(tmp_path))


def test_sensors_of_one_json_have_rows_of_their_own(tmp_path: Path) -> None:
    found = columns(makers.sensor_logger_json(tmp_path))
    assert len(found["sensor"]) == 2 * ROWS
    gyro = [i for i, sensor in enumerate(found["sensor"]) if sensor == "Gyroscope"]
    assert len(gyro) == ROWS
    np.testing.assert_allclose([found["gyro_x (rad/s)"][i] for i in gyro], signal()[:, 3], atol=1e-4)
    assert all(found["acc_x (m/s^2)"][i] is None for i in gyro)


def test_a_zip_is_read_as_its_folder(tmp_path: Path) -> None:
    found = columns(makers.sensor_logger_zip(tmp_path), "AccelerometerUncalibrated.csv")
    assert "uncalibrated_acc_x (g)" in found
    assert found["annotation"][-1] == "walk"


def test_standardised_units_of_ios_are_metres(tmp_path: Path) -> None:
    path = makers.sensor_logger_ios(tmp_path)
    makers.write(tmp_path / "Metadata.csv", ["version,platform,standardisation", "3,ios,true"])
    assert "uncalibrated_acc_x (m/s^2)" in columns(path)


def test_a_constant_column_needs_no_other(tmp_path: Path) -> None:
    _, sheet = sheet_of(makers.mhealth(tmp_path))
    batches = list(sheet.batches({"subject": "text"}))
    assert sum(batch.num_rows for batch in batches) == ROWS


class TestWisdm:
    """Faults of the authors' file are rows with missing values, at the file's own lines."""

    def test_no_record_is_lost(self, tmp_path: Path) -> None:
        assert len(columns(makers.wisdm(tmp_path))["subject"]) == ROWS - 1

    def test_missing_values_and_zero_stamps_are_null(self, tmp_path: Path) -> None:
        found = columns(makers.wisdm(tmp_path))
        assert found["acc_z (m/s^2)"][2] is None
        assert found["time (ns)"][3] is None
        assert [sum(value is None for value in values) for values in found.values()] == [0, 0, 1, 0, 0, 1]

    def test_records_of_one_line_are_split_and_found_there(self, tmp_path: Path) -> None:
        _, sheet = sheet_of(makers.wisdm(tmp_path))
        found = columns_of(sheet)
        assert found["acc_x (m/s^2)"][5] == pytest.approx(signal()[6, 0], abs=1e-4)
        assert found["acc_x (m/s^2)"][6] == pytest.approx(signal()[7, 0], abs=1e-4)
        assert sheet.line(5).endswith("line 7")
        assert sheet.line(6).endswith("line 7")
        assert sheet.line(7).endswith("line 9")

    def test_a_header_that_somebody_added_is_no_record(self, tmp_path: Path) -> None:
        path = makers.wisdm(tmp_path)
        path.write_text("user,activity,timestamp,x-axis,y-axis,z-axis\n" + path.read_text())
        assert len(columns(path)["subject"]) == ROWS - 1


class TestEdgeImpulseLabels:
    """Labels beside the samples."""

    def write(self, folder: Path, name: str, document: Any) -> Path:
        (folder / name).write_text(json.dumps(document))
        return makers.edge_impulse(folder)

    def test_structured_labels_are_of_samples_both_ends_included(self, tmp_path: Path) -> None:
        stretches = [
            {"startIndex": 0, "endIndex": 99, "label": "sit"},
            {"startIndex": 100, "endIndex": ROWS - 1, "label": "walk"},
        ]
        document = {"version": 1, "type": "structured-labels", "structuredLabels": {"walk.anna.3q1.json": stretches}}
        activity = columns(self.write(tmp_path, "structured_labels.labels", document))["activity"]
        assert (activity[99], activity[100], len(activity)) == ("sit", "walk", ROWS)

    def test_info_labels_name_the_sample(self, tmp_path: Path) -> None:
        entry = {"path": "training/walk.anna.3q1.json", "label": {"type": "label", "label": "stroll"}}
        assert columns(self.write(tmp_path, "info.labels", {"version": 1, "files": [entry]}))["activity"][0] == "stroll"

    def test_other_names_and_units_are_understood(self, tmp_path: Path) -> None:
        document: Any = makers.edge_impulse_document()
        said = {"accel.x": "g", "gyro_y": "dps", "magZ": "uT", "temp": "C", "accX": "g", "b": ""}
        document["payload"]["sensors"] = [{"name": name, "units": unit} for name, unit in said.items()]
        path = tmp_path / "rest.1.cbor"
        path.write_bytes(cbor2.dumps(document))
        assert list(columns(path)) == [
            "time (ms)", "acc_x (g)", "gyro_y (deg/s)", "mag_z (uT)", "temp", "acc_x (g)_5", "b", "activity",
        ]  # fmt: skip


def test_columns_that_matlab_joined_are_told_by_their_names(tmp_path: Path) -> None:
    rows = [f"P1,walk,08-Mar-2023 12:03:04.{20 * i:03d},1.0,2.0,9.0" for i in range(20)]
    found = columns(makers.write(tmp_path / "joined.csv", ["subject,label,Timestamp,acc X,acc Y,acc Z", *rows]))
    assert list(found) == ["subject", "label", "date", "acc_x (m/s^2)", "acc_y (m/s^2)", "acc_z (m/s^2)"]
    assert found["date"][1] == "2023-03-08T12:03:04.020"
