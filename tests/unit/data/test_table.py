"""A user's table: everything that can be wrong with it is one line with file, row and remedy."""

from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError, RecipeError
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe
from factory.contracts.table import TableDescription
from factory.contracts.window import Quantity
from factory.data import prepare
from factory.data.sources.table import Table
from tests.unit.data.tables import Rows, description


def read(folder: Path, what: TableDescription | None = None) -> list[Recording]:
    return [
        Recording(
            subject=recording.subject,
            session=recording.session,
            time_s=np.array(recording.time_s),
            samples=np.array(recording.samples),
            labels=np.array(recording.labels),
        )
        for recording in Table(what or description(), folder, folder).recordings(None, Silent())
    ]


def refused(folder: Path, what: TableDescription | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, what)
    message = str(caught.value)
    assert "\n" not in message
    assert not list(folder.glob("rows-*")), "temporary files stay behind"
    return message


def changed(**channel: object) -> TableDescription:
    """The description with keys of every accelerometer channel replaced."""
    base = description().model_dump(mode="json")
    for item in base["channels"]:
        if item["quantity"] == "accelerometer":
            item.update(channel)
    return TableDescription.model_validate(base)


def test_rows_become_recordings_by_subject_and_session(tmp_path: Path) -> None:
    Rows.moving().write(tmp_path)
    recordings = read(tmp_path)
    assert [(r.subject, r.session) for r in recordings] == [("ann", "1"), ("ann", "2"), ("bob", "1"), ("bob", "2")]
    assert [int(r.labels[0]) for r in recordings] == [0, 1, 0, 1]
    assert np.allclose(recordings[0].time_s, np.arange(400) / 50)
    assert not list(tmp_path.glob("rows-*"))


def test_interleaved_rows_give_the_same_recordings_as_sorted_ones(tmp_path: Path) -> None:
    rows = Rows.moving()
    rows.write(tmp_path)
    in_order = read(tmp_path)
    parts = [rows.lines[1 + 400 * part : 401 + 400 * part] for part in range(4)]
    rows.lines[1:] = [line for group in zip(*parts, strict=True) for line in group]
    rows.write(tmp_path)
    for one, other in zip(in_order, read(tmp_path), strict=True):
        assert one.session == other.session
        assert np.array_equal(one.samples, other.samples)
        assert np.array_equal(one.time_s, other.time_s)


def test_g_and_degrees_become_si(tmp_path: Path) -> None:
    Rows.moving(gravity=1.0).write(tmp_path)
    recordings = read(tmp_path, changed(unit="g"))
    assert np.median(recordings[0].samples[:, 2]) == pytest.approx(9.80665, rel=0.02)


def test_acceleration_declared_without_gravity_is_linear_acceleration(tmp_path: Path) -> None:
    table = Table(changed(gravity=False), tmp_path)
    assert {c.quantity for c in table.channels[:3]} == {Quantity.LINEAR_ACCELERATION}
    assert not any(c.gravity for c in table.channels)


def test_parquet_gives_the_same_recordings_as_csv(tmp_path: Path) -> None:
    from pyarrow import csv, parquet

    path = Rows.moving().write(tmp_path)
    parquet.write_table(csv.read_csv(path), tmp_path / "rows.parquet")
    from_csv, from_parquet = read(tmp_path), read(tmp_path, description(file="rows.parquet"))
    assert len(from_parquet) == 4
    for one, other in zip(from_csv, from_parquet, strict=True):
        assert np.array_equal(one.samples, other.samples)


def test_dates_as_text_are_time_stamps(tmp_path: Path) -> None:
    rows = Rows.moving(100)
    for line in range(2, len(rows.lines) + 1):
        milliseconds = int(rows.lines[line - 1].split(",")[2])
        rows.replace(line, 2, f"2026-01-31T12:00:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}Z")
    rows.write(tmp_path)
    assert np.allclose(read(tmp_path, description(timestamp_unit="iso"))[0].time_s, np.arange(100) / 50)


def test_nanoseconds_since_1970_keep_their_precision(tmp_path: Path) -> None:
    rows = Rows.moving(100)
    for line in range(2, len(rows.lines) + 1):
        rows.replace(line, 2, str(1_769_860_800_000_000_001 + int(rows.lines[line - 1].split(",")[2]) * 1_000_000))
    rows.write(tmp_path)
    assert np.abs(read(tmp_path, description(timestamp_unit="ns"))[0].time_s - np.arange(100) / 50).max() < 1e-12


def test_undescribed_labels_are_found_in_the_file(tmp_path: Path) -> None:
    Rows.moving().replace(5, 9, "").write(tmp_path)
    table = Table(description(labels=None), tmp_path, tmp_path)
    assert table.labels == ("rest", "walk")
    first = next(iter(table.recordings(None, Silent())))
    assert first.labels[:5].tolist() == [0, 0, 0, -1, 0]


