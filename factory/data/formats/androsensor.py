"""AndroSensor: one CSV with every sensor of the phone, a row each interval, semicolons.

Layout: header of the app's files ('ACCELEROMETER X (m/s²)', 'Time since start in ms ').
"""

import re

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import look, look_at, top
from factory.data.formats.view import View, time_first
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_AXIS = re.compile(
    r"(?P<what>linear acceleration|accelerometer|gravity|gyroscope|magnetic field) (?P<axis>[xyz])\s*\((?P<unit>.+)\)",
    re.IGNORECASE,
)
_SENSORS = {
    "linear acceleration": "linear_acc_{} (m/s^2)",
    "accelerometer": "acc_{} (m/s^2)",
    "gravity": "gravity_{} (m/s^2)",
    "gyroscope": "gyro_{} (rad/s)",
    "magnetic field": "mag_{} (uT)",
}
_TIME = re.compile(r"time since start( in ms| \(ms\))", re.IGNORECASE)
_DATE = re.compile(r"(date \()?yyyy-mo-dd hh-mi-ss_sss\)?", re.IGNORECASE)
_PHONE = ("light", "orientation", "proximity", "atmospheric", "sound", "location", "gps", "satellites", "temperature",
          "level", "voltage", "relative", "battery", "status")  # fmt: skip


class AndroSensor:
    """See the module."""

    name = "androsensor"
    title = "AndroSensor (Android), Sensor_record_*_AndroSensor.csv"
    about = "https://play.google.com/store/apps/details?id=com.fivasim.androsensor"
    auxiliary = ()
    pattern = None

    def recognise(self, head: Head) -> bool:
        """Its two clocks' names and an axis."""
        found = look(top(head, 60))
        return found is not None and (
            any(_TIME.fullmatch(name) for name in found.header)
            and any(_DATE.fullmatch(name) for name in found.header)
            and any(_AXIS.fullmatch(name) for name in found.header)
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Time in ms since the start, axes with their unit, and columns that somebody added.

        Raises:
            DataError: It is not text or holds no header.
        """
        found, encoding = look_at(member)
        names = {}
        for column in found.header:
            if axis := _AXIS.fullmatch(column):
                names[column] = _SENSORS[axis["what"].lower()].format(axis["axis"].lower())
            elif _TIME.fullmatch(column):
                names[column] = "time (ms)"
        added = [
            name
            for name in found.header
            if name
            and name not in names
            and not _DATE.fullmatch(name)
            and not name.lower().startswith(_PHONE)
            and not name.lower().startswith("gyroscope")
        ]
        sheet = TextSheet(member, found.reading(reading, encoding), rename=names)
        return View(sheet, keep=time_first((*names.values(), *added)))
