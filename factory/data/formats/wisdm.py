"""WISDM: phone and watch recordings at 20 Hz, one record each ended by a semicolon, with faulty lines.

Layouts: readme of WISDM_ar_v1.1 (Kwapisz et al., 2010; m/s^2 'where 10 is 1 g'), and of the UCI repository's data set
507 (Weiss, 2019), which has a letter for each activity and one file a person, device and sensor.
"""

import re
from collections.abc import Iterator

from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import stem, top
from factory.data.formats.view import View, codes
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_LETTERS = {
    "A": "walking", "B": "jogging", "C": "stairs", "D": "sitting", "E": "standing", "F": "typing",
    "G": "brushing teeth", "H": "eating soup", "I": "eating chips", "J": "eating pasta", "K": "drinking from cup",
    "L": "eating sandwich", "M": "kicking (soccer ball)", "O": "playing catch with tennis ball",
    "P": "dribbling (basketball)", "Q": "writing", "R": "clapping", "S": "folding clothes",
}  # fmt: skip
_RECORD = re.compile(r"\d{1,5},[A-Za-z]+,\d{1,19},[^,;]*,[^,;]*,[^,;]*,?;?")
_HEADER = re.compile(rb"user,activity,timestamp?s?,", re.IGNORECASE)
_VALUES = 6
_ENOUGH = 0.5


class Wisdm:
    """See the module."""

    name = "wisdm"
    title = "WISDM Activity Prediction (v1.1 raw) and WISDM smartphone and smartwatch (2019 raw)"
    about = "https://www.cis.fordham.edu/wisdm/dataset.php"
    auxiliary = ("**/readme*", "**/*about*", "**/activity_key.txt", "**/*.arff", "**/arff_files/**")
    pattern = None

    def recognise(self, head: Head) -> bool:
        """Records of person, activity, time and three values, ended by semicolons or below WISDM's column names."""
        lines = [line.strip() for line in top(head, 60) if line.strip()]
        if not lines:
            return False
        named = _is_header(lines[0].encode())
        records = [_RECORD.fullmatch(line) for line in lines[named:]]
        ended = sum(line.endswith(";") for line in lines)
        known = named and "x-axis" in lines[0].lower()
        return sum(map(bool, records)) > _ENOUGH * len(lines) and (known or ended > _ENOUGH * len(lines))

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Person, activity, time and one sensor; a time stamp of 0 is a missing one, and no record is left out.

        Raises:
            DataError: Never here; rows are read later.
        """
        words = set(re.findall(r"[a-z]+", stem(member).lower()))
        sensor = "gyro_{} (rad/s)" if words & {"gyro", "gyroscope"} else "acc_{} (m/s^2)"
        names = ("subject", "activity", "time (ns)", *(sensor.format(axis) for axis in "xyz"))
        read = reading.model_copy(update={"format": "csv", "header": False, "names": names})
        device = next((word for word in ("phone", "watch") if word in words), None)
        return View(
            TextSheet(member, read, lines=_records),
            texts={"activity": ("activity", codes(_LETTERS))},
            constants={"device": device},
        )


def _records(lines: Iterator[bytes]) -> Iterator[bytes]:
    """One record a line, without what ends it; one that lacks values keeps its commas, so that they are missing."""
    for number, line in enumerate(lines):
        if number == 0 and _is_header(line):
            continue
        for record in line.strip().split(b";"):
            if bare := record.strip(b", \t"):
                yield _record(bare)


def _record(record: bytes) -> bytes:
    values = [value.strip() for value in record.split(b",")]
    if len(values) > 2 and values[2] in (b"0", b"0.0"):
        values[2] = b""
    return b",".join(values + [b""] * (_VALUES - len(values))) + b"\n"


def _is_header(line: bytes) -> bool:
    return _HEADER.match(line.strip().lstrip(b"\xef\xbb\xbf").replace(b" ", b"")) is not None
