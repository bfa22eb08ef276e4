"""phyphox: 'Raw Data.csv', or one CSV a sensor in a folder; comma, semicolon or tab, decimal point or comma.

Layout: the app's export, whose column names hold quantity, axis and unit in the language of the phone.
"""

import re

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import look, look_at, stem, top
from factory.data.formats.view import View, time_first
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_TIME = re.compile(r"(time|zeit|temps|tempo|tiempo|tijd|czas|t) \(s\)", re.IGNORECASE)
_AXIS = re.compile(r"(?P<what>.*?)\b(?P<axis>[xyz])\b.*\((?P<unit>[^()]+)\)", re.IGNORECASE)
_UNITS = {
    **dict.fromkeys(("m/s^2", "m/s²", "m/s2", "ms⁻²"), "m/s^2"),
    **dict.fromkeys(("rad/s",), "rad/s"),
    **dict.fromkeys(("°/s", "deg/s"), "deg/s"),
    **dict.fromkeys(("µt", "μt", "ut"), "uT"),
}
_SENSORS = {"m/s^2": "acc", "rad/s": "gyro", "deg/s": "gyro", "uT": "mag"}
_LINEAR = re.compile(r"linear|liné|without g|ohne g|sans g", re.IGNORECASE)
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Phyphox:
    """See the module."""

    name = "phyphox"
    title = "phyphox (Android, iOS): CSV in any of its dialects"
    about = "https://phyphox.org/wiki"
    auxiliary = ("**/meta/*.csv", "**/Metadata *", "**/device.csv", "**/time.csv")
    pattern = None

    def recognise(self, head: Head) -> bool:
        """A first column of seconds, then x, y and z with a unit; or its export to .xls."""
        if head.raw.startswith(_OLD_EXCEL):
            return any(text in head.raw for text in (b"Raw Data", "Raw Data".encode("utf-16-le"), b"phyphox"))
        found = look(top(head, 60))
        if found is None or not found.header or not _TIME.fullmatch(found.header[0]):
            return False
        shown = _names(found.header, head.member)
        return len(shown) >= 4 and all(
            _TIME.fullmatch(name) or name in shown or re.search(r"\([^()]*\)$", name) for name in found.header
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Time in s since the start and axes with their unit; magnitudes are left out.

        Raises:
            DataError: It is an old Excel file, not text, or holds no header.
        """
        if member.head(8).startswith(_OLD_EXCEL):
            raise DataError(
                f"{member} is an Excel file of the old kind: export it from phyphox as 'CSV (Comma, decimal point)', "
                "or save it as .xlsx"
            )
        found, encoding = look_at(member)
        names = _names(found.header, member)
        return View(TextSheet(member, found.reading(reading, encoding), rename=names), keep=time_first(names.values()))


def _names(header: tuple[str, ...], member: Member) -> dict[str, str]:
    """Columns of the file to those shown; a file of its own a sensor is called after it, 'Linear Accelerometer.csv'."""
    names = {}
    for column in header:
        axis = _AXIS.fullmatch(column)
        unit = _UNITS.get(axis["unit"].strip().lower()) if axis else None
        if _TIME.fullmatch(column):
            names[column] = "time (s)"
        elif axis and unit:
            linear = unit == "m/s^2" and _LINEAR.search(axis["what"] or stem(member))
            sensor = "linear_acc" if linear else _SENSORS[unit]
            names[column] = f"{sensor}_{axis['axis'].lower()} ({unit})"
    return names
