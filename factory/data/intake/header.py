"""Names of columns: from one line, from several with groups and units, or from one that is longer or shorter."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence

from factory.contracts.table import MISSING

_UNIT = re.compile(
    r"m?g|gs|c?m/s(\^?2|²|/s)|m/sec(\^?2|²)|ms-2|m?rad/s(ec)?|m?deg/s(ec)?|°/s(ec)?|m?dps|[muµμn]?s(ec)?|min|h|k?hz|"
    r"[nuµμ]?t|m?gauss|[muµμk]?v|°?c|%|h?pa|lux|lx|m|km|°|deg|bpm|n/?a|-|no ?units?|unitless",
    re.IGNORECASE,
)
_MOST_ROWS = 4


def header_rows(rows: Sequence[Sequence[str]], is_data: Callable[[Sequence[str]], bool], numeric: Sequence[int]) -> int:
    """How many of a table's first rows name its columns: 0, 1, or more where groups or units have rows of their own.

    Args:
        rows: The first rows, of equal length.
        is_data: Whether a row holds numbers where the others do.
        numeric: Places of the columns of numbers.
    """
    if not rows or is_data(rows[0]):
        return 0
    count = 1
    while count < min(len(rows), _MOST_ROWS) and _names(rows[count], numeric) and list(rows[count]) != list(rows[0]):
        count += 1
    return count if count < len(rows) and is_data(rows[count]) else 1


def _names(row: Sequence[str], numeric: Sequence[int]) -> bool:
    """Whether texts stand where numbers should, in at least half of those columns and in none a number."""
    cells = [row[place].strip() for place in numeric]
    texts = [cell for cell in cells if cell and (cell not in MISSING or _UNIT.fullmatch(cell))]
    return 2 * len(texts) >= len(cells) and not any(any(map(str.isdigit, cell[:1])) for cell in texts)


def joined_names(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """One name a column out of several rows: 'Accelerometer X (m/s^2)'."""
    names = [""] * len(rows[0])
    for place, row in enumerate(rows):
        cells = [cell.strip() for cell in row]
        below = [cell.strip() for cell in rows[place + 1]] if place + 1 < len(rows) else []
        told = {_bare(cell) for cell in cells if cell}
        if place and all(_UNIT.fullmatch(cell) for cell in told):
            units = [_bare(cell) for cell in cells]
            names = [f"{name} ({unit})" if unit.strip("-") else name for name, unit in zip(names, units, strict=True)]
        elif len(told) > 1 or place == 0:
            names = [" ".join(filter(None, pair)) for pair in zip(names, _filled(cells, below), strict=True)]
    return tuple(name or f"c{place}" for place, name in enumerate(names, 1))


def _bare(unit: str) -> str:
    """Without brackets: 'm/(s^2)' is m/s^2."""
    return re.sub(r"[()\[\]{}]", "", unit).strip()


def _filled(cells: list[str], below: list[str]) -> list[str]:
    """Names of groups, which stand above their first column only, above those columns whose own names repeat."""
    repeated = {name for name, count in Counter(below).items() if count > 1}
    found, group = [], ""
    for cell, own in zip(cells, below or cells, strict=True):
        group = cell or group
        found.append(cell or (group if own and own in repeated else ""))
    return found


def names_above(above: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Names from a line that is one value longer or shorter than the rows; None if it is of another length.

    A delimiter at the end of rows alone adds a column there; row numbers without a name one in front.
    """
    columns = len(rows[0])
    if len(above) == columns + 1:
        return tuple(above[:columns])
    if len(above) != columns - 1:
        return None
    firsts = [row[0].strip() for row in rows[:20]]
    counts = all(first.isdecimal() for first in firsts) and len(set(firsts)) == len(firsts) > 1
    if counts and all(int(b) == int(a) + 1 for a, b in itertools.pairwise(firsts)):
        return ("c1", *above)
    return (*above, f"c{columns}")
