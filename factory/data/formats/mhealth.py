"""MHEALTH: Shimmer units on chest, left ankle and right lower arm, 24 values a line, 50 Hz, no time stamps.

Layout: README of the UCI repository's data set 319 (Banos et al., 2014).
"""

import re
from collections.abc import Iterator

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import blanks_between, stem, top
from factory.data.formats.view import View, codes
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import Lines, TextSheet

_RATE_HZ = 50
_ACTIVITIES = {
    "0": "null", "1": "Standing still", "2": "Sitting and relaxing", "3": "Lying down", "4": "Walking",
    "5": "Climbing stairs", "6": "Waist bends forward", "7": "Frontal elevation of arms",
    "8": "Knees bending (crouching)", "9": "Cycling", "10": "Jogging", "11": "Running", "12": "Jump front & back",
}  # fmt: skip
_UNIT = (
    *(f"{{place}}_acc_{axis} (m/s^2)" for axis in "xyz"),
    *(f"{{place}}_gyro_{axis} (deg/s)" for axis in "xyz"),
    *(f"{{place}}_mag_{axis}" for axis in "xyz"),
)
_NAMES = (
    *(f"chest_acc_{axis} (m/s^2)" for axis in "xyz"),
    "ecg_1",
    "ecg_2",
    *(name.format(place=place) for place in ("left_ankle", "right_lower_arm") for name in _UNIT),
    "activity",
)
_KEPT = ("time (s)", *(name for name in _NAMES if not name.startswith("ecg")))


class Mhealth:
    """See the module."""

    name = "mhealth"
    title = "MHEALTH (mobile health), mHealth_subject*.log"
    about = "https://archive.ics.uci.edu/dataset/319"
    auxiliary = ("**/README*",)
    pattern = None

    def recognise(self, head: Head) -> bool:
        """Lines of 24 numbers, the last one a code from 0 to 12."""
        rows = [line.split() for line in top(head, 20) if line.strip()]
        return bool(rows) and all(
            len(row) == len(_NAMES)
            and row[-1].removesuffix(".0") in _ACTIVITIES
            and all(re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", value, re.IGNORECASE) for value in row)
            for row in rows
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Accelerometers, gyroscopes, magnetometers, activity, and time counted at 50 Hz.

        Raises:
            DataError: It cannot be read or is not text.
        """
        sign = blanks_between(member)
        read = reading.model_copy(
            update={"format": "csv", "delimiter": sign, "header": False, "names": ("time (s)", *_NAMES)}
        )
        subject = re.search(r"subject\s*_?(\d+)", stem(member), re.IGNORECASE)
        return View(
            TextSheet(member, read, lines=_timed("\t" if sign == "\t" else " ")),
            keep=_KEPT,
            texts={"activity": ("activity", codes(_ACTIVITIES))},
            constants={"subject": subject[1] if subject else None},
        )


def _timed(sign: str) -> Lines:
    form = b"%.2f" + sign.encode()

    def lines(raw: Iterator[bytes]) -> Iterator[bytes]:
        row = 0
        for line in raw:
            if line.strip():
                yield form % (row / _RATE_HZ) + line
                row += 1

    return lines
