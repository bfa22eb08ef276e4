"""Sensor Logger (Kelvin Choi): one CSV a sensor in a folder or zip a recording, or one JSON with all of them.

Layout: awesome-sensor-logger, README.md, UNITS.md and CROSSPLATFORM.md.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.documents import read_json
from factory.data.formats.look import beside, cut, head_of, look, look_at, stem, top
from factory.data.formats.view import Rewrite, View, each, time_first
from factory.data.intake.arrays import ArraySheet
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_SENSORS = {
    "accelerometeruncalibrated": "uncalibrated_acc_{} (own)",
    "totalacceleration": "acc_{} (m/s^2)",
    "accelerometer": "linear_acc_{} (m/s^2)",
    "gravity": "gravity_{} (m/s^2)",
    "gyroscopeuncalibrated": "uncalibrated_gyro_{} (rad/s)",
    "gyroscope": "gyro_{} (rad/s)",
    "magnetometeruncalibrated": "uncalibrated_mag_{} (uT)",
    "watchmagnetometer": "watch_mag_{} (uT)",
    "magnetometer": "mag_{} (uT)",
}
"""Letters of the sensor's name to the columns of its axes."""
_COMPOUND = {
    "wristmotion": {
        **{f"rotationRate{axis.upper()}": f"wrist_gyro_{axis} (rad/s)" for axis in "xyz"},
        **{f"acceleration{axis.upper()}": f"wrist_linear_acc_{axis} (own)" for axis in "xyz"},
        **{f"gravity{axis.upper()}": f"wrist_gravity_{axis} (own)" for axis in "xyz"},
    },
    "headphone": {
        **{f"rotationRate{axis.upper()}": f"head_gyro_{axis} (rad/s)" for axis in "xyz"},
        **{f"acceleration{axis.upper()}": f"head_linear_acc_{axis} (own)" for axis in "xyz"},
        **{f"gravity{axis.upper()}": f"head_gravity_{axis} (m/s^2)" for axis in "xyz"},
    },
}
_CLOCKS = {"time", "seconds_elapsed"}
_OTHERS = (
    "Activity", "Annotation", "Barometer", "Battery*", "Bluetooth*", "Brightness", "Compass", "Heart*", "Light*",
    "Location*", "Metadata", "Microphone", "Network", "Orientation", "Pedometer", "Proximity", "StudyMetadata",
    "WatchBarometer", "WatchCompass", "WatchLocation", "WatchMicrophone", "WiFi*", "Wifi*",
)  # fmt: skip
_MOST_NOTES = 10_000
_MOST_NS = 1 << 63
_TIME_NS = re.compile(r"\d{18,19}")


