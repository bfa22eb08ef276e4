"""Edge Impulse: the data acquisition format as JSON or CBOR, its CSV, and labels beside them.

Layout: docs.edgeimpulse.com, 'Data acquisition format', 'Structured labels', 'info.labels'. The label is the file's
name up to its first dot, unless `structured_labels.labels` or `info.labels` says it by sample.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.documents import read_cbor, read_json
from factory.data.formats.look import beside, file_name, look, look_at, top
from factory.data.formats.view import View
from factory.data.intake.arrays import ArraySheet
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_LABEL_FILES = ("structured_labels.labels", "info.labels")
_AXIS = re.compile(
    r"(?P<linear>lin(ear)?_?)?(?P<what>accelerometer|accel|acc|gyroscope|gyro|gyr|magnetometer|mag)"
    r"(eration)?[_. ]?(?P<axis>[xyz])",
    re.IGNORECASE,
)
_KINDS = {"a": "acc", "g": "gyro", "m": "mag"}
_UNITS = {
    "m/s2": "m/s^2", "m/s^2": "m/s^2", "m/s²": "m/s^2", "g": "g", "mg": "mg", "rad/s": "rad/s", "deg/s": "deg/s",
    "dps": "deg/s", "°/s": "deg/s", "ut": "uT", "µt": "uT", "μt": "uT",
}  # fmt: skip
_MOST_ROWS = 1 << 26
_MOST_WHOLE = 1 << 63
_CBOR_MAPS = (b"\xa1", b"\xa2", b"\xa3", b"\xa4", b"\xbf")
"""First bytes of a map of one to four, or of an unknown number of entries."""
_CSV_NAME = re.compile(r"[^.]+(\.[^.]+)+\.csv", re.IGNORECASE)


class EdgeImpulse:
    """See the module."""

    name = "edge_impulse"
    title = "Edge Impulse: data acquisition JSON, CBOR or CSV"
    about = "https://docs.edgeimpulse.com/tools/specifications/data-acquisition"
    auxiliary = ("**/*.labels",)
    pattern = None

    def recognise(self, head: Head) -> bool:
        """A document that is 'protected' and has a payload; or label.id.csv with a time stamp and named axes."""
        if head.raw[:1] in _CBOR_MAPS and any(key in head.raw[:64] for key in (b"protected", b"payload")):
            return True
        if head.text.lstrip()[:1] == "{":
            return '"payload"' in head.text and ('"interval_ms"' in head.text or '"protected"' in head.text[:200])
        found = look(top(head, 60))
        return (
            found is not None
            and _CSV_NAME.fullmatch(file_name(head.member)) is not None
            and found.header[:1] == ("timestamp",)
            and len(found.header) > 3
            and all(_AXIS.fullmatch(name) for name in found.header[1:])
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Time in ms since the start, axes with the unit that the file states, and activity.

        Raises:
            DataError: Damaged, not this format, or rows of another length; says where.
        """
        begin = member.head(64).lstrip(b"\xef\xbb\xbf \r\n\t")
        if begin[:1] == b"{":
            return _sheet(member, read_json(member, "cut the recording"))
        if begin[:1] in _CBOR_MAPS:
            return _sheet(member, read_cbor(member, "cut the recording"))
        found, encoding = look_at(member)
        names = {column: _shown(column, "") for column in found.header[1:]} | {"timestamp": "time (ms)"}
        sheet = TextSheet(member, found.reading(reading, encoding), rename=names)
        return View(sheet, constants={"activity": _label(member)})


def _sheet(member: Member, document: Any) -> Sheet:
    payload = document.get("payload") if isinstance(document, dict) else None
    if not isinstance(payload, dict):
        raise DataError(f"{member} has no 'payload': it is a stub or truncated; download the sample again")
    sensors, values = payload.get("sensors"), payload.get("values")
    interval = payload.get("interval_ms")
    if not isinstance(sensors, list) or not all(isinstance(s, dict) and "name" in s for s in sensors) or not sensors:
        raise DataError(f"{member}: payload.sensors is no list of names and units: download the sample again")
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < 1e7:
        raise DataError(f"{member}: payload.interval_ms is {interval!r:.40}, expected milliseconds above 0: correct it")
    if not isinstance(values, list) or not values or len(values) > _MOST_ROWS:
        raise DataError(f"{member}: payload.values is no list of samples: download the sample again")
    columns = dict(zip(_distinct(sensors), _columns(member, values, len(sensors)), strict=True))
    time = np.arange(len(values)) * float(interval)
    return ArraySheet(member, {"time (ms)": time, **columns, "activity": _activity(member, len(values))})


