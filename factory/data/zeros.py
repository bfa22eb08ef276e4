"""Stretches of samples that are zero in all channels of a sensor: packets that were lost and stored as zeros.

Gravity never ends, so an accelerometer that holds it is never zero. Other sensors may be, at rest: there, zeros count
only where they break off movement, or where such an accelerometer is zero, too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from factory.contracts.dataset import Floats
from factory.contracts.report import Finding, Place, Severity
from factory.contracts.window import Channel, Quantity
from factory.data.places import stretches
from factory.data.statistics import Doubles

_WARNED, _WRONG = 0.005, 0.1
"""Share of one person's samples: at half a percent every second window of 128 may hold one; at a tenth every window
loses as much as a sensor that fails."""
_LEAST_ROWS = 10
_BREAKS_OFF: Mapping[Quantity, float] = {
    Quantity.ACCELEROMETER: 0.0,
    Quantity.LINEAR_ACCELERATION: 0.5,
    Quantity.GYROSCOPE: 0.2,
    Quantity.MAGNETOMETER: 0.0,
    Quantity.OTHER: 0.0,
}
"""Length of the sample before or after a stretch, SI units, above which it breaks off movement."""
_MOST_PLACES = 20
_NAMED = 5


@dataclass(kw_only=True, slots=True)
class _Lost:
    """Of one person's sensor: samples seen, samples lost, stretches of them, and where the first are."""

    samples: int = 0
    rows: int = 0
    stretches: int = 0
    places: list[Place] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.rows / max(self.samples, 1)


class Zeros:
    """Takes in recordings chunk by chunk; `triads` are the columns of each sensor."""

    def __init__(self, channels: Sequence[Channel], triads: Mapping[str, Sequence[int]]) -> None:
        self._triads = {name: list(columns) for name, columns in triads.items()}
        self._least = {name: _BREAKS_OFF[channels[columns[0]].quantity] for name, columns in triads.items()}
        gravity = [columns for columns in self._triads.values() if channels[columns[0]].gravity]
        self._gravity = gravity[0] if gravity else None
        self._lost: defaultdict[str, dict[str, _Lost]] = defaultdict(dict)

    def add(self, subject: str, session: str, time_s: Doubles, samples: Floats) -> None:
        """Take in consecutive samples (T, C) of a recording; a stretch ends where they end."""
        never = None if self._gravity is None else (samples[:, self._gravity] == 0).all(axis=1)
        for name, columns in self._triads.items():
            lost = self._lost[name].setdefault(subject, _Lost())
            lost.samples += len(samples)
            values = samples[:, columns]
            zero = (values == 0).all(axis=1)
            if not zero.any():
                continue
            length = np.linalg.norm(values, axis=1)
            for first, last in stretches(zero):
                beside = max(length[first - 1] if first else 0.0, length[last] if last < len(length) else 0.0)
                if beside > self._least[name] or (never is not None and never[first:last].any()):
                    lost.rows += last - first
                    lost.stretches += 1
                    if len(lost.places) < _MOST_PLACES:
                        start_s, end_s = float(time_s[first]), float(time_s[last - 1])
                        lost.places.append(Place(subject=subject, session=session, start_s=start_s, end_s=end_s))

    def merge(self, other: Self) -> None:
        """Take in all that `other`, which looked at other recordings, has seen."""
        for name, people in other._lost.items():
            for subject, theirs in people.items():
                mine = self._lost[name].setdefault(subject, _Lost())
                mine.samples += theirs.samples
                mine.rows += theirs.rows
                mine.stretches += theirs.stretches
                mine.places = [*mine.places, *theirs.places][:_MOST_PLACES]

    def findings(self) -> Iterator[Finding]:
        """One for all sensors that lost the same samples, naming those who lost most."""
        alike: defaultdict[tuple[tuple[str, int, int], ...], list[str]] = defaultdict(list)
        for name, people in self._lost.items():
            alike[tuple((who, one.rows, one.stretches) for who, one in people.items())].append(name)
        for names in alike.values():
            people = self._lost[names[0]]
            concerned = {who: one for who, one in people.items() if one.share >= _WARNED and one.rows >= _LEAST_ROWS}
            if concerned:
                yield _finding("data" if len(names) == len(self._triads) else ", ".join(names), concerned)


def _finding(where: str, people: Mapping[str, _Lost]) -> Finding:
    worst = sorted(people, key=lambda who: -people[who].share)
    named = ", ".join(f"{who} ({people[who].share:.1%})" for who in worst[:_NAMED])
    more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
    rows, runs = (sum(getattr(one, key) for one in people.values()) for key in ("rows", "stretches"))
    return Finding(
        severity=Severity.ERROR if people[worst[0]].share >= _WRONG else Severity.WARNING,
        code="signal.zeros",
        where=where,
        message=(
            f"{rows} samples in {runs} stretches are all zero, as lost packets are stored: of subjects "
            f"{named}{more}: remove those rows, a gap is handled by data.max_gap_s"
        ),
        places=tuple([place for who in worst for place in people[who].places][:_MOST_PLACES]),
    )