class SensorLogger:
    """See the module."""

    name = "sensor_logger"
    title = "Sensor Logger (Android, iOS): folder or zip of CSV, or JSON"
    about = "https://github.com/tszheichoi/awesome-sensor-logger"
    auxiliary = (*(f"**/{name}.csv" for name in _OTHERS), "**/Camera/**", "**/Microphone/**")
    pattern = "**/{sensor}.csv"

    def recognise(self, head: Head) -> bool:
        """Its two clocks and axes, with the sensor in the file's name; or its JSON."""
        if re.match(r"\s*\[\s*\{", head.text):
            return '"seconds_elapsed"' in head.text and '"sensor"' in head.text[:4000]
        found = look(top(head, 60))
        if found is None or not {name.lower() for name in found.header} >= _CLOCKS:
            return False
        names = _names(_sensor(stem(head.member)), "own")
        axes = set(names) - _CLOCKS
        return (
            bool(axes)
            and bool(axes & set(found.header))
            and all(
                _TIME_NS.fullmatch(row[found.header.index("time")])
                for row in found.rows[:5]
                if "time" in found.header and len(row) == len(found.header)
            )
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """The sensors' time in ns since 1970, axes with their unit, and notes if there are any.

        Raises:
            DataError: Damaged; names the line.
        """
        if member.head(64).lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"[":
            return _from_json(member)
        found, encoding = look_at(member)
        names = _names(_sensor(stem(member)), _own_unit(beside(member, "Metadata.csv")))
        names = {column: name for column, name in names.items() if column in found.header}
        others = [name for name in found.header if name not in names and not re.search("time|elapsed", name.lower())]
        notes = _notes(beside(member, "Annotation.csv"))
        return View(
            TextSheet(member, found.reading(reading, encoding), rename=names),
            keep=time_first((*names.values(), *others)),
            texts={"annotation": ("time (ns)", notes)} if notes else None,
        )


def _sensor(name: str) -> str:
    """The sensor that a file's or record's name holds; empty if none."""
    letters = re.sub(r"[^a-z]", "", name.lower())
    known = sorted((*_SENSORS, *_COMPOUND), key=len, reverse=True)
    return next((sensor for sensor in known if sensor in letters), "")


def _names(sensor: str, own: str) -> dict[str, str]:
    """Columns of a sensor's file to those shown; `own` is the unit of what iOS gives in g unless standardised."""
    if not sensor:
        return {}
    axes = _COMPOUND.get(sensor) or {axis: _SENSORS[sensor].format(axis) for axis in "xyz"}
    return {"time": "time (ns)"} | {column: name.replace("(own)", f"({own})") for column, name in axes.items()}


def _notes(annotation: Member | None) -> Rewrite | None:
    """The note that holds at a time in ns: the last one before it, empty before the first; None without notes."""
    if annotation is None:
        return None
    found = look(head_of(annotation)[0].lines, most=_MOST_NOTES)
    if found is None or not {"time", "text"} <= set(found.header):
        return None
    time, text = found.header.index("time"), found.header.index("text")
    rows = (row for row in found.rows if len(row) == len(found.header))
    notes = sorted((int(row[time]), row[text]) for row in rows if row[time].isdecimal() and row[text])
    starts = [start for start, _ in notes]

    def note(stamp: str) -> str:
        place = bisect_right(starts, int(stamp)) if stamp.isdecimal() else 0
        return notes[place - 1][1] if place else ""

    return each(note) if notes else None


def _own_unit(metadata: Member | None) -> str:
    """'g' on iOS unless units were standardised, else 'm/s^2'; without Metadata.csv as on Android."""
    if metadata is None:
        return "m/s^2"
    try:
        lines = [cut(line, ",") for line in head_of(metadata)[0].lines[:2]]
    except DataError:
        return "m/s^2"
    if len(lines) < 2:
        return "m/s^2"
    told = {name.lower(): value.lower() for name, value in zip(*lines, strict=False)}
    return "g" if "ios" in told.get("platform", "") and told.get("standardisation") != "true" else "m/s^2"


def _from_json(member: Member) -> Sheet:
    records = read_json(member, "export it as a zip of CSV files")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DataError(f"{member} is no Sensor Logger JSON: expected a list of records: export it again")
    units = [record for record in records if str(record.get("sensor", "")).lower() == "metadata"]
    told = {key: str(value).lower() for record in units for key, value in record.items()}
    own = "g" if "ios" in told.get("platform", "") and told.get("standardisation") != "true" else "m/s^2"
    columns: dict[str, list[Any]] = {"sensor": [], "time (ns)": []}
    for sensor, record, names in _motion(records, own):
        row = {"sensor": sensor} | {name: record.get(column) for column, name in names.items()}
        for name in row:
            columns.setdefault(name, [None] * len(columns["sensor"]))
        for name, values in columns.items():
            values.append(row.get(name))
    if not columns["sensor"]:
        raise DataError(f"{member} holds no accelerometer, gyroscope or magnetometer: record those sensors")
    columns["time (ns)"] = [_whole(value, member, row) for row, value in enumerate(columns["time (ns)"], 1)]
    return ArraySheet(member, columns)


def _motion(records: list[dict[str, Any]], own: str) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Sensor, record and names of each record of a sensor of motion."""
    known: dict[str, dict[str, str]] = {}
    for record in records:
        said = str(record.get("sensor", ""))
        if said not in known:
            known[said] = _names(_sensor(said), own)
        if known[said]:
            yield said, record, known[said]


def _whole(value: Any, member: Member, row: int) -> int | None:
    try:
        stamp = None if value in (None, "") else int(value)
    except (TypeError, ValueError, OverflowError):
        stamp = _MOST_NS
    if stamp is not None and abs(stamp) >= _MOST_NS:
        raise DataError(f"{member}, motion record {row}: time is {value!r:.40}, expected nanoseconds: export it again")
    return stamp
