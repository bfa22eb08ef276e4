from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.contracts.errors import DataError
from factory.contracts.table import MISSING, Reading
from factory.data.intake.sheet import Kind
from factory.data.intake.text import TextSheet
from tests.unit.data.intake.files import lines, put

WANTED: dict[str, Kind] = {"who": "text", "t": "integer", "ax": "number"}


def rows(sheet: TextSheet, drop_faulty: bool = False) -> list[dict[str, object]]:
    return [row for batch in sheet.batches(WANTED, drop_faulty) for row in batch.to_pylist()]


def test_columns_come_in_the_kinds_that_are_wanted(tmp_path: Path) -> None:
    assert rows(TextSheet(put(tmp_path, lines()), Reading()))[1] == {"who": "ann", "t": 20, "ax": -2.25}


@pytest.mark.parametrize("text", [text for text in MISSING if text])
def test_texts_for_a_missing_number_are_null(tmp_path: Path, text: str) -> None:
    sheet = TextSheet(put(tmp_path, lines().replace("-2.25", text)), Reading())
    assert [row["ax"] for row in rows(sheet)] == [1.5, None, 0.03]


def test_text_among_numbers_is_named_by_its_line_or_dropped(tmp_path: Path) -> None:
    sheet = TextSheet(put(tmp_path, "\n" + lines().replace("-2.25", "fell off")), Reading())
    with pytest.raises(DataError, match="line 4: column 'ax' holds 'fell off', expected a number"):
        rows(sheet)
    assert [row["ax"] for row in rows(sheet, drop_faulty=True)] == [1.5, None, 0.03]


def test_a_row_of_another_length_is_named_by_its_line_or_dropped_and_counted(tmp_path: Path) -> None:
    sheet = TextSheet(put(tmp_path, lines().replace("ann,20,-2.25,walk", "ann,20")), Reading())
    with pytest.raises(DataError, match="line 3: 2 values, expected 4"):
        rows(sheet)
    assert len(rows(sheet, drop_faulty=True)) == 2
    assert sheet.dropped == 1
    assert sheet.line(1).endswith("line 4")


def test_lines_are_counted_as_the_file_has_them(tmp_path: Path) -> None:
    content = "preamble\n\n# comment\n" + lines().replace("walk\nbob", "walk\n\n# fell\nbob")
    sheet = TextSheet(put(tmp_path, content), Reading(skip=2, comment="#"))
    assert [row["who"] for row in rows(sheet)] == ["ann", "ann", "bob"]
    assert sheet.line(2).endswith("line 9")


def test_rewritten_lines_keep_the_numbers_of_their_own(tmp_path: Path) -> None:
    def split(given: Iterator[bytes]) -> Iterator[bytes]:
        for line in given:
            yield from (part.strip() + b"\n" for part in line.split(b";") if part.strip())

    content = "who,t,ax,activity\nann,0,1.5,walk;ann,20,x,walk;\nbob,0,3,sit;\n"
    sheet = TextSheet(put(tmp_path, content), Reading(), lines=split)
    with pytest.raises(DataError, match="line 2: column 'ax' holds 'x'"):
        rows(sheet)
    assert sheet.line(2).endswith("line 3")


def test_columns_without_a_name_and_of_the_same_name_can_be_told_apart(tmp_path: Path) -> None:
    assert TextSheet(put(tmp_path, "x,,x,x\n1,2,3,4\n"), Reading()).names == ("x", "c2", "x_2", "x_3")


def test_columns_are_renamed(tmp_path: Path) -> None:
    sheet = TextSheet(put(tmp_path, lines()), Reading(), rename={"ax": "acc_x (m/s^2)"})
    assert sheet.names == ("who", "t", "acc_x (m/s^2)", "activity")


def test_text_in_another_encoding_is_named_by_its_line(tmp_path: Path) -> None:
    sheet = TextSheet(put(tmp_path, lines().encode().replace(b"bob", b"J\xf6rg")), Reading())
    with pytest.raises(DataError, match="line 4 is not utf-8 text"):
        rows(sheet)


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no encoding 'utf-99'"):
        rows(TextSheet(put(tmp_path, lines()), Reading(encoding="utf-99")))


def test_nanoseconds_stay_whole(tmp_path: Path) -> None:
    content = "who,t,ax,activity\nann,1727601100001900033,1,walk\n"
    assert rows(TextSheet(put(tmp_path, content), Reading()))[0]["t"] == 1727601100001900033


def test_a_row_that_is_odd_and_no_text_is_one_line_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sheet = TextSheet(put(tmp_path, lines().encode().replace(b"ann,20,-2.25,walk", b"\xff\xfe,1")), Reading())
    with pytest.raises(DataError, match="line 3 is not utf-8 text"):
        rows(sheet)
    assert capfd.readouterr().err == ""
