"""How a delimited text is to be read, told from its beginning: encoding, delimiter, decimal sign, lines above it."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from factory.contracts.errors import DataError
from factory.contracts.table import MISSING, Reading
from factory.data.intake.decoding import decoding
from factory.data.intake.header import header_rows, joined_names, names_above
from factory.data.intake.members import Member

MINUS = "\u2212"
"""The typographic sign, which some countries' spreadsheets write."""
_DELIMITERS = (",", "\t", ";", "|", "whitespace")
_COMMENTS = ("#", "%", "//")
_MOST_LINES = 2000
_PIECE = 1 << 20
_JUDGED = 200
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?(\d+,\d*|,\d+|\d+)([eE][+-]?\d+)?")
_DATE = re.compile(
    r"\d{1,4}([-./])\d{1,2}\1\d{1,4}([T ,_]+\d{1,2}:\d{2}(:\d{2}([.,:]\d+)?)?( ?[AaPp][Mm])?(Z|[+-]\d{2}:?\d{2})?)?"
    r"|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?"
)
_GROUPED = {sign: re.compile(rf"[+-]?\d{{1,3}}({re.escape(sign)}\d{{3}})+(\.\d+)?") for sign in (",", "'", " ")}
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_EVERYDAY = {"cp949": "euc_kr", "gb18030": "gb2312", "cp932": "shift_jis", "big5hkscs": "big5"}
"""The narrow form of an encoding: text that fits only the wide one is most likely in another."""
_TELLING = ("cp1252", "cp932", "gb18030", "cp949", "euc_jp", "big5", "cp1251")
_LETTERS = frozenset("äöüßÄÖÜéèêëàâçñáíóúìòùîïôûåæøœÉÈÀÇÑÁÍÓÚÅÆØ°²³µ·–±\xa0")
_WORDS = (
    "時間",
    "時刻",
    "行動",
    "動作",
    "被験",
    "加速",
    "歩",
    "时间",
    "活动",
    "用户",
    "加速度",
    "走",
    "跑",
    "시간",
    "활동",
    "사용자",
    "걷",
    "врем",
    "актив",
    "ходь",
)
_WIDE = 0.3
"""Share of zero bytes at every other place, above which text without a mark is UTF-16."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Split:
    """The lines below `skip` cut at a delimiter: rows of equal length, each with its line's index."""

    delimiter: str
    rows: list[tuple[int, list[str]]]
    columns: int
    numbers: int
    numeric: list[int]
    decimal: str
    thousands: str


def sniff(member: Member, dated: bool = False) -> Reading:
    """How to read a delimited text.

    Args:
        member: The file.
        dated: Whether columns of dates make a table, as in a list of labels; samples have numbers.

    Raises:
        DataError: Binary, empty, or without rows of several values; says what it is instead.
    """
    raw = member.head()
    if not raw.strip():
        raise DataError(f"{member} is empty: expected a header and one row a sample")
    text, encoding = decode(raw, str(member))
    if raw.isascii() and (later := _first_letters(member, len(raw))):
        encoding = decode(later, str(member))[1]
    lines = text.replace(MINUS, "-").splitlines()[:_MOST_LINES]
    if not text.strip():
        raise DataError(f"{member} is empty: expected a header and one row a sample")
    if len(raw) >= 1 << 18 and len(lines) > 1 and len(lines) < _MOST_LINES:
        lines = lines[:-1]
    declared = _declared(lines)
    comment = _comment(lines)
    delimiters = (declared,) if declared else _DELIMITERS
    split = _best(lines, comment, delimiters, _NUMBER)
    if split is None and dated:
        split = _best(lines, comment, delimiters, _DATE)
    if split is None:
        raise DataError(
            f"{member} is text, but no table: expected a header and one row a sample, values separated by commas, "
            f"semicolons, tabs or blanks; it begins with {lines[0]!r:.60}: export it as CSV"
        )
    return _reading(lines, encoding, comment, split)


def _first_letters(member: Member, start: int) -> bytes:
    """The first lines beyond ASCII, looked for from there on; empty without one."""
    with decoding(member, "ascii"), member.open() as handle:
        handle.read(start)
        while piece := handle.read(_PIECE):
            if not piece.isascii():
                lines = (piece + handle.readline()).splitlines()[1:]
                return b"\n".join(line for line in lines if not line.isascii() and b"\0" not in line)
    return b""


def decode(raw: bytes, name: str) -> tuple[str, str]:
    """Text of a file's beginning without a mark, and its encoding.

    Raises:
        DataError: Binary.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, "ignore").lstrip("\ufeff"), encoding
    for encoding, zeros in (("utf-16-le", raw[1::2]), ("utf-16-be", raw[::2])):
        if len(zeros) > 8 and zeros.count(0) > _WIDE * len(zeros):
            return raw.decode(encoding, "ignore"), encoding
    raw = raw.rstrip(b"\0")  # what a card that lost power is filled with
    if b"\0" in raw:
        raise DataError(f"{name} is not text: expected CSV, Parquet, .xlsx or a named format (factory data formats)")
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if error.start >= len(raw) - 3:
            return raw[: error.start].decode("utf-8"), "utf-8"
    return _guessed(raw, name)


def _guessed(raw: bytes, name: str) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    lines = [line for line in raw[: 1 << 16].splitlines() if any(byte > 127 for byte in line)]
    # Only lines that tell: numbers in ASCII would drown the few that do.
    found = [match.encoding for match in from_bytes(b"\n".join(dict.fromkeys(lines[:400])))]
    usual = [encoding for encoding in found if _decodes(raw, _EVERYDAY.get(encoding, encoding))]
    told = [encoding for encoding in _TELLING if _decodes(raw, encoding) and _speaks(raw.decode(encoding, "ignore"))]
    for candidate in (*told, *usual, *found, "cp1252", "latin-1"):
        if _decodes(raw, candidate):
            return raw.decode(candidate, "ignore"), candidate
    raise DataError(f"{name} is in no encoding that is known: save it as CSV UTF-8")


def _speaks(text: str) -> bool:
    """Whether the signs beyond ASCII are letters of Western Europe, or words that such tables hold."""
    odd = {sign for sign in text if ord(sign) > 127}
    return odd <= _LETTERS or any(word in text for word in _WORDS)


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start >= len(raw) - 3  # a sign that the end of the head cuts
    except LookupError:
        return False
    return True


def _declared(lines: Sequence[str]) -> str | None:
    """Excel's 'sep=;' line."""
    match = re.fullmatch(r'"?sep=(.)"?', lines[0].strip()) if lines else None
    return match[1] if match else None


