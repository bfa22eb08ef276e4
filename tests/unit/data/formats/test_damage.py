"""Damaged files: one exact line that names file and place, never a traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.contracts.errors import DataError, FactoryError, remedy
from factory.contracts.table import Reading
from factory.data.formats import FORMATS, open_format
from tests.unit.data.formats import makers
from tests.unit.data.formats.makers import MAKERS, ROWS, Made
from tests.unit.data.formats.reading import columns, columns_of, member_of, sheet_of

TABLES: list[tuple[Made, str | None, int]] = [
    (makers.sensor_logger, ",", 4),
    (makers.phyphox, ",", 1),
    (makers.phyphox_german, ";", 1),
    (makers.phyphox_tab, "\t", 1),
    (makers.androsensor, ";", 0),
    (makers.physics_toolbox, ",", 1),
    (makers.physics_toolbox_clock, ",", 1),
    (makers.sensorlog, ",", 3),
    (makers.matlab_mobile, ",", 1),
    (makers.edge_impulse_csv, ",", 1),
    (makers.wisdm_watch, ",", 4),
    (makers.pamap2, None, 4),
    (makers.mhealth, None, 0),
    (makers.opportunity, None, 22),
    (makers.actigraph, ",", 1),
    (makers.actigraph_untimed, ",", 1),
    (makers.actigraph_bare, ";", 1),
    (makers.axivity, ",", 1),
    (makers.axivity_header, ",", 1),
    (makers.empatica, ",", 1),
    (makers.polar, ";", 2),
    (makers.hhar, ",", 3),
]
"""Makers of tables, what parts their values, and the place of one that is read."""
IDS = [row[0].__name__ for row in TABLES]


def set_value(path: Path, line: int, sign: str | None, place: int, text: str) -> None:
    """Set one value; `line` counts from 1."""
    lines = path.read_bytes().splitlines()
    cells = lines[line - 1].split(sign.encode() if sign else None)
    cells[place] = text.encode("latin-1")
    lines[line - 1] = (sign or " ").encode().join(cells)
    path.write_bytes(b"\n".join(lines) + b"\n")


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(DataError) as caught:
        read()
    message = str(caught.value)
    assert remedy(message)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("maker", "sign", "place"), TABLES, ids=IDS)
def test_text_among_numbers_is_named_by_the_files_own_line(
    maker: Made, sign: str | None, place: int, tmp_path: Path
) -> None:
    path = maker(tmp_path)
    set_value(path, 120, sign, place, "abc")
    assert f"{path}, line 120: " in refusal(lambda: columns(path))


@pytest.mark.parametrize(("maker", "sign", "place"), TABLES, ids=IDS)
def test_text_in_another_encoding_is_named_by_the_files_own_line(
    maker: Made, sign: str | None, place: int, tmp_path: Path
) -> None:
    path = maker(tmp_path)
    set_value(path, 120, sign, place, "\xff\xfe\xf5")
    assert f"{path}, line 120" in refusal(lambda: columns(path))


@pytest.mark.parametrize(
    ("maker", "sign", "place"),
    [row for row in TABLES if row[0] is not makers.wisdm_watch],
    ids=[name for name in IDS if name != "wisdm_watch"],
)
def test_a_truncated_file_is_named_with_its_last_line(
    maker: Made, sign: str | None, place: int, tmp_path: Path
) -> None:
    path = maker(tmp_path)
    lines = path.read_bytes().splitlines()
    lines[-1] = lines[-1].split(sign.encode() if sign else None)[0]
    path.write_bytes(b"\n".join(lines))
    assert f"{path}, line {len(lines)}: " in refusal(lambda: columns(path))


def test_a_truncated_record_of_wisdm_lacks_values(tmp_path: Path) -> None:
    path = makers.wisdm_watch(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    assert columns(path)["gyro_z (rad/s)"][-1] is None


@pytest.mark.parametrize(
    ("maker", "name", "step"),
    [
        (makers.empatica, "time (s)", 1 / 32),
        (makers.mhealth, "time (s)", 1 / 50),
    ],
    ids=["empatica", "mhealth"],
)
def test_a_row_left_out_does_not_shift_the_time_of_those_after_it(
    maker: Made, name: str, step: float, tmp_path: Path
) -> None:
    path = maker(tmp_path)
    whole = columns(path)[name]
    lines = path.read_bytes().splitlines()
    lines[99] = lines[99][:3]
    path.write_bytes(b"\n".join(lines))
    _, sheet = sheet_of(path)
    found = columns_of(sheet, drop_faulty=True)[name]
    assert sheet.dropped == 1
    assert len(found) == ROWS - 1
    assert found[-1] == whole[-1]
    assert np.diff(found).max() == pytest.approx(2 * step)


def test_counted_dates_stay_where_a_row_is_left_out(tmp_path: Path) -> None:
    path = makers.actigraph_untimed(tmp_path)
    whole = columns(path)["date"]
    lines = path.read_bytes().splitlines()
    lines[99] = b"0.1"
    path.write_bytes(b"\n".join(lines))
    assert columns(path, drop_faulty=True)["date"] == whole[:88] + whole[89:]


class TestActigraphPreamble:
    """What the ten lines above the rows must say."""

    @pytest.mark.parametrize(
        ("line", "text", "said"),
        [
            (4, "Start Date 41/12/2024", "'41/12/2024 17:41:40'"),
            (10, "", "no end"),
            (11, "Date,Time,Axis1,Axis2,Axis3", "counts"),
        ],
    )
    def test_a_damaged_one_is_named(self, line: int, text: str, said: str, tmp_path: Path) -> None:
        path = makers.actigraph(tmp_path)
        lines = path.read_text().splitlines()
        lines[line - 1] = text
        makers.write(path, lines)
        assert said in refusal(lambda: columns(path))

    def test_without_time_stamps_it_needs_a_rate(self, tmp_path: Path) -> None:
        path = makers.actigraph_untimed(tmp_path)
        path.write_text(path.read_text().replace(" at 30 Hz", ""))
        assert "line 1: no rate" in refusal(lambda: columns(path))

    def test_the_form_of_dates_says_which_is_the_month(self, tmp_path: Path) -> None:
        path = makers.actigraph(tmp_path)
        path.write_text(path.read_text().replace("dd/MM/yyyy", "M/d/yyyy"))
        assert columns(path)["date"][0] == "2024-11-12T17:41:40.000000"


def test_empatica_without_start_and_rate_is_refused(tmp_path: Path) -> None:
    path = makers.empatica(tmp_path)
    member = member_of(path)
    path.write_text("\n".join(path.read_text().splitlines()[1:]))
    assert "lines 1 and 2" in refusal(lambda: open_format("empatica").open(member, Reading(format="empatica")))


@pytest.mark.parametrize("maker", [makers.matlab_mat, makers.axivity_cwa], ids=["matlab", "axivity"])
def test_a_devices_own_file_says_how_to_export_it(maker: Made, tmp_path: Path) -> None:
    assert "export" in refusal(lambda: columns(maker(tmp_path)))


def test_an_old_excel_file_of_phyphox_says_how_to_export_it(tmp_path: Path) -> None:
    path = tmp_path / "walk.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Raw Data".encode("utf-16-le") + bytes(600))
    assert "CSV (Comma, decimal point)" in refusal(lambda: columns(path))


class TestDocuments:
    """JSON and CBOR."""

    @pytest.mark.parametrize("maker", [makers.sensor_logger_json, makers.edge_impulse])
    def test_a_truncated_json_is_named_with_its_line(self, maker: Made, tmp_path: Path) -> None:
        path = maker(tmp_path)
        path.write_bytes(path.read_bytes()[:-50])
        assert f"{path}, line 1: no whole JSON" in refusal(lambda: columns(path))

    def test_one_bad_line_of_many_objects_is_named(self, tmp_path: Path) -> None:
        path = makers.sensorlog_json(tmp_path)
        lines = path.read_text().splitlines()
        lines[119] = lines[119][:-20]
        makers.write(path, lines)
        assert f"{path}, line 120: no whole JSON" in refusal(lambda: columns(path))

    def test_json_in_another_encoding_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = makers.sensorlog_json(tmp_path)
        lines = path.read_bytes().splitlines() * 8
        lines[1500] = lines[1500].replace(b"walking", b"w\x81\xfflking")
        path.write_bytes(b"\n".join(lines))
        assert f"{path}, line 1501" in refusal(lambda: columns(path))

    def test_a_value_that_is_no_number_is_named_by_its_sample(self, tmp_path: Path) -> None:
        document: Any = makers.edge_impulse_document()
        document["payload"]["values"][119][2] = "abc"
        path = makers.write(tmp_path / "walk.1.json", [json.dumps(document)])
        assert f"{path}, sample 120 holds 'abc'" in refusal(lambda: columns(path))

    def test_a_short_sample_is_named(self, tmp_path: Path) -> None:
        document: Any = makers.edge_impulse_document()
        document["payload"]["values"][119].pop()
        path = makers.write(tmp_path / "walk.1.json", [json.dumps(document)])
        assert f"{path}, sample 120: 5 values, expected 6" in refusal(lambda: columns(path))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"interval_ms": 0}, "interval_ms"),
            ({"interval_ms": "fast"}, "interval_ms"),
            ({"sensors": []}, "payload.sensors"),
            ({"values": {}}, "payload.values"),
        ],
    )
    def test_a_payload_without_its_parts_is_refused(self, change: dict[str, Any], said: str, tmp_path: Path) -> None:
        document: Any = makers.edge_impulse_document()
        document["payload"] |= change
        path = tmp_path / "walk.1.cbor"
        path.write_bytes(cbor2.dumps(document))
        assert said in refusal(lambda: columns(path))

    def test_labels_beyond_the_last_sample_are_refused(self, tmp_path: Path) -> None:
        stretch = {"startIndex": 0, "endIndex": 9 * ROWS, "label": "walk"}
        labels = {"structuredLabels": {"walk.anna.3q1.json": [stretch]}}
        (tmp_path / "structured_labels.labels").write_text(json.dumps(labels))
        assert "labels beside it" in refusal(lambda: columns(makers.edge_impulse(tmp_path)))

    @pytest.mark.parametrize(
        "raw",
        [
            b"\xa3iprotected\xa0",
            b"\xa1gpayload\xa1fvalues\x9b\x3f\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1gpayload\x5b\x00\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1gpayload" + b"\x81" * 100_000 + b"\x00",
            b"\xa1gpayload\xc2\x5a\x00\x00\x27\x10" + b"\xff" * 10_000,
            b"\xa1gpayload\xd8\x1c\x81\xd8\x1d\x00",
        ],
        ids=["stub", "array of 2^62", "bytes of 2^56", "nested", "number of 10000 bytes", "holds itself"],
    )
    def test_hostile_cbor_gives_one_line(self, raw: bytes, tmp_path: Path) -> None:
        path = tmp_path / "walk.1.cbor"
        path.write_bytes(raw)
        assert str(path) in refusal(lambda: columns(path))


ODD = (b"\n", b",", b";", b'"', b"NaN", b"1e999")


def fault(read: Callable[[], object]) -> str | None:
    """What a reader says of a file that it refuses; None if it does not."""
    try:
        read()
    except FactoryError as error:
        return str(error)
    return None


# pyarrow cannot hand an odd row that is no UTF-8 to its handler.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", list(FORMATS))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_gives_a_traceback(name: str, data: st.DataObject, tmp_path: Path) -> None:
    made = data.draw(st.sampled_from(MAKERS[name]))(tmp_path)
    raw = bytearray(made.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw)))
        del raw[place : place + data.draw(st.integers(0, 40))]
        raw[place:place] = data.draw(
            st.binary(max_size=12) | st.sampled_from([b"\n", b",", b";", b'"', b"NaN", b"1e999"])
        )
    lenient = data.draw(st.booleans())
    made.write_bytes(bytes(raw))
    said = fault(lambda: columns_of(open_format(name).open(member_of(made), Reading(format=name)), lenient))
    assert said is None or str(made) in said
