"""Excel workbooks: each worksheet is a table with its header in the first filled row."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from factory.contracts.errors import DataError
from factory.data.intake.arrays import ArraySheet
from factory.data.intake.members import Member

_MOST_BYTES = 256 << 20


def sheet_names(member: Member) -> tuple[str, ...]:
    """Names of the worksheets that hold a header and a row.

    Raises:
        DataError: No readable workbook.
    """
    with _workbook(member) as book:
        return tuple(sheet.title for sheet in book.worksheets if _holds_rows(sheet))


def open_worksheet(member: Member, skip: int = 0) -> ArraySheet:
    """A worksheet as a sheet; all of it is in memory.

    Args:
        member: A workbook of one worksheet, or one of its worksheets.
        skip: Rows above the header.

    Raises:
        DataError: No readable workbook, or no rows.
    """
    with _workbook(member) as book:
        rows = _chosen(book, member).iter_rows(values_only=True)
        header, first = None, 0
        values: list[tuple[Any, ...]] = []
        for number, row in enumerate(rows, 1):
            if number <= skip or all(cell is None for cell in row):
                continue
            if header is None:
                header, first = row, number + 1
            else:
                values.append(row)
    if header is None or not values:
        raise DataError(f"{member} holds no rows: expected a header and one row a sample")
    names = [f"c{place}" if name is None else str(name).strip() for place, name in enumerate(header, 1)]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{member}: column {', '.join(repeated)} stands twice in the header: rename one")
    columns = {name: [row[place] for row in values] for place, name in enumerate(names)}
    return ArraySheet(
        member,
        {name: column for name, column in columns.items() if any(v is not None for v in column)},
        first_line=first,
    )


def _holds_rows(sheet: Any) -> bool:
    """Whether a worksheet has a header and a row."""
    filled = (row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row))
    return sum(1 for _ in islice(filled, 2)) > 1


def _chosen(book: Any, member: Member) -> Any:
    if not book.worksheets:
        raise DataError(f"{member} has no worksheet: save it again")
    return book[member.worksheet] if member.worksheet is not None else book.worksheets[0]


@contextmanager
def _workbook(member: Member) -> Iterator[Any]:
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            source = member.path if member.inner is None else io.BytesIO(_whole(member))
            book = load_workbook(source, read_only=True, data_only=True)
            try:
                yield book
            finally:
                book.close()
        except DataError:
            raise
        except Exception as error:  # openpyxl raises whatever its parsers do, also while rows are read
            said = " ".join(str(error).split())[:120] or type(error).__name__
            raise DataError(f"{member} is not a readable workbook ({said}): save it as .xlsx or CSV again") from error


def _whole(member: Member) -> bytes:
    """A workbook inside of an archive, unpacked."""
    with member.open() as handle:
        content = handle.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise DataError(f"{member} is larger than {_MOST_BYTES >> 20} MB inside of an archive: unpack it")
    return content
