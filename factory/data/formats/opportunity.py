"""OPPORTUNITY: body-worn sensors in a kitchen, 250 values a line, 30 Hz.

Layout: column_names.txt and label_legend.txt of the UCI repository's data set 226 (Roggen et al., 2010).
"""

import re

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import blanks_between, stem, top
from factory.data.formats.view import View, codes
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_LOCOMOTION = {"0": "null", "1": "Stand", "2": "Walk", "4": "Sit", "5": "Lie"}
_GESTURES = {
    "0": "null", "406516": "Open Door 1", "406517": "Open Door 2", "404516": "Close Door 1", "404517": "Close Door 2",
    "406520": "Open Fridge", "404520": "Close Fridge", "406505": "Open Dishwasher", "404505": "Close Dishwasher",
    "406519": "Open Drawer 1", "404519": "Close Drawer 1", "406511": "Open Drawer 2", "404511": "Close Drawer 2",
    "406508": "Open Drawer 3", "404508": "Close Drawer 3", "408512": "Clean Table", "407521": "Drink from Cup",
    "405506": "Toggle Switch",
}  # fmt: skip
_BLUETOOTH = (
    "right_knee_upper", "hip", "left_upper_arm_upper", "right_upper_arm_lower", "left_hand", "back",
    "right_knee_lower", "right_wrist", "right_upper_arm_upper", "left_upper_arm_lower", "left_wrist", "right_hand",
)  # fmt: skip
"""Accelerometers of columns 2 to 37, three each."""
_INERTIAL = ("back_imu", "right_upper_arm_imu", "right_lower_arm_imu", "left_upper_arm_imu", "left_lower_arm_imu")
"""Units of columns 38 to 102, thirteen each; only their acceleration has a unit that the authors state."""
_COLUMNS = 250
_LABELS = {243: "activity", 249: "gesture"}


def _names() -> tuple[str, ...]:
    names = [f"c{number}" for number in range(1, _COLUMNS + 1)]
    names[0] = "time (ms)"
    for place, sensor in enumerate(_BLUETOOTH):
        names[1 + 3 * place : 4 + 3 * place] = [f"{sensor}_acc_{axis} (mg)" for axis in "xyz"]
    for place, sensor in enumerate(_INERTIAL):
        names[37 + 13 * place : 40 + 13 * place] = [f"{sensor}_acc_{axis} (mg)" for axis in "xyz"]
    for place, label in _LABELS.items():
        names[place] = label
    return tuple(names)


_NAMES = _names()
_KEPT = tuple(name for number, name in enumerate(_NAMES, 1) if name != f"c{number}")


class Opportunity:
    """See the module."""

    name = "opportunity"
    title = "OPPORTUNITY Activity Recognition, S1-ADL1.dat to S4-Drill.dat"
    about = "https://archive.ics.uci.edu/dataset/226"
    auxiliary = ("**/column_names.txt", "**/label_legend.txt", "**/*.pdf")
    pattern = None

    def recognise(self, head: Head) -> bool:
        """Lines of 250 numbers, column 244 a code of locomotion."""
        rows = [line.split() for line in top(head, 10) if line.strip()]
        return bool(rows) and all(
            len(row) == _COLUMNS and row[243] in _LOCOMOTION and row[0].isdecimal() for row in rows
        )

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Time, worn accelerometers, modes of locomotion as 'activity' and mid-level gestures as 'gesture'.

        Raises:
            DataError: It cannot be read or is not text.
        """
        read = reading.model_copy(
            update={"format": "csv", "delimiter": blanks_between(member), "header": False, "names": _NAMES}
        )
        subject = re.match(r"(S\d+)-", stem(member), re.IGNORECASE)
        return View(
            TextSheet(member, read),
            keep=_KEPT,
            texts={"activity": ("activity", codes(_LOCOMOTION)), "gesture": ("gesture", codes(_GESTURES))},
            constants={"subject": subject[1].upper() if subject else None},
        )
