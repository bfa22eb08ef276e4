"""SensorLog (iOS, watchOS): one CSV or JSON, a row each logging interval, with a clock for each kind of sensor.

Layout: header of the app's files, 'accelerometerAccelerationX(G)', 'motionTimestamp_sinceReboot(s)'.
"""

import re
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.documents import read_json
from factory.data.formats.look import look, look_at, top
from factory.data.formats.view import View, time_first
from factory.data.intake.arrays import ArraySheet
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_SENSORS = {
    "accelerometerAcceleration": "acc_{} (g)",
    "motionUserAcceleration": "linear_acc_{} (g)",
    "motionGravity": "gravity_{} (g)",
    "motionRotationRate": "gyro_{} (rad/s)",
    "motionMagneticField": "mag_{} (uT)",
    "gyroRotation": "raw_gyro_{} (rad/s)",
    "magnetometer": "raw_mag_{} (uT)",
}
_AXIS = re.compile(rf"({'|'.join(_SENSORS)})([XYZ])", re.IGNORECASE)
_CLOCKS = ("motionTimestamp_sinceReboot", "accelerometerTimestamp_sinceReboot", "gyroTimestamp_sinceReboot")
"""The sensors' own clocks; the first that the file has is the time of its rows."""
_KEPT = {"deviceid": "device", "label": "label"}
_PHONE = (
    "logging", "location", "motion", "accelerometer", "gyro", "magnetometer", "activity", "pedometer", "altimeter",
    "battery", "avaudio", "audio", "ibeacon", "state", "deviceorientation", "ip", "wifi", "identifier", "logsamplenr",
    "brightness", "proximity", "heart", "headphone",
)  # fmt: skip
_LOWER = {sensor.lower(): name for sensor, name in _SENSORS.items()}


class SensorLog:
    """See the module."""

    name = "sensorlog"
    title = "SensorLog (iOS, Apple Watch): CSV or JSON"
    about = "https://sensorlog.berndthomas.net"
    auxiliary = ()
    pattern = None

    def recognise(self, head: Head) -> bool:
        """The time of logging and axes under Core Motion's names."""
        begin = head.text.lstrip()
        if begin[:1] in ("{", "["):
            return '"loggingTime' in begin[:20_000] and _AXIS.search(begin[:20_000]) is not None
        found = look(top(head, 60))
        return (
            found is not None
            and any(_bare(name) == "loggingTime" for name in found.header)
            and any(_AXIS.fullmatch(_bare(name)) for name in found.header)
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """The sensor's own time in s, axes with their unit, label, device, and columns that somebody added.

        Raises:
            DataError: Damaged; names the line.
        """
        if member.head(64).lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"["):
            return _from_json(member)
        found, encoding = look_at(member)
        names = _names(found.header)
        return View(TextSheet(member, found.reading(reading, encoding), rename=names), keep=time_first(names.values()))


def _names(header: tuple[str, ...]) -> dict[str, str]:
    """Columns of the file to those shown."""
    bare = {_bare(column): column for column in header}
    names = {}
    clock = next((name for name in _CLOCKS if name in bare), None)
    for name, column in bare.items():
        if axis := _AXIS.fullmatch(name):
            names[column] = _LOWER[axis[1].lower()].format(axis[2].lower())
        elif name == clock:
            names[column] = "time (s)"
        elif name == "loggingTime" and clock is None:
            names[column] = "date"
        elif name.lower() in _KEPT:
            names[column] = _KEPT[name.lower()]
        elif not name.lower().startswith(_PHONE):
            names[column] = column
    return names


def _bare(column: str) -> str:
    return re.sub(r"\s*\([^()]*\)$", "", column)


def _from_json(member: Member) -> Sheet:
    records = read_json(member, "export it as CSV")
    records = [records] if isinstance(records, dict) else records
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        raise DataError(f"{member} is no SensorLog JSON: expected one object a sample: export it again")
    names = _names(tuple(dict.fromkeys(key for record in records for key in record)))
    columns: dict[str, list[Any]] = {name: [record.get(key) for record in records] for key, name in names.items()}
    return ArraySheet(member, {name: columns[name] for name in time_first(columns)})
