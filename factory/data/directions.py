"""Which way gravity points for each person in each class, compared: who wore the device another way round.

Whoever does the same wears a sensor much the same way, so that gravity lies along one line of its axes. A person whose
gravity points elsewhere wore it turned, or on the other hand, or has axes that are counted otherwise: iOS and Android
differ in every sign. Where people carry a device as they please, no line is common, and nothing is said.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from factory.contracts.dataset import Floats, Ints
from factory.contracts.report import Finding, Place, Severity
from factory.contracts.window import Channel
from factory.data.names import listed
from factory.data.statistics import Doubles

_STEADY = 0.5
"""Length of the mean acceleration, relative to the mean of its length, from which it has a direction."""
_LEAST_PEOPLE, _LEAST_CLASSES, _LEAST_ROWS = 3, 2, 100
_ALIKE = 0.8
"""Median of people's cosines to the common line from which there is one; worn alike, it is above 0.9."""
_ELSEWHERE = 0.3
"""Median cosine over classes below which somebody's gravity points elsewhere; worn alike, it is above 0.8."""
_OPPOSITE, _MOST_ALIKE = -0.3, 0.9
"""In one class alone somebody lies turned: from this cosine, and where so many of the others agree in it."""
_SAME_WAY = 0.6
_MOST_PLACES = 20
_NAMED = 5
_AXES = "xyz"


@dataclass(kw_only=True, slots=True)
class _Sum:
    """Of one person in one class: sum of samples (3), of their lengths, their number, and the first recordings."""

    vector: Doubles = field(default_factory=lambda: np.zeros(3))
    length: float = 0.0
    rows: int = 0
    sessions: list[str] = field(default_factory=list)

    def direction(self) -> Doubles | None:
        """Unit vector; None where there is none."""
        length = float(np.linalg.norm(self.vector))
        if self.rows < _LEAST_ROWS or length < _STEADY * self.length:
            return None
        return self.vector / length


@dataclass(frozen=True, kw_only=True, slots=True)
class _Class:
    """Of one class: which way gravity points for each person, the line that it lies along for most, and the cosines."""

    directions: dict[str, Doubles]
    line: Doubles
    cosines: dict[str, float]


class Directions:
    """Takes in recordings chunk by chunk; `triads` are the columns of each sensor."""

    def __init__(self, channels: Sequence[Channel], triads: Mapping[str, Sequence[int]]) -> None:
        self._triads = {name: list(columns) for name, columns in triads.items() if channels[columns[0]].gravity}
        self._sums: defaultdict[str, dict[tuple[str, int], _Sum]] = defaultdict(dict)

    def add(self, subject: str, session: str, samples: Floats, classes: Ints) -> None:
        """Take in consecutive samples (T, C) of a recording and the class (T,) of each, -1 for none."""
        for name, columns in self._triads.items():
            values = samples[:, columns].astype(np.float64)
            used = (classes >= 0) & np.isfinite(values).all(axis=1)
            for label in np.unique(classes[used]).tolist():
                own = values[used & (classes == label)]
                found = self._sums[name].setdefault((subject, label), _Sum())
                found.vector += own.sum(axis=0)
                found.length += float(np.linalg.norm(own, axis=1).sum())
                found.rows += len(own)
                if session not in found.sessions[-1:] and len(found.sessions) < _MOST_PLACES:
                    found.sessions.append(session)

    def merge(self, other: Self) -> None:
        """Take in all that `other`, which looked at other recordings, has seen."""
        for name, sums in other._sums.items():
            for key, theirs in sums.items():
                mine = self._sums[name].setdefault(key, _Sum())
                mine.vector += theirs.vector
                mine.length += theirs.length
                mine.rows += theirs.rows
                mine.sessions = [*mine.sessions, *theirs.sessions][:_MOST_PLACES]

    def findings(self, labels: Sequence[str]) -> Iterator[Finding]:
        """People whose gravity points elsewhere, in most that they do or in one class; `labels` name the classes."""
        for name, sums in self._sums.items():
            classes = _classes(sums)
            people = _elsewhere(classes)
            if people:
                yield self._of_people(name, classes, people)
            if turned := _turned(classes, people):
                yield self._of_classes(name, turned, labels)

    def _of_people(self, name: str, classes: Mapping[int, _Class], people: Mapping[str, float]) -> Finding:
        first = next(iter(people))
        shown = next(found for found in classes.values() if first in found.cosines)
        message = (
            f"gravity points elsewhere for {listed(list(people), _NAMED)} than for the others who do the same (for "
            f"{first} along {_axis(shown.directions[first])}, theirs along {_axis(shown.line)}, cosine "
            f"{people[first]:.2f}): the device was worn another way round or on the other side, or axes are counted "
            "otherwise, as iOS and Android differ in every sign: put signs right by scale in a [[corrections]] entry "
            "of the description, or train for both by train.augment.turns"
        )
        keys = [(who, label) for who in people for label in classes if who in classes[label].cosines]
        return self._finding(name, message, keys)

    def _of_classes(self, name: str, turned: Sequence[tuple[str, int]], labels: Sequence[str]) -> Finding:
        named = listed([f"{who} ({labels[label]})" for who, label in turned], _NAMED)
        message = (
            f"gravity points the opposite way in single classes, otherwise than in the same person's others: {named}: "
            "the device was put on upside down: look at these recordings, and correct or leave them out"
        )
        return self._finding(name, message, turned)

    def _finding(self, name: str, message: str, keys: Sequence[tuple[str, int]]) -> Finding:
        places = {(who, session): None for who, label in keys for session in self._sums[name][who, label].sessions}
        return Finding(
            severity=Severity.WARNING,
            code="gravity.direction",
            where=name,
            message=message,
            places=tuple(Place(subject=who, session=session) for who, session in list(places)[:_MOST_PLACES]),
        )


