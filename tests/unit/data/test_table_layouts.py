"""Recordings in the layouts that people have, labels that stand apart, and what is cleaned."""

import re
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from factory.contracts.dataset import NULL, UNLABELLED, Recording
from factory.contracts.errors import DataError
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe, Recipe, SplitRecipe, validate
from factory.contracts.table import TableDescription
from factory.data import prepare
from factory.data.checks import check
from factory.data.sources.table import FAULTY, Table
from factory.data.sources.table_reader import Batch, TableReader, Texts
from factory.data.sources.tidy import MERGED, SORTED, SPLIT, SPREAD
from tests.unit.data.tables import Rows, description


def channel(column: str, name: str, **more: object) -> dict[str, object]:
    gyro = name.startswith("gyro")
    values: dict[str, object] = {
        "column": column,
        "name": name,
        "quantity": "gyroscope" if gyro else "accelerometer",
        "axis": name[-1],
        "unit": "rad/s" if gyro else "m/s^2",
    }
    return values | ({} if gyro else {"gravity": True}) | more


def described(**changes: object) -> TableDescription:
    values: dict[str, object] = {
        "version": 2,
        "files": ["*.csv"],
        "columns": {"subject": "who", "timestamp": "t", "label": "what"},
        "channels": [channel("x", "acc_x")],
        "rate_hz": 50,
        "placement": "wrist",
        "axes": "Android's device axes",
    }
    return validate(TableDescription, values | changes, "data.toml")


def table(folder: Path, what: TableDescription) -> Table:
    return Table(what, folder, folder)


def read(folder: Path, what: TableDescription) -> list[Recording]:
    return [
        Recording(
            subject=r.subject,
            session=r.session,
            time_s=np.array(r.time_s),
            samples=np.array(r.samples),
            labels=np.array(r.labels),
        )
        for r in table(folder, what).recordings(None, Silent())
    ]


def refused(folder: Path, what: TableDescription) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, what)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_old_form_reads_as_the_new_one() -> None:
    old = description(unlabelled=["", "none"], test_subjects=["bob"], file="../rows.parquet")
    assert old.folder == ".."
    assert old.files == ("rows.parquet",)
    assert old.reading[0].format == "parquet"
    assert old.labels.order == ("rest", "walk")
    assert old.labels.unlabelled == ("", "none")
    assert old.subjects.test == ("bob",)
    assert TableDescription.model_validate(old.model_dump(mode="json")) == old


def test_person_label_and_session_stand_in_the_path(tmp_path: Path) -> None:
    for label, subject in (("walk", "ann"), ("going_up", "bob")):
        put(tmp_path, f"{label}_{subject}/trial_1.csv", "t,x\n0,1\n0.02,2\n")
    what = described(
        files=["{label}_{subject}/trial_{session}.csv"],
        columns={"subject": "{subject}", "session": "{label}-{session}", "timestamp": "t", "label": "{label}"},
    )
    recordings = read(tmp_path, what)
    assert table(tmp_path, what).labels == ("going_up", "walk")
    assert [(r.subject, r.session, r.labels.tolist()) for r in recordings] == [
        ("bob", "going_up-1", [0, 0]),
        ("ann", "walk-1", [1, 1]),
    ]


