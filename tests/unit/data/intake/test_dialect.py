from pathlib import Path

import pytest

from factory.contracts.errors import DataError
from factory.data.intake.dialect import decode, sniff
from factory.data.intake.text import TextSheet
from tests.unit.data.intake.files import HEADER, lines, put

VALUES = [1.5, -2.25, 0.03]


def read(folder: Path, content: str | bytes) -> tuple[tuple[str, ...], list[float]]:
    member = put(folder, content)
    sheet = TextSheet(member, sniff(member))
    column = sheet.names[2]
    return sheet.names, [v for batch in sheet.batches({column: "number"}) for v in batch.column(0).to_pylist()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_told_apart(tmp_path: Path, delimiter: str) -> None:
    assert read(tmp_path, lines(delimiter)) == (HEADER, VALUES)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas_are_read(tmp_path: Path, delimiter: str) -> None:
    assert read(tmp_path, lines(delimiter, decimal=",")) == (HEADER, VALUES)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    content = lines("\t").replace("who", "Prüfer")
    assert read(tmp_path, content.encode(encoding)) == (("Prüfer", *HEADER[1:]), VALUES)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Zeit,Aktivität,Größe\n1,Gehen,ü\n", "cp1252"),
        ("被験者,行動,時間\n1,歩く,2\n", "cp932"),
        ("用户,活动,时间\n1,走路,2\n", "gb18030"),
        ("사용자,활동,시간\n1,걷기,2\n", "cp949"),
        ("пользователь,активность\n1,ходьба\n", "cp1251"),
    ],
)
def test_legacy_encodings_are_told_by_their_words(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), "rows.csv") == (text, encoding)


def test_lines_above_the_header_are_skipped(tmp_path: Path) -> None:
    above = "Exported by an app\nrate: 50 Hz\n\n"
    assert read(tmp_path, above + lines()) == (HEADER, VALUES)


@pytest.mark.parametrize("sign", ["#", "%", "//"])
def test_comments_are_left_out_wherever_they_stand(tmp_path: Path, sign: str) -> None:
    first, *rest = lines().splitlines(keepends=True)
    content = f"{sign} a comment, with a comma\n{first}{rest[0]}{sign} another\n{''.join(rest[1:])}"
    assert read(tmp_path, content) == (HEADER, VALUES)


def test_a_table_without_a_header_gets_names(tmp_path: Path) -> None:
    assert read(tmp_path, lines(header=False)) == (("c1", "c2", "c3", "c4"), VALUES)


def test_runs_of_blanks_separate(tmp_path: Path) -> None:
    assert read(tmp_path, " 0.0  1 1.5\n 0.1  1 -2.25\n 0.2  2 0.03\n") == (("c1", "c2", "c3"), VALUES)


def test_a_delimiter_at_the_end_of_rows_alone_adds_a_column(tmp_path: Path) -> None:
    header, *rows = lines().splitlines()
    names, values = read(tmp_path, "\n".join([header, *(row + "," for row in rows)]) + "\n")
    assert names == (*HEADER, "c5")
    assert values == VALUES


def test_the_line_that_names_the_separator_is_obeyed(tmp_path: Path) -> None:
    assert read(tmp_path, "sep=;\n" + lines(";")) == (HEADER, VALUES)


def test_grouped_thousands_are_numbers(tmp_path: Path) -> None:
    member = put(tmp_path, 'who,t,ax,activity\nann,"1,234,500",1.5,walk\nann,"1,234,520",-2.25,walk\n')
    sheet = TextSheet(member, sniff(member))
    assert [v for b in sheet.batches({"t": "integer"}) for v in b.column(0).to_pylist()] == [1234500, 1234520]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"\x00\x01\x02\x00binary", "is not text"), (b"Dear reader,\nhello\n", "no table")],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        sniff(put(tmp_path, content))