def test_last_row_cut_short_is_named(tmp_path: Path) -> None:
    path = Rows.moving().write(tmp_path)
    path.write_bytes(path.read_bytes()[:-30])
    message = refused(tmp_path)
    assert "line 1601" in message
    assert "7 values, expected 10" in message
    assert "truncated" in message


def test_row_with_a_value_too_many_is_named(tmp_path: Path) -> None:
    assert "line 7: 11 values" in refused(Rows.moving().replace(7, 4, "1,2").write(tmp_path).parent)


def test_missing_column_is_named_with_those_there(tmp_path: Path) -> None:
    rows = Rows.moving()
    rows.lines[0] = rows.lines[0].replace("gz", "gyro_z")
    message = refused(rows.write(tmp_path).parent)
    assert "no column 'gz'" in message
    assert "gyro_z" in message


@pytest.mark.parametrize(("text", "what"), [("", "empty or NaN"), ("nan", "empty or NaN"), ("inf", "infinite")])
def test_value_that_is_not_finite_is_named(tmp_path: Path, text: str, what: str) -> None:
    message = refused(Rows.moving().replace(900, 4, text).write(tmp_path).parent)
    assert f"line 900: column 'ay' is {what}" in message
    assert "cleaning.faulty_rows = 'drop'" in message


def test_blank_lines_do_not_shift_the_row_that_is_named(tmp_path: Path) -> None:
    rows = Rows.moving().replace(900, 4, "inf")
    rows.lines.insert(10, "")
    assert "line 901" in refused(rows.write(tmp_path).parent)


def test_falling_time_stamp_is_named(tmp_path: Path) -> None:
    message = refused(Rows.moving().replace(12, 2, "100").write(tmp_path).parent)
    assert "line 12" in message
    assert "out of order" in message
    assert "cleaning.order = 'time'" in message


def test_repeated_time_stamp_is_named(tmp_path: Path) -> None:
    message = refused(Rows.moving().replace(12, 2, "180").write(tmp_path).parent)
    assert "line 12" in message
    assert "with other values" in message
    assert "columns.session" in message
    assert "cleaning.equal_stamps = 'spread'" in message


def test_runs_of_one_subject_without_a_session_column_point_to_it(tmp_path: Path) -> None:
    Rows.moving().write(tmp_path)
    columns = {"subject": "who", "timestamp": "t", "label": "activity"}
    assert "columns.session" in refused(tmp_path, description(columns=columns))


def test_time_is_checked_across_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory.data.intake.text._BLOCK_BYTES", 1000)
    Rows.moving().write(tmp_path)
    assert len(read(tmp_path)) == 4
    assert "line 300" in refused(Rows.moving().replace(300, 2, "0").write(tmp_path).parent)


def test_unknown_label_is_named_with_those_allowed(tmp_path: Path) -> None:
    message = refused(Rows.moving().replace(500, 9, "wlak").write(tmp_path).parent)
    assert "line 500: unknown label 'wlak', expected rest, walk" in message


def test_text_for_a_number_is_named(tmp_path: Path) -> None:
    assert "line 42: column 'az' holds '9,8'" in refused(Rows.moving().replace(42, 5, '"9,8"').write(tmp_path).parent)


def test_empty_file_header_alone_and_no_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    assert "does not exist" in refused(tmp_path)
    path.write_text("")
    assert "holds no rows" in refused(tmp_path)
    path.write_text(Rows.moving().lines[0] + "\n")
    assert "no rows" in refused(tmp_path)


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = Rows.moving().write(tmp_path)
    lines = path.read_bytes().split(b"\n")
    lines[20] = lines[20].replace(b"ann", b"J\xfcrg")
    path.write_bytes(b"\n".join(lines))
    assert "line 21 is not utf-8 text" in refused(tmp_path)


def test_row_without_a_subject_is_named(tmp_path: Path) -> None:
    assert "line 30: subject is empty" in refused(Rows.moving().replace(30, 0, "").write(tmp_path).parent)


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and not much more")
    assert "not a readable Parquet" in refused(tmp_path, description(file="rows.parquet"))


def test_unit_that_a_quantity_cannot_have_is_a_recipe_error(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text('file = "rows.csv"\nrate = 50\n')
    with pytest.raises(RecipeError, match="unknown key 'rate'"):
        Table.from_file(tmp_path / "d.toml")
    with pytest.raises(ValueError, match="unit 'rad/s' is none of"):
        changed(unit="rad/s")


def test_table_is_prepared_to_windows(tmp_path: Path) -> None:
    import tomli_w

    Rows.moving().write(tmp_path)
    values = description().model_dump(mode="json", exclude_none=True)
    (tmp_path / "d.toml").write_text(tomli_w.dumps(values))
    windows = prepare(DataRecipe(source="table", description="d.toml"), None, tmp_path / "c", Silent(), base=tmp_path)
    assert windows.x.shape == (20, 6, 128)
    assert sorted(set(windows.subject)) == ["ann", "bob"]
    assert not list((tmp_path / "c").rglob("*.rows"))
