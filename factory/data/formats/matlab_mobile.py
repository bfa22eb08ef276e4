"""MATLAB Mobile: one CSV a sensor, 'Timestamp, X, Y, Z' with dates like 08-Mar-2023 12:03:04.000.

Layout: tables that `writetimetable` makes of the app's Acceleration, AngularVelocity and MagneticField.
"""

import re

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import look, look_at, stem, top
from factory.data.formats.view import View, each
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_SENSORS = (
    (("angvel", "angularvelocity", "gyro"), "gyro_{} (rad/s)"),
    (("magneticfield", "magfield", "mag"), "mag_{} (uT)"),
    (("acceleration", "accel", "acc"), "acc_{} (m/s^2)"),
)
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})[ T](\d{2}:\d{2}:\d{2}(?:[.,]\d+)?)")
_AXIS = re.compile(r"(.*?)[ _.]?([XYZ])", re.IGNORECASE)


class MatlabMobile:
    """See the module."""

    name = "matlab_mobile"
    title = "MATLAB Mobile (Android, iOS): Acceleration.csv, AngularVelocity.csv, MagneticField.csv"
    about = "https://www.mathworks.com/help/matlabmobile"
    auxiliary = ("**/Orientation*.csv", "**/Position*.csv")
    pattern = None

    def recognise(self, head: Head) -> bool:
        """'Timestamp, X, Y, Z' with MATLAB's dates and the sensor in the file's name."""
        found = look(top(head, 60))
        return (
            found is not None
            and "timestamp" in {name.lower() for name in found.header}
            and len(_names(found.header, head.member)) > 3
            and any(_DATE.fullmatch(cell) for row in found.rows[:5] for cell in row)
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Dates as ISO 8601 without a zone, axes with their unit, and columns that somebody added.

        Raises:
            DataError: Not text.
        """
        found, encoding = look_at(member)
        names = _names(found.header, member)
        return View(
            TextSheet(member, found.reading(reading, encoding), rename=names), texts={"date": ("date", each(_iso))}
        )


def _names(header: tuple[str, ...], member: Member) -> dict[str, str]:
    """Columns of the file to those shown: the sensor stands before the axis, or in the file's name."""
    names = {}
    for column in header:
        axis = _AXIS.fullmatch(column)
        sensor = _sensor(axis[1] or stem(member)) if axis else None
        if axis and sensor:
            names[column] = sensor.format(axis[2].lower())
        elif column.lower() == "timestamp":
            names[column] = "date"
    return names


def _sensor(text: str) -> str | None:
    letters = re.sub(r"[^a-z]", "", text.lower())
    return next((columns for words, columns in _SENSORS if any(word in letters for word in words)), None)


def _iso(text: str) -> str:
    """'08-Mar-2023 12:03:04.000' as '2023-03-08T12:03:04.000'; other texts stay."""
    found = _DATE.fullmatch(text.strip())
    month = _MONTHS.get(found[2].lower()) if found else None
    if not found or month is None:
        return text
    return f"{found[3]}-{month:02d}-{int(found[1]):02d}T{found[4].replace(',', '.')}"