def _comment(lines: Sequence[str]) -> str | None:
    for sign in _COMMENTS:
        if sum(line.startswith(sign) for line in lines) and not all(line.startswith(sign) for line in lines):
            return sign
    return None


def _best(
    lines: Sequence[str], comment: str | None, delimiters: Sequence[str], form: "re.Pattern[str]"
) -> _Split | None:
    splits = [split for delimiter in delimiters if (split := _split(lines, comment, delimiter, form)) is not None]
    return max(splits, key=lambda split: (split.numbers, -_DELIMITERS.index(split.delimiter)), default=None)


def _split(lines: Sequence[str], comment: str | None, delimiter: str, form: "re.Pattern[str]") -> _Split | None:
    cut = [
        (index, cells(line, delimiter))
        for index, line in enumerate(lines)
        if line.strip() and not (comment and line.startswith(comment))
    ]
    if not cut:
        return None
    lengths = Counter(len(row) for _, row in cut[len(cut) // 3 :])
    columns = lengths.most_common(1)[0][0]
    rows = [(index, row) for index, row in cut if len(row) == columns]
    if columns < 2 or not rows:
        return None
    judged = [row for _, row in rows[len(rows) // 3 :][:_JUDGED]]
    if form is _NUMBER:
        decimal, thousands, numeric = _numbers(judged)
    else:
        decimal, thousands = ".", ""
        numeric = _numeric_columns(judged, lambda text: form.fullmatch(text) is not None)
    if not numeric:
        return None
    return _Split(
        delimiter=delimiter, rows=rows, columns=columns, numbers=len(numeric), numeric=numeric, decimal=decimal,
        thousands=thousands,
    )  # fmt: skip


def cells(line: str, delimiter: str) -> list[str]:
    """A line's values."""
    if delimiter == "whitespace":
        return line.split()
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return []


def _numbers(rows: list[list[str]]) -> tuple[str, str, list[int]]:
    """Decimal sign, grouping sign, and the places of the columns that hold numbers so."""
    best = (".", "", _numeric_columns(rows, lambda text: _NUMBER.fullmatch(text) is not None))
    for sign, grouped in _GROUPED.items():
        found = _numeric_columns(rows, lambda t, g=grouped: (g.fullmatch(t) or _NUMBER.fullmatch(t)) is not None)
        best = (".", sign, found) if len(found) > len(best[2]) else best
    found = _numeric_columns(rows, lambda text: _COMMA_NUMBER.fullmatch(text) is not None)
    return (",", "", found) if len(found) > len(best[2]) else best


def _numeric_columns(rows: list[list[str]], is_number: "object") -> list[int]:
    assert callable(is_number)
    places = []
    for place, column in enumerate(zip(*rows, strict=True)):
        values = [text.strip() for text in column if text.strip() not in MISSING]
        if values and sum(map(is_number, values)) >= 0.9 * len(values):
            places.append(place)
    return places


def _reading(lines: Sequence[str], encoding: str, comment: str | None, split: _Split) -> Reading:
    first = split.rows[0][0]
    rows = [row for _, row in split.rows]
    named = header_rows(rows, lambda row: _looks_like_data(row, split), split.numeric)
    names: tuple[str, ...] | None = None
    if named > 1:
        names, first = joined_names(rows[:named]), split.rows[named][0]
    elif not named and first > 0:
        names = _names_above(lines[first - 1], comment, split, rows)
    skip = first
    return Reading(
        encoding=encoding,
        delimiter=split.delimiter,
        decimal="," if split.decimal == "," else ".",
        thousands=split.thousands,
        skip=skip if skip and not _all_comments(lines[:first], comment) else 0,
        header=named == 1,
        names=names,
        comment=comment,
    )


def _names_above(line: str, comment: str | None, split: _Split, rows: list[list[str]]) -> tuple[str, ...] | None:
    """Names in the line above rows without a header: in a comment, or with one value more or less."""
    commented = comment is not None and line.startswith(comment)
    above = cells(line.removeprefix(comment or "").strip() if commented else line, split.delimiter)
    if _looks_like_data(above, split):
        return None
    if commented and len(above) == split.columns:
        return tuple(cell.strip() for cell in above)
    return names_above(above, rows)


def _all_comments(lines: Sequence[str], comment: str | None) -> bool:
    return comment is not None and all(line.startswith(comment) or not line.strip() for line in lines)


def _looks_like_data(row: Sequence[str], split: _Split) -> bool:
    """Whether most of the columns that hold numbers (or dates) hold one here, too."""

    def number(text: str) -> bool:
        bare = text.strip().replace(split.thousands, "") if split.thousands else text.strip()
        return _DATE.fullmatch(bare) is not None or _NUMBER.fullmatch(bare.replace(split.decimal, ".")) is not None

    return sum(map(number, row)) >= max(1, 0.5 * split.numbers)
