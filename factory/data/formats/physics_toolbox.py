"""Physics Toolbox Sensor Suite: 'time, gFx, gFy, gFz, TgF, ax, ay, az, wx, wy, wz, Bx, By, Bz', or some of them.

Layout: header of the app's files; time in s since the start or the clock's time to the millisecond.
"""

import re
from collections.abc import Iterator

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import Look, look, look_at, top
from factory.data.formats.view import View, time_first
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import Lines, TextSheet

_TRIADS = {"gF": "acc_{} (g)", "a": "linear_acc_{} (m/s^2)", "w": "gyro_{} (rad/s)", "B": "mag_{} (uT)"}
_AXES = {f"{sign}{axis}": name.format(axis) for sign, name in _TRIADS.items() for axis in "xyz"}
_PHONE = frozenset(
    (
        "TgF", "aT", "wT", "B", "BT", "p", "I", "dB", "Azimuth", "Pitch", "Roll", "azimuth", "pitch", "roll",
        "Latitude", "Longitude", "latitude", "longitude", "Speed", "Altitude", "color", "RPM", "lux", "Gain",
    )
)  # fmt: skip
_CLOCK = re.compile(rb'"?(\d{1,2}):(\d{2}):(\d{2})[:.,](\d{1,6})"?')
_STANDARD_GRAVITY = 9.80665
_SAME = 0.02
_DAY_S = 86_400


class PhysicsToolbox:
    """See the module."""

    name = "physics_toolbox"
    title = "Physics Toolbox Sensor Suite (Android, iOS)"
    about = "https://www.vieyrasoftware.net/physics-toolbox-sensor-suite"
    auxiliary = ()
    pattern = None

    def recognise(self, head: Head) -> bool:
        """'time' and the app's short names: of g-force, of linear acceleration with its total, or of rotation."""
        found = look(top(head, 60))
        if found is None or not found.header or _bare(found.header[0]).lower() not in ("time", "t"):
            return False
        names = {_bare(name) for name in found.header}
        return {"gFx", "gFy", "gFz"} <= names or {"ax", "ay", "az", "aT"} <= names or {"wx", "wy", "wz", "Bx"} <= names

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Time in s, axes with their unit, and columns that somebody added.

        Where ax, ay, az are nothing but g-force in m/s^2, they are left out.

        Raises:
            DataError: It is not text or holds no header.
        """
        found, encoding = look_at(member)
        names = {column: _AXES[_bare(column)] for column in found.header if _bare(column) in _AXES}
        names[found.header[0]] = "time (s)"
        if _same_twice(found):
            names = {column: name for column, name in names.items() if not name.startswith("linear")}
        known = {*_AXES, *_PHONE}
        added = [name for name in found.header if name and name not in names and _bare(name) not in known]
        clock = any(_CLOCK.fullmatch(row[0].encode()) for row in found.rows if row)
        plain = found.reading(reading, encoding, header=True)
        ends = not found.header[-1]
        lines = _plain_lines(found, clock, ends) if clock or ends else None
        return View(TextSheet(member, plain, rename=names, lines=lines), keep=time_first((*names.values(), *added)))


def _bare(name: str) -> str:
    return re.sub(r"\s*\([^()]*\)$", "", name)


def _same_twice(found: Look) -> bool:
    """Whether ax is gFx in another unit in every first row."""
    places = [next((i for i, name in enumerate(found.header) if _bare(name) == sign), None) for sign in ("gFx", "ax")]
    pairs = []
    for row in found.rows:
        try:
            force, linear = (float(row[place].replace(",", ".")) for place in places if place is not None)
        except (ValueError, IndexError):
            continue
        pairs.append((force * _STANDARD_GRAVITY, linear))
    return bool(pairs) and all(abs(a - b) <= _SAME * max(1.0, abs(a)) for a, b in pairs)


def _plain_lines(found: Look, clock: bool, ends: bool) -> Lines:
    """Lines without the delimiter at their end, and the clock's time as seconds of the first day."""
    delimiter, point = found.delimiter.encode(), found.decimal.encode()

    def lines(raw: Iterator[bytes]) -> Iterator[bytes]:
        day, last = 0, 0.0
        for line in raw:
            bare = line.rstrip(b"\r\n")
            if ends:
                bare = bare.removesuffix(delimiter)
            stamp, _, rest = bare.partition(delimiter)
            told = _CLOCK.fullmatch(stamp.strip()) if clock else None
            if told:
                hour, minute, second = (int(told[group]) for group in (1, 2, 3))
                seconds = hour * 3600 + minute * 60 + second + float(b"0." + told[4])
                day += _DAY_S if seconds < last - _DAY_S / 2 else 0
                last = seconds
                bare = (b"%.6f" % (day + seconds)).replace(b".", point) + delimiter + rest
            yield bare + b"\n"

    return lines
