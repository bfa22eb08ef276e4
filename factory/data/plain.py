"""A recording in the plainest layout, read without any package: comma-separated UTF-8, decimal points, one header.

Everything else (other delimiters and encodings, decimal commas, Parquet, Excel) is read by factory/data/intake.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from factory.contracts.errors import DataError

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LONGEST_HEADER = 1 << 16


def is_plain(path: Path, wanted: Sequence[str]) -> bool:
    """Whether the first line of a file names all of the wanted columns, separated by commas, in UTF-8."""
    try:
        with path.open("rb") as content:
            first = content.readline(_LONGEST_HEADER).decode("utf-8-sig")
        names = next(csv.reader([first], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return False
    names = [name.strip() for name in names]
    return all(names.count(name) == 1 for name in wanted)


def read_plain(path: Path, wanted: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The wanted columns of a file that `is_plain`.

    Returns:
        Column name to (T,) values; an empty cell is NaN.

    Raises:
        DataError: A row is shorter or longer than the header, a cell is no number, or the file is not UTF-8; names the
            line.
    """
    columns: list[list[float]] = [[] for _ in wanted]
    try:
        with path.open(encoding="utf-8-sig", newline="") as content:
            for where, cells in _rows(path, csv.reader(content, strict=True), wanted):
                for values, cell, name in zip(columns, cells, wanted, strict=True):
                    values.append(_value(cell, where, name))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is damaged ({error}): export it again as CSV UTF-8") from error
    return {name: np.asarray(values, np.float64) for name, values in zip(wanted, columns, strict=True)}


def _rows(path: Path, reader: "CsvReader", wanted: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Where each row stands, and its wanted cells; blank lines are no rows."""
    header = [name.strip() for name in next(reader)]
    places = [header.index(name) for name in wanted]
    for row in reader:
        if not "".join(row).strip() and len(row) < 2:
            continue
        where = f"{path}, line {reader.line_num}"
        if len(row) != len(header):
            raise DataError(f"{where} has {len(row)} cells, the header has {len(header)}: repair or remove the line")
        yield where, [row[place] for place in places]


def _value(cell: str, where: str, name: str) -> float:
    text = cell.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    if not text:
        return float("nan")
    raise DataError(f"{where}: {name} is {text!r:.40}, expected a number with a decimal point: correct it")