def test_an_archive_reads_as_its_folder_does(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ann.zip", "w") as archive:
        archive.writestr("walk.csv", "t,x\n0,1\n0.02,2\n")
        archive.writestr("sit.csv", "t,x\n0,3\n0.02,4\n")
    what = described(
        files=["{subject}.zip/{label}.csv"],
        columns={"subject": "{subject}", "session": "{label}", "timestamp": "t", "label": "{label}"},
    )
    assert [(r.subject, r.samples[:, 0].tolist()) for r in read(tmp_path, what)] == [("ann", [3, 4]), ("ann", [1, 2])]
    assert [path.name for path in table(tmp_path, what).files(None)] == ["ann.zip"]


def sensors(folder: Path) -> TableDescription:
    """A folder a recording, one file a sensor, clocks 7 ms apart, the gyroscope at half the rate."""
    time_ms = np.arange(0, 2000, 20)
    put(folder, "ann/Acc.csv", "t,x\n" + "".join(f"{t},{t}\n" for t in time_ms))
    put(folder, "ann/Gyro.csv", "t,x\n" + "".join(f"{t + 7},{-t - 7}\n" for t in time_ms[::2]))
    put(folder, "ann/Metadata.csv", "device\nphone\n")
    return described(
        files=["{subject}/{sensor}.csv"],
        columns={"subject": "{subject}", "timestamp": "t", "label": "{subject}", "sensor": "{sensor}"},
        timestamp_unit="ms",
        channels=[channel("x", "acc_x", sensor="Acc"), channel("x", "gyro_x", sensor="Gyro")],
    )


def test_sensors_with_clocks_of_their_own_are_joined_by_time(tmp_path: Path) -> None:
    (only,) = read(tmp_path, sensors(tmp_path))
    assert only.time_s[0] == pytest.approx(0.007)
    assert np.allclose(np.diff(only.time_s), 0.02)
    assert np.allclose(only.samples[:, 0], only.time_s * 1000, atol=1e-3)
    assert np.allclose(only.samples[:, 1], -only.time_s * 1000, atol=1e-3)
    assert set(only.labels.tolist()) == {0}


def test_a_silence_of_one_sensor_splits_the_joined_recording(tmp_path: Path) -> None:
    what = sensors(tmp_path)
    text = (tmp_path / "ann" / "Acc.csv").read_text().splitlines()
    put(tmp_path, "ann/Acc.csv", "\n".join(text[:30] + text[60:]) + "\n")
    (only,) = read(tmp_path, what)
    assert np.diff(only.time_s).max() > 0.5
    assert np.allclose(only.samples[:, 1], -only.time_s * 1000, atol=1e-3)


def test_sensors_that_share_no_time_are_refused(tmp_path: Path) -> None:
    what = sensors(tmp_path)
    put(tmp_path, "ann/Gyro.csv", "t,x\n100000,1\n100020,2\n")
    assert "share no time" in refused(tmp_path, what)


def test_a_recording_without_a_sensor_is_named(tmp_path: Path) -> None:
    what = sensors(tmp_path)
    put(tmp_path, "bob/Acc.csv", "t,x\n0,1\n20,2\n")
    assert "subject bob has no rows of the sensor Gyro" in refused(tmp_path, what)


def test_a_long_table_is_taken_apart_by_its_sensor_column(tmp_path: Path) -> None:
    rows = "".join(f"ann,{t},{kind},{value},walk\n" for t in range(0, 200, 20) for kind, value in (("a", t), ("g", -t)))
    put(tmp_path, "long.csv", "who,t,kind,x,what\n" + rows)
    what = described(
        columns={"subject": "who", "timestamp": "t", "label": "what", "sensor": "kind"},
        timestamp_unit="ms",
        channels=[channel("x", "acc_x", sensor="a"), channel("x", "gyro_x", sensor="g")],
    )
    (only,) = read(tmp_path, what)
    assert np.allclose(only.samples, np.stack([np.arange(10) * 20, np.arange(10) * -20], axis=1))


def test_two_devices_become_two_placements(tmp_path: Path) -> None:
    rows = "".join(f"ann,{t},{side},{value},walk\n" for t in (0, 20, 40) for side, value in (("left", 1), ("right", 2)))
    put(tmp_path, "both.csv", "who,t,side,x,what\n" + rows)
    what = described(
        columns={"subject": "who", "timestamp": "t", "label": "what", "sensor": "side"},
        timestamp_unit="ms",
        channels=[
            channel("x", "left_acc_x", sensor="left", placement="left wrist"),
            channel("x", "right_acc_x", sensor="right", placement="right wrist"),
        ],
    )
    assert [c.placement for c in table(tmp_path, what).channels] == ["left wrist", "right wrist"]
    assert read(tmp_path, what)[0].samples.tolist() == [[1, 2]] * 3


def test_rows_without_time_stamps_are_counted_over_files_of_one_recording(tmp_path: Path) -> None:
    put(tmp_path, "walk/s1.csv", "1\n2\n")
    put(tmp_path, "walk/s2.csv", "3\n")
    put(tmp_path, "walk/s10.csv", "4\n")
    what = described(
        files=["{label}/*.csv"],
        reading=[{"header": False}],
        columns={"subject": "{label}", "label": "{label}"},
        channels=[channel("c1", "acc_x")],
        rate_hz=25,
    )
    (only,) = read(tmp_path, what)
    assert only.samples[:, 0].tolist() == [1, 2, 3, 4]
    assert only.time_s.tolist() == [0, 0.04, 0.08, 0.12]


def test_a_counter_of_rows_is_time_at_the_described_rate(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,100,1,w\nann,101,2,w\nann,103,3,w\n")
    assert read(tmp_path, described(timestamp_unit="samples"))[0].time_s.tolist() == pytest.approx([0, 0.02, 0.06])


def test_date_and_time_may_stand_in_two_columns(tmp_path: Path) -> None:
    rows = "".join(f"ann,31/01/2026,13:00:00.{ms:03d},1,w\n" for ms in (0, 20, 40))
    put(tmp_path, "a.csv", "who,day,clock,x,what\n" + rows)
    what = described(
        columns={"subject": "who", "timestamp": ["day", "clock"], "label": "what"},
        timestamp_unit="iso",
        timestamp_format="%d/%m/%Y %H:%M:%S.%f",
    )
    assert read(tmp_path, what)[0].time_s.tolist() == pytest.approx([0, 0.02, 0.04])


def test_scale_sum_and_corrections_reach_si_units(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,grav,what\nann,0,500,500,w\nann,0.02,500,500,w\nbob,0,1,1,w\nbob,0.02,1,1,w\n")
    what = described(
        channels=[channel("x", "acc_x", plus="grav", unit="g", scale=-0.001)],
        corrections=[{"subjects": ["bob"], "channels": ["acc_x"], "unit": "m/s^2", "scale": 1.0}],
    )
    ann, bob = read(tmp_path, what)
    assert ann.samples[0, 0] == pytest.approx(-9.80665)
    assert bob.samples[0, 0] == pytest.approx(2)


def test_labels_are_renamed_null_unlabelled_and_filled(tmp_path: Path) -> None:
    texts = ["Walk", "", "walk ", "0", "none", "sit"]
    put(tmp_path, "a.csv", "who,t,x,what\n" + "".join(f"ann,{i * 0.02:.2f},1,{t}\n" for i, t in enumerate(texts)))
    labels = {
        "order": ["sit", "walk"],
        "rename": {"Walk": "walk", "walk ": "walk"},
        "null": ["0"],
        "unlabelled": ["none"],
    }
    plain = read(tmp_path, described(labels=labels))[0].labels.tolist()
    assert plain == [1, UNLABELLED, 1, NULL, UNLABELLED, 0]
    filled = read(tmp_path, described(labels=labels | {"fill": True}))[0].labels.tolist()
    assert filled == [1, 1, 1, NULL, NULL, 0]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["1,walk", "1,", "?,rest", "1,", "1,"], ["walk", "walk", "rest", "rest"]),
        (["?,walk", "?,", "1,", "1,rest"], ["walk", "rest"]),
        (["1,walk", "?,rest", "1,walk", "1,"], ["walk", "walk", "walk"]),
        (["1,rest", "?,walk", "?,rest", "1,"], ["rest", "rest"]),
        (["1,rest", "1,", "?,walk"], ["rest", "rest"]),
    ],
)
@pytest.mark.parametrize("in_batches_of", [1, 2, 100])
def test_the_label_of_a_row_that_is_dropped_holds_all_the_same(
    rows: list[str], expected: list[str], in_batches_of: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\n" + "".join(f"ann,{i * 0.02:.2f},{row}\n" for i, row in enumerate(rows)))
    what = described(labels={"order": ["rest", "walk"], "fill": True}, cleaning={"faulty_rows": "drop"})
    whole = TableReader.batches

    def small(self: TableReader, advance: Callable[[int, str], None]) -> Iterator[Batch]:
        for batch in whole(self, advance):
            for first in range(0, len(batch.values), in_batches_of):
                yield part_of(batch, slice(first, first + in_batches_of))

    monkeypatch.setattr(TableReader, "batches", small)
    (ann,) = read(tmp_path, what)
    assert [table(tmp_path, what).labels[label] for label in ann.labels] == expected


def part_of(batch: Batch, rows: slice) -> Batch:
    def texts(of: Texts) -> Texts:
        return Texts(code=of.code[rows], text=of.text)

    return replace(
        batch,
        ticks=None if batch.ticks is None else batch.ticks[rows],
        values=batch.values[rows],
        subject=texts(batch.subject),
        session=texts(batch.session),
        sensor=texts(batch.sensor),
        label=texts(batch.label),
    )


def test_rows_without_a_date_are_dropped_where_the_plan_says_so(tmp_path: Path) -> None:
    rows = ["2026-01-31T12:00:00.000,1", "2026-01-31T12:00:00.020,2", "Sum,3"]
    put(tmp_path, "a.csv", "who,t,x,what\n" + "".join(f"ann,{row},walk\n" for row in rows))
    with pytest.raises(DataError, match=r"line 4: time stamp 'Sum' is not a date .* cleaning.faulty_rows = 'drop'"):
        read(tmp_path, described(timestamp_unit="iso"))
    (ann,) = read(tmp_path, described(timestamp_unit="iso", cleaning={"faulty_rows": "drop"}))
    assert ann.time_s.tolist() == pytest.approx([0, 0.02], abs=1e-6)


def test_labels_of_all_rows_are_found_without_the_null_ones(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,0,1,10\nann,0.02,1,2\nann,0.04,1,0\n")
    assert table(tmp_path, described(labels={"null": ["0"]})).labels == ("2", "10")


def test_two_names_of_one_person_become_one(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nAnna,0,1,w\nanna ,0.02,2,w\n")
    what = described(subjects={"rename": {"anna ": "Anna"}})
    assert [(r.subject, len(r.time_s)) for r in read(tmp_path, what)] == [("Anna", 2)]


def test_labels_stand_in_a_file_of_intervals(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x\n" + "".join(f"ann,{100 + i * 0.02:.2f},1\n" for i in range(10)))
    put(tmp_path, "labels.txt", "who,from,to,what\nann,100.04,100.08,walk\n")
    what = described(
        columns={"subject": "who", "timestamp": "t"},
        labels={
            "intervals": {
                "file": "labels.txt", "start": "from", "end": "to", "label": "what", "subject": "who", "unit": "s"
            }
        },
    )  # fmt: skip
    assert table(tmp_path, what).labels == ("walk",)
    assert read(tmp_path, what)[0].labels.tolist() == [-1, -1, 0, 0, -1, -1, -1, -1, -1, -1]
    assert [path.name for path in table(tmp_path, what).files(None)] == ["a.csv", "labels.txt"]


def test_faulty_rows_are_refused_by_line_or_dropped_and_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,0,1,w\nann,0.02,None,w\nann,0.04\nann,0.06,bad,w\nann,0.08,5,w\n")
    assert "a.csv, line 4: 2 values" in refused(tmp_path, described())
    dropping = table(tmp_path, described(cleaning={"faulty_rows": "drop"}))
    (only,) = (np.array(r.time_s) for r in dropping.recordings(None, Silent()))
    assert only.tolist() == pytest.approx([0, 0.08])
    assert dropping.cleaned == {FAULTY: 3}


def test_rows_of_nobody_are_refused_by_line_or_dropped_and_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,0,1,w\n,0.02,2,w\nann,0.04,3,w\n,0.06,4,w\n")
    assert "a.csv, line 3: subject is empty: every row needs a subject" in refused(tmp_path, described())
    dropping = table(tmp_path, described(cleaning={"faulty_rows": "drop"}))
    found = [(r.subject, np.array(r.time_s).tolist()) for r in dropping.recordings(None, Silent())]
    assert found == [("ann", pytest.approx([0, 0.04]))]
    assert dropping.cleaned == {FAULTY: 2}


def test_a_missing_value_is_named_with_its_cure(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,0,1,w\nann,0.02,?,w\n")
    message = refused(tmp_path, described())
    assert "a.csv, line 3: column 'x' is empty or NaN" in message
    assert "cleaning.faulty_rows = 'drop'" in message


def test_rows_in_any_order_are_sorted_when_the_plan_says_so(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(100)
    put(tmp_path, "a.csv", "who,t,x,what\n" + "".join(f"ann,{i * 0.02:.2f},{i},w\n" for i in order))
    assert "no order of time" in refused(tmp_path, described())
    sorting = table(tmp_path, described(cleaning={"order": "time"}))
    (samples,) = (np.array(r.samples)[:, 0] for r in sorting.recordings(None, Silent()))
    assert samples.tolist() == list(range(100))
    assert sorting.cleaned == {SORTED: 100}


def test_trials_that_start_anew_need_a_recording_column_and_are_split_when_the_plan_says_so(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.csv",
        "who,t,x,what\n" + "".join(f"ann,{i * 0.02:.2f},{i},w\n" for _ in range(3) for i in range(50)),
    )
    message = refused(tmp_path, described())
    assert "2 times" in message
    assert "a column that tells recordings apart is missing" in message
    assert "cleaning.order" not in message
    assert "remove" not in message
    splitting = table(tmp_path, described(cleaning={"time_falls": "split"}))
    assert [(r.session, len(r.time_s)) for r in splitting.recordings(None, Silent())] == [
        ("1", 50),
        ("2", 50),
        ("3", 50),
    ]
    assert splitting.cleaned == {SPLIT: 2}


@pytest.mark.parametrize(
    ("plan", "time_s", "x"),
    [
        ("first", [0, 0.04], [1, 3]),
        ("mean", [0, 0.04], [1.5, 3]),
        ("spread", [0, 0.02, 0.04], [1, 2, 3]),
    ],
)
def test_equal_stamps_are_refused_or_dealt_with(tmp_path: Path, plan: str, time_s: list[float], x: list[float]) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,0,1,w\nann,0,2,w\nann,0.04,3,w\n")
    assert "with other values" in refused(tmp_path, described())
    cleaning = table(tmp_path, described(cleaning={"equal_stamps": plan}))
    (only,) = ((np.array(r.time_s), np.array(r.samples)[:, 0]) for r in cleaning.recordings(None, Silent()))
    assert only[0].tolist() == pytest.approx(time_s)
    assert only[1].tolist() == pytest.approx(x)
    assert cleaning.cleaned == {SPREAD if plan == "spread" else MERGED: 1}


def test_rows_that_stand_twice_are_told_from_bursts(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,0,1,w\nann,0,1,w\nann,0.04,3,w\n")
    assert "rows stand twice; set cleaning.equal_stamps = 'first'" in refused(tmp_path, described())


def test_a_clock_of_whole_seconds_is_spread_evenly(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\n" + "".join(f"ann,{i // 50},{i},w\n" for i in range(200)))
    (only,) = read(tmp_path, described(cleaning={"equal_stamps": "spread"}))
    assert np.allclose(np.diff(only.time_s), 0.02)


def test_a_damaged_file_among_many_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path, f"{name}.csv", "who,t,x,what\nann,0,1,w\n")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    assert "b.csv" in refused(tmp_path, described())


def test_a_file_that_no_reading_fits_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,0,1,w\n")
    assert "[[reading]]" in refused(tmp_path, described(reading=[{"files": "b.csv"}]))


def test_files_of_two_dialects_are_read_each_in_its_own(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "who,t,x,what\nann,0,1.5,w\nann,0.02,1.5,w\n")
    put(tmp_path, "b.csv", "who;t;x;what\nbob;0;1,5;w\nbob;0,02;1,5;w\n")
    reading = [{"files": "b.csv", "delimiter": ";", "decimal": ","}, {}]
    assert [r.samples[:, 0].tolist() for r in read(tmp_path, described(reading=reading))] == [[1.5, 1.5]] * 2


def test_nothing_that_fits_the_pattern_is_one_line(tmp_path: Path) -> None:
    assert "holds no file that fits *.csv" in refused(tmp_path, described())


def test_moving_the_folder_keeps_what_identifies_the_recordings(tmp_path: Path) -> None:
    Rows.moving(10).write(tmp_path)
    Rows.moving(10).write(tmp_path.parent)
    here, there = description(), description(file="../rows.csv")
    assert Table(here, tmp_path).details == Table(there, tmp_path).details


def test_what_was_cleaned_is_counted_with_the_windows_and_reported(tmp_path: Path) -> None:
    Rows.moving(people=("ann", "bob", "cid")).replace(900, 4, "?").write(tmp_path)
    what = description().model_dump(mode="json") | {"cleaning": {"faulty_rows": "drop"}}
    (tmp_path / "data.toml").write_text(
        tomli_w.dumps({key: without_none(value) for key, value in what.items() if value is not None})
    )
    data = DataRecipe(source="table", description="data.toml", window=32, hop=32)
    windows = prepare(data, None, tmp_path / "cache", Silent(), base=tmp_path)
    assert windows.lost[FAULTY] == 1
    recipe = Recipe(name="rows", summary="", data=data, split=SplitRecipe(kind="loso"))
    report = check(recipe, None, tmp_path / "cache", Silent(), base=tmp_path)
    (done,) = [finding for finding in report.findings if finding.code == "cleaning.done"]
    assert done.message.startswith(f"1 {FAULTY}")


def without_none(values: object) -> object:
    if isinstance(values, dict):
        return {key: without_none(value) for key, value in values.items() if value is not None}
    return [without_none(value) for value in values] if isinstance(values, list | tuple) else values


def test_the_example_of_the_documents_is_a_description() -> None:
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(version = 2\n.*?)```", page, re.DOTALL)
    described = validate(TableDescription, tomllib.loads(example), "docs/data.md")
    assert described.corrections[0].scale == 1.0