def _classes(sums: Mapping[tuple[str, int], _Sum]) -> dict[int, _Class]:
    """Classes in which people's gravity lies along one line, whichever way it points."""
    directions: defaultdict[int, dict[str, Doubles]] = defaultdict(dict)
    for (who, label), found in sums.items():
        if (direction := found.direction()) is not None:
            directions[label][who] = direction
    classes = {}
    for label, people in directions.items():
        if len(people) < _LEAST_PEOPLE:
            continue
        stacked = np.stack(list(people.values()))
        line: Doubles = np.linalg.eigh(stacked.T @ stacked)[1][:, -1]
        cosines = stacked @ line
        if np.median(np.abs(cosines)) >= _ALIKE:
            sign = 1.0 if (np.sign(cosines).sum() or cosines[0]) > 0 else -1.0
            signed = dict(zip(people, (sign * cosines).tolist(), strict=True))
            classes[label] = _Class(directions=people, line=sign * line, cosines=signed)
    return classes


def _elsewhere(classes: Mapping[int, _Class]) -> dict[str, float]:
    """Median cosine of those whose gravity points elsewhere in most that they do."""
    cosines: defaultdict[str, list[float]] = defaultdict(list)
    for found in classes.values():
        for who, cosine in found.cosines.items():
            cosines[who].append(cosine)
    medians = {who: float(np.median(values)) for who, values in cosines.items()}
    return {who: median for who, median in medians.items() if median < _ELSEWHERE}


def _turned(classes: Mapping[int, _Class], people: Collection[str]) -> list[tuple[str, int]]:
    """Those few who are opposite in a class in which the others agree, `people` apart.

    Postures differ: it counts where gravity lies along the same line in other classes, and there with the others'.
    """
    turned: list[tuple[str, int]] = []
    for label, found in classes.items():
        cosines = {who: cosine for who, cosine in found.cosines.items() if who not in people}
        opposite = [who for who, cosine in cosines.items() if cosine < _OPPOSITE]
        alike = sum(cosine > _SAME_WAY for cosine in cosines.values())
        few = len(opposite) <= max(1, (1 - _MOST_ALIKE) * len(cosines))
        if few and alike >= _MOST_ALIKE * (len(cosines) - len(opposite)):
            same_line = [other.cosines for other in classes.values() if found.line @ other.line > _ALIKE]
            turned += [(who, label) for who in opposite if _often_alike(who, same_line)]
    return turned


def _often_alike(who: str, classes: Iterable[Mapping[str, float]]) -> bool:
    return sum(cosines.get(who, 0.0) > _SAME_WAY for cosines in classes) >= _LEAST_CLASSES


def _axis(direction: Doubles) -> str:
    """The axis that a direction is nearest to, as '+y'."""
    axis = int(np.abs(direction).argmax())
    return f"{'-' if direction[axis] < 0 else '+'}{_AXES[axis]}"
