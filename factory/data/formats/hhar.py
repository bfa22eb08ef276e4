"""HHAR: phones and watches of several kinds, all sensors' events in one file a kind of sensor.

Layout: readme of the UCI repository's data set 344 (Stisen et al., 2015). Creation_Time is the sensor's clock,
Arrival_Time when the app saw the event.
"""

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import look, look_at, stem, top
from factory.data.formats.view import View, time_first
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_TOLD = {"index", "arrival_time", "creation_time", "user", "model", "device", "gt"}
_AXES = {**{axis: axis for axis in "xyz"}, **{f"{kind}_{axis}": axis for kind in ("acc", "gyro") for axis in "xyz"}}


class Hhar:
    """See the module."""

    name = "hhar"
    title = "HHAR (heterogeneity), Phones_accelerometer.csv to Watch_gyroscope.csv"
    about = "https://archive.ics.uci.edu/dataset/344"
    auxiliary = ("**/Still exp/**", "**/readme*")
    pattern = None

    def recognise(self, head: Head) -> bool:
        """HHAR's ten column names."""
        found = look(top(head, 60))
        return found is not None and {name.lower() for name in found.header} >= _TOLD and len(_axes(found.header)) == 3

    def open(self, member: Member, reading: Reading) -> Sheet:
        """The sensor's time in ns, its axes, person, model, device and activity; texts stay as they are.

        Raises:
            DataError: It is not text or holds no header.
        """
        found, encoding = look_at(member)
        gyro = "gyro" in stem(member).lower() or any("gyro" in name.lower() for name in found.header)
        sensor = "gyro_{} (rad/s)" if gyro else "acc_{} (m/s^2)"
        plain = {
            "creation_time": "time (ns)",
            "user": "subject",
            "model": "model",
            "device": "device",
            "gt": "activity",
        }
        names = {column: sensor.format(axis) for column, axis in _axes(found.header).items()}
        names |= {column: plain[column.lower()] for column in found.header if column.lower() in plain}
        return View(TextSheet(member, found.reading(reading, encoding), rename=names), keep=time_first(names.values()))


def _axes(header: tuple[str, ...]) -> dict[str, str]:
    return {column: _AXES[column.lower()] for column in header if column.lower() in _AXES}
