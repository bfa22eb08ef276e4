"""PAMAP2: three Colibri units on hand, chest and ankle, 54 values a line, 100 Hz.

Layout: readme of the UCI repository's data set 231 (Reiss and Stricker, 2012).
"""

import re

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import blanks_between, stem, top
from factory.data.formats.view import View, codes
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet, is_number
from factory.data.intake.text import TextSheet

_ACTIVITIES = {
    "0": "transient", "1": "lying", "2": "sitting", "3": "standing", "4": "walking", "5": "running", "6": "cycling",
    "7": "Nordic walking", "9": "watching TV", "10": "computer work", "11": "car driving", "12": "ascending stairs",
    "13": "descending stairs", "16": "vacuum cleaning", "17": "ironing", "18": "folding laundry",
    "19": "house cleaning", "20": "playing soccer", "24": "rope jumping",
}  # fmt: skip
_PLACES = ("hand", "chest", "ankle")
_UNIT = (
    "{place}_temperature",
    *(f"{{place}}_acc_{axis} (m/s^2)" for axis in "xyz"),
    *(f"{{place}}_6g_acc_{axis} (m/s^2)" for axis in "xyz"),
    *(f"{{place}}_gyro_{axis} (rad/s)" for axis in "xyz"),
    *(f"{{place}}_mag_{axis} (uT)" for axis in "xyz"),
    *(f"{{place}}_orientation_{number}" for number in range(4)),
)
_NAMES = ("time (s)", "activity", "heart_rate", *(name.format(place=place) for place in _PLACES for name in _UNIT))
_KEPT = tuple(name for name in _NAMES if not re.search(r"_6g_|orientation|temperature|heart_rate", name))


class Pamap2:
    """See the module."""

    name = "pamap2"
    title = "PAMAP2 Physical Activity Monitoring, Protocol and Optional"
    about = "https://archive.ics.uci.edu/dataset/231"
    auxiliary = ("**/*.pdf", "**/readme*")
    pattern = None

    def recognise(self, head: Head) -> bool:
        """Lines of 54 numbers, the second one an activity's code."""
        rows = [line.split() for line in top(head, 20) if line.strip()]
        return bool(rows) and all(
            len(row) == len(_NAMES) and row[1].removesuffix(".0") in _ACTIVITIES and is_number(row[0]) for row in rows
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Time, activity, and the 16 g accelerometer, gyroscope and magnetometer of each unit.

        Raises:
            DataError: It cannot be read or is not text.
        """
        read = reading.model_copy(
            update={"format": "csv", "delimiter": blanks_between(member), "header": False, "names": _NAMES}
        )
        subject = re.search(r"subject\s*_?(\d+)", stem(member), re.IGNORECASE)
        return View(
            TextSheet(member, read),
            keep=_KEPT,
            texts={"activity": ("activity", codes(_ACTIVITIES))},
            constants={"subject": subject[1] if subject else None},
        )
