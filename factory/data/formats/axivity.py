"""Axivity AX3 and AX6: CSV that OmGui or cwa-convert writes, 'time, x, y, z' in g, an AX6's rotation in deg/s.

Layout: Open Movement's omconvert; a header only stands in resampled exports.
"""

import math
import re
from statistics import median

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import Look, look, look_at, top
from factory.data.formats.view import View, each, time_first
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_NAMED = re.compile(r"(Accel|Gyro|Mag)-([XYZ]) \((g|d/s|uT)\)", re.IGNORECASE)
_SENSORS = {"accel": "acc_{} (g)", "gyro": "gyro_{} (deg/s)", "mag": "mag_{} (uT)"}
_DATE = re.compile(r"\d{4}[-/]\d{2}[-/]\d{2}[ T]\d{2}:\d{2}:\d{2}[.,]\d+")
_SECONDS = re.compile(r"1\d{9}\.\d+")
_GRAVITY = (0.8, 1.25)
_CWA = b"MD"


class Axivity:
    """See the module."""

    name = "axivity"
    title = "Axivity AX3, AX6: CSV of OmGui, omconvert or cwa-convert"
    about = "https://github.com/openmovementproject/openmovement"
    auxiliary = ()
    pattern = None

    def recognise(self, head: Head) -> bool:
        """A header of omconvert; or no header, a time to the millisecond and three values as long as gravity in g."""
        if head.member.suffix == ".cwa" and head.raw.startswith(_CWA):
            return True
        found = look(top(head, 60))
        if found is None:
            return False
        if any(_NAMED.fullmatch(name) for name in found.header):
            return found.header[0].lower() in ("time", "timestamp")
        return _is_time(found.header[0] if found.header else "") and _holds_gravity(found)

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Dates without a zone or seconds since 1970, and axes with their unit.

        Raises:
            DataError: The device's own .cwa, not text, or not three axes.
        """
        if member.head(2) == _CWA and member.suffix == ".cwa":
            raise DataError(f"{member} is the device's own file: export it as CSV in OmGui (Export, Resampled CSV)")
        found, encoding = look_at(member)
        read = found.reading(reading, encoding, header=not _is_time(found.header[0]))
        if read.header:
            names = {column: _named(column) for column in found.header if _NAMED.fullmatch(column)}
            first = found.rows[0][0] if found.rows and found.rows[0] else ""
            names[found.header[0]] = "time (s)" if _SECONDS.fullmatch(first) else "date"
            return View(
                TextSheet(member, read, rename=names),
                keep=time_first(names.values()),
                texts={"date": ("date", each(_iso))},
            )
        time = "time (s)" if _SECONDS.fullmatch(found.header[0]) else "date"
        shown = (time, *(_SENSORS["accel"].format(axis) for axis in "xyz"))
        if len(found.header) != len(shown):
            raise DataError(
                f"{member}, line 1: {len(found.header)} values, expected time, x, y and z: export it again, or say "
                "format = 'csv' and name the columns"
            )
        sheet = TextSheet(member, read.model_copy(update={"names": shown}))
        return View(sheet, keep=shown, texts={"date": ("date", each(_iso))})


def _named(column: str) -> str:
    found = _NAMED.fullmatch(column)
    assert found is not None
    return _SENSORS[found[1].lower()].format(found[2].lower())


def _is_time(text: str) -> bool:
    return _DATE.fullmatch(text) is not None or _SECONDS.fullmatch(text) is not None


def _holds_gravity(found: Look) -> bool:
    lengths = []
    for row in (found.header, *found.rows):
        try:
            lengths.append(math.hypot(*(float(value) for value in row[1:4])))
        except ValueError:
            return False
    return len(found.header) == len(("time", *"xyz")) and _GRAVITY[0] <= median(lengths) <= _GRAVITY[1]


def _iso(text: str) -> str:
    return text.strip().replace("/", "-").replace(" ", "T", 1).replace(",", ".")
