"""Empatica E4: ACC.csv holds the start time and the rate, each three times, then 1/64 g a line.

Layout: info.txt of every archive that the E4 website gives out.
"""

import re
from collections.abc import Iterator
from itertools import islice

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.formats.look import cut, head_of, top
from factory.data.intake.members import Member
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet

_NAMES = ("time (s)", *(f"acc_{axis} (1/64 g)" for axis in "xyz"))
_EARLIEST, _LATEST = 1e9, 4e9
_FASTEST_HZ = 256


class Empatica:
    """See the module."""

    name = "empatica"
    title = "Empatica E4, ACC.csv"
    about = "https://support.empatica.com/hc/en-us/articles/201608896"
    auxiliary = tuple(
        f"**/{name}" for name in ("BVP.csv", "EDA.csv", "HR.csv", "IBI.csv", "TEMP.csv", "tags.csv", "info.txt")
    )
    pattern = None

    def recognise(self, head: Head) -> bool:
        """Three times a start in seconds since 1970, three times a rate, then three whole numbers."""
        lines = top(head, 8)
        try:
            _start_and_rate(lines)
        except ValueError:
            return False
        return all(re.fullmatch(r"\s*-?\d+\s*(,\s*-?\d+\s*){2}", line) for line in lines[2:])

    def open(self, member: Member, reading: Reading) -> Sheet:
        """Time in seconds since 1970, counted from the start at the rate, and acceleration in 1/64 g.

        Raises:
            DataError: The first two lines hold no start and rate.
        """
        head, encoding = head_of(member)
        try:
            start, rate = _start_and_rate(head.lines)
        except ValueError as error:
            raise DataError(
                f"{member}, lines 1 and 2: {error}, expected the start time and the rate of an E4's ACC.csv: "
                "download it again"
            ) from error

        def timed(lines: Iterator[bytes]) -> Iterator[bytes]:
            row = 0
            for line in islice(lines, 2, None):
                if line.strip():
                    yield b"%.6f," % (start + row / rate) + line
                    row += 1

        read = reading.model_copy(update={"format": "csv", "encoding": encoding, "header": False, "names": _NAMES})
        return TextSheet(member, read, lines=timed)


def _start_and_rate(lines: list[str]) -> tuple[float, float]:
    """From the first two lines.

    Raises:
        ValueError: They hold something else; says what.
    """
    found = []
    for line, least, most in zip(lines[:2], (_EARLIEST, 0.1), (_LATEST, _FASTEST_HZ), strict=False):
        values = cut(line, ",")
        if len(values) != 3 or len(set(values)) != 1 or not re.fullmatch(r"\d+(\.\d+)?", values[0]):
            raise ValueError(f"'{line.strip():.60}'")
        if not least <= float(values[0]) <= most:
            raise ValueError(f"{values[0]} is out of range")
        found.append(float(values[0]))
    if len(found) < 2:
        raise ValueError("the file ends")
    return found[0], found[1]