def _columns(member: Member, values: list[Any], count: int) -> list[list[Any]]:
    """One list a sensor.

    Raises:
        DataError: A sample of another length; names it.
    """
    rows = [row if isinstance(row, list) else [row] for row in values]
    for number, row in enumerate(rows, 1):
        if len(row) != count:
            raise DataError(
                f"{member}, sample {number}: {len(row)} values, expected {count} (payload.sensors): correct the sample"
            )
        for value in row:
            if not _is_number(value):
                raise DataError(f"{member}, sample {number} holds {_said(value)}, expected a number: correct it")
    return [[row[place] for row in rows] for place in range(count)]


def _is_number(value: Any) -> bool:
    """Whether it is missing, or a number that 64 bits hold."""
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < _MOST_WHOLE)


def _said(value: Any) -> str:
    return "a whole number of more than 64 bits" if isinstance(value, int) else f"{value!r:.40}"


def _distinct(sensors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the columns; one that stands twice, or is the format's own, gets its place."""
    names: list[str] = []
    for place, sensor in enumerate(sensors, 1):
        name = _shown(str(sensor["name"]).strip(), str(sensor.get("units", "")))
        taken = not name or name in (*names, "activity", "time (ms)")
        names.append(f"{name}_{place}" if taken else name)
    return names


def _shown(name: str, unit: str) -> str:
    """'accX' with 'm/s2' as 'acc_x (m/s^2)'."""
    told = _UNITS.get(unit.strip().lower().replace(" ", ""))
    after = f" ({told})" if told else ""
    axis = _AXIS.fullmatch(name)
    if not axis:
        return f"{name}{after}"
    linear = "linear_" if axis["linear"] else ""
    return f"{linear}{_KINDS[axis['what'][0].lower()]}_{axis['axis'].lower()}{after}"


def _activity(member: Member, rows: int) -> list[str]:
    """The label of every sample."""
    intervals = _intervals(member)
    if intervals is None:
        return [_label(member)] * rows
    labels = [""] * rows
    for interval in intervals:
        first, last, label = (interval.get(key) for key in ("startIndex", "endIndex", "label"))
        if not isinstance(first, int) or not isinstance(last, int) or not 0 <= first <= last < max(rows, 1) + 1:
            raise DataError(
                f"{member}: the labels beside it name samples {first!s:.20} to {last!s:.20} of {rows}: correct them"
            )
        labels[first : last + 1] = [str(label or "")] * (min(last, rows - 1) + 1 - first)
    return labels


def _label(member: Member) -> str:
    told = _told(member)
    if isinstance(told, str):
        return told
    return file_name(member).split(".")[0]


def _intervals(member: Member) -> list[Mapping[str, Any]] | None:
    told = _told(member)
    return told if isinstance(told, list) else None


def _told(member: Member) -> str | list[Mapping[str, Any]] | None:
    """What a label file beside it, or one folder up, says of this sample; None if nothing.

    Raises:
        DataError: A label file is no JSON; names the line.
    """
    for name in _LABEL_FILES:
        labels = beside(member, name)
        if labels is None:
            continue
        document = read_json(labels, "cut it")
        found = _of_file(document, file_name(member)) if isinstance(document, dict) else None
        if found is not None:
            return found
    return None


def _of_file(document: Mapping[str, Any], name: str) -> str | list[Mapping[str, Any]] | None:
    structured = document.get("structuredLabels")
    if isinstance(structured, dict) and isinstance(structured.get(name), list):
        return [interval for interval in structured[name] if isinstance(interval, dict)]
    for entry in document.get("files") or ():
        label = entry.get("label") if isinstance(entry, dict) else None
        if not isinstance(label, dict) or PurePosixPath(str(entry.get("path", ""))).name != name:
            continue
        if isinstance(label.get("labels"), list):
            return [interval for interval in label["labels"] if isinstance(interval, dict)]
        if label.get("type") == "label":
            return str(label.get("label", ""))
    return None
