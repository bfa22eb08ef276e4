"""Excel workbooks: each worksheet is a table with its header in the first filled row."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from factory.contracts.errors import DataError
from factory.data.intake.arrays import ArraySheet
from factory.data.intake.members import Member


def sheet_names(path: Path) -> tuple[str, ...]:
    """Names of the worksheets.

    Raises:
        DataError: No readable workbook.
    """
    with _workbook(path) as book:
        return tuple(book.sheetnames)


def open_worksheet(member: Member, skip: int = 0) -> ArraySheet:
    """A worksheet as a sheet; all of it is in memory.

    Args:
        member: A workbook of one worksheet, or a worksheet as its inner name.
        skip: Rows above the header.

    Raises:
        DataError: No readable workbook, or no rows.
    """
    with _workbook(member.path) as book:
        rows = book[member.inner or book.sheetnames[0]].iter_rows(values_only=True)
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


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(path, read_only=True, data_only=True)
        except Exception as error:  # openpyxl raises whatever its parsers do
            said = " ".join(str(error).split())[:120] or type(error).__name__
            raise DataError(f"{path} is not a readable workbook ({said}): save it as .xlsx or CSV again") from error
    try:
        yield book
    finally:
        book.close()
