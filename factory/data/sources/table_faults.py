"""Where in a CSV file the fault lies that made the fast reader refuse it."""

import csv
from pathlib import Path

from factory.contracts.errors import DataError


def first_fault(path: Path, numbers: list[str]) -> DataError | None:
    """The first row that is not UTF-8, has another number of values than the header, or text among `numbers`.

    Row by row and slow: called only after the fast reader refused the file. None if every row looks right.
    """
    with path.open("rb") as handle:
        header: list[str] = []
        for number, raw in enumerate(handle, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                return DataError(f"{path}, row {number} is not UTF-8: save the file as CSV UTF-8")
            if not line.strip():
                continue
            row = next(csv.reader([line]))
            header = header or row
            if len(row) != len(header):
                return DataError(
                    f"{path}, row {number}: {len(row)} values, the header has {len(header)}: the file is truncated or "
                    "the row damaged; remove the row or export the file again"
                )
            if number > 1 and (fault := _not_a_number(header, row, numbers)):
                return DataError(f"{path}, row {number}: {fault}: correct or remove the row")
    return None


def _not_a_number(header: list[str], row: list[str], numbers: list[str]) -> str:
    for name, value in zip(header, row, strict=True):
        if name in numbers:
            try:
                float(value or "nan")
            except ValueError:
                return f"column '{name}' holds '{value:.40}', expected a number"
    return ""
