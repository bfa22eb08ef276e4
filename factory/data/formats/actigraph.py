"""ActiGraph: raw data exported by ActiLife as CSV, below a preamble of ten lines, with or without time stamps.

Layout: the preamble says rate, start and the form of dates; accelerations are in g, an IMU's rotation in deg/s.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import Look, head_of, look
from factory.data.formats.view import Rewrite, View, each
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import Lines, TextSheet

_FIRST = re.compile(r"-+ ?Data File Created By ActiGraph\b", re.IGNORECASE)
_FORM = re.compile(r"date format (\S+)", re.IGNORECASE)
_RATE = re.compile(r"\bat\s*(\d+(?:\.\d+)?)\s*Hz", re.IGNORECASE)
_MOST_PREAMBLE = 30
_AXIS = re.compile(r"(Accelerometer|Gyroscope|Magnetometer) ([XYZ])", re.IGNORECASE)
_SENSORS = {"accelerometer": "acc_{} (g)", "gyroscope": "gyro_{} (deg/s)", "magnetometer": "mag_{} (uT)"}
_DATE = re.compile(r"(\d{1,4})\D(\d{1,2})\D(\d{1,4})[ T]+(\d{1,2}):(\d{2}):(\d{2})(?:[.,:](\d{1,9}))?( ?[AP]M)?")
_PLAIN = tuple(f"Accelerometer {axis}" for axis in "XYZ")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Preamble:
    """What stands above the rows; `length` in lines, `order` the places of day, month and year in a date."""

    length: int
    start: datetime
    rate_hz: float | None
    order: tuple[int, int, int]


class Actigraph:
    """See the module."""

    name = "actigraph"
    title = "ActiGraph (ActiLife): raw CSV, *RAW.csv"
    about = "https://actigraphcorp.my.site.com/support"
    auxiliary = ()
    pattern = None

    def recognise(self, head: Head) -> bool:
        """ActiLife's first line."""
        return _FIRST.match(head.text.lstrip('"')) is not None

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Local dates as ISO 8601 without a zone, from the time stamps or counted from the start, and axes.

        Raises:
            DataError: A preamble that is damaged or has no rate, or counts a minute instead of raw data.
        """
        head, encoding = head_of(member)
        lines = head.lines
        preamble = _preamble(lines, member)
        found = look(lines, preamble.length)
        if found is None:
            raise DataError(f"{member} holds no rows below its preamble: export the raw data again")
        if any(re.match(r"(Axis ?1|Date|Epoch)", name, re.IGNORECASE) for name in found.header):
            raise DataError(f"{member} holds counts for each epoch, no raw samples: export raw data in ActiLife")
        if not any(_AXIS.fullmatch(name) for name in found.header):
            return _headless(member, reading, encoding, found, preamble)
        names = {}
        for column in found.header:
            if axis := _AXIS.fullmatch(column):
                names[column] = _SENSORS[axis[1].lower()].format(axis[2].lower())
            elif column.lower() == "timestamp":
                names[column] = "date"
        return _sheet(member, found.reading(reading, encoding), names, preamble, found)


def _headless(member: Member, reading: Reading, encoding: str, found: Look, preamble: _Preamble) -> Sheet:
    """Rows right below the preamble, with or without a time stamp."""
    columns = ("Timestamp", *_PLAIN) if len(found.header) > len(_PLAIN) else _PLAIN
    if len(found.header) != len(columns) or (not _DATE.match(found.header[0]) and len(columns) > len(_PLAIN)):
        raise DataError(
            f"{member}, line {found.skip + 1}: {len(found.header)} values, expected acceleration along X, Y and Z: "
            "export the raw data again"
        )
    shown = tuple(_SENSORS["accelerometer"].format(axis) for axis in "xyz")
    names = ("date", *shown) if len(columns) > len(_PLAIN) else shown
    read = found.reading(reading, encoding, header=False).model_copy(update={"names": names})
    return _sheet(member, read, {name: name for name in names}, preamble, found)


def _sheet(member: Member, read: Reading, names: dict[str, str], preamble: _Preamble, found: Look) -> Sheet:
    kept = ("date", *(name for name in names.values() if name != "date"))
    if "date" in names.values():
        return View(TextSheet(member, read, rename=names), keep=kept, texts={"date": ("date", each(_iso(preamble)))})
    rate = preamble.rate_hz
    if rate is None:
        raise DataError(f"{member}, line 1: no rate ('at 30 Hz') and no time stamps: export with time stamps")
    if read.names is not None:
        read = read.model_copy(update={"names": ("date", *read.names)})
    sheet = TextSheet(member, read, rename=names, lines=_counted(found.delimiter.encode(), read.header))
    return View(sheet, keep=kept, texts={"date": ("date", _dates(preamble.start, rate))})


def _counted(delimiter: bytes, header: bool) -> Lines:
    """Before each row its number in the file, from 0, below the name 'date'."""

    def lines(raw: Iterator[bytes]) -> Iterator[bytes]:
        for line in islice(raw, int(header)):
            yield b"date" + delimiter + line
        row = 0
        for line in raw:
            if line.strip():
                yield b"%d" % row + delimiter + line
                row += 1

    return lines


def _dates(start: datetime, rate_hz: float) -> Rewrite:
    """Numbers of rows to dates, counted from the start."""

    def dates(column: Any) -> Any:
        import pyarrow as pa
        from pyarrow import compute as pc

        rows = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
        moments = np.datetime64(start, "us") + np.round(rows * (1e6 / rate_hz)).astype("timedelta64[us]")
        return pc.replace_substring(pa.array(moments).cast(pa.string()), " ", "T")

    return dates


def _preamble(lines: list[str], member: Member) -> _Preamble:
    """Raises DataError: No start, or no end of the preamble."""
    told = {"Start Time": "", "Start Date": ""}
    length = None
    for number, line in enumerate(lines[:_MOST_PREAMBLE]):
        bare = line.strip().strip('",;')
        for key in told:
            if bare.startswith(key):
                told[key] = bare.removeprefix(key).strip(' :,;"')
        if number and re.fullmatch(r"-{10,}", bare):
            length = number + 1
            break
    if length is None:
        raise DataError(f"{member}: the preamble has no end (a line of dashes): export the raw data again")
    form = _FORM.search(lines[0])
    order = _order(form[1] if form else "M/d/yyyy")
    start = _moment(f"{told['Start Date']} {told['Start Time']}", order)
    if start is None:
        said = f"{told['Start Date']} {told['Start Time']}".strip()
        raise DataError(f"{member}: Start Date and Start Time say '{said:.40}', expected a date: export it again")
    rate = _RATE.search(lines[0])
    return _Preamble(length=length, start=start, rate_hz=float(rate[1]) if rate else None, order=order)


def _order(form: str) -> tuple[int, int, int]:
    """Places of day, month and year in 'dd/MM/yyyy'."""
    seen = [letter for letter in dict.fromkeys(form) if letter in "dMy"]
    day, month, year = (seen.index(letter) if letter in seen else place for place, letter in enumerate("dMy"))
    return day, month, year


def _moment(text: str, order: tuple[int, int, int]) -> datetime | None:
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    parts = [int(found[group]) for group in (1, 2, 3)]
    day, month, year = (2, 1, 0) if len(found[1]) == 4 else order
    hour = int(found[4])
    if found[8]:
        hour = hour % 12 + (12 if found[8].strip() == "PM" else 0)
    try:
        return datetime(
            parts[year],
            parts[month],
            parts[day],
            hour,
            int(found[5]),
            int(found[6]),
            int((found[7] or "")[:6].ljust(6, "0")),
        )
    except (ValueError, IndexError):
        return None


def _iso(preamble: _Preamble) -> Callable[[str], str]:
    def iso(text: str) -> str:
        moment = _moment(text, preamble.order)
        return text if moment is None else moment.isoformat(timespec="microseconds")

    return iso
