"""Polar Sensor Logger: one text file a sensor of a H10, OH1, Verity Sense, values parted by semicolons.

Layout: header of the app's files, which names every unit.
"""

import re

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import look, look_at, top
from factory.data.formats.view import View, time_first
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_SENSORS = {
    "mg": "acc_{} (mg)",
    "g": "acc_{} (g)",
    "dps": "gyro_{} (deg/s)",
    "deg/s": "gyro_{} (deg/s)",
    "uT": "mag_{} (uT)",
    "G": "mag_{} (gauss)",
}
_AXIS = re.compile(r"([XYZ]) \[(.+)\]", re.IGNORECASE)


class Polar:
    """See the module."""

    name = "polar"
    title = "Polar Sensor Logger, Polar_*_ACC.txt, _GYRO.txt, _MAG.txt"
    about = "https://play.google.com/store/apps/details?id=com.j_ware.polarsensorlogger"
    auxiliary = tuple(f"**/*_{kind}.txt" for kind in ("ECG", "HR", "PPG", "PPI", "RR", "MARKER", "BATTERY", "SKINTEMP"))
    pattern = "**/Polar_*_{sensor}.txt"

    def recognise(self, head: Head) -> bool:
        """A header with the sensor's time in ns and three axes with their unit in brackets."""
        found = look(top(head, 60))
        return found is not None and len(_names(found.header)) == 4

    def open(self, member: Member, reading: Reading) -> Sheet:
        """The sensor's own time in ns and its axes; the phone's time of arrival is left out.

        Raises:
            DataError: It is not text or holds no header.
        """
        found, encoding = look_at(member)
        names = _names(found.header)
        return View(TextSheet(member, found.reading(reading, encoding), rename=names), keep=time_first(names.values()))


def _names(header: tuple[str, ...]) -> dict[str, str]:
    """Columns of the file to those shown."""
    names = {}
    for column in header:
        axis = _AXIS.fullmatch(column)
        if axis and (sensor := _SENSORS.get(axis[2].replace("µ", "u").replace("μ", "u"))):
            names[column] = sensor.format(axis[1].lower())
        elif column.lower() == "sensor timestamp [ns]":
            names[column] = "time (ns)"
    return names
