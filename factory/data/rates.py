"""Sampling rates of people and classes, compared: a rate that only one has gives it away.

Resampling brings all to one rate, but not the frequencies that a slower sensor never recorded.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Self

import numpy as np

from factory.contracts.dataset import Ints, Recording
from factory.contracts.report import Finding, Place, Severity
from factory.data.names import listed
from factory.data.statistics import Doubles

_CHUNK = 1 << 16
_OTHER_RATE = 1.1
"""Ratio of rates from which they differ: clocks of one kind of device agree to a few percent."""
_UNIT_RATIOS = (1e3, 1e6, 1e9)
_UNIT_TOLERANCE = 3.0
"""Rates of people differ by no more than this, apart from the unit of their time."""
_MOSTLY = 0.9
"""Share of a class's samples that must differ for its rate to give it away."""
_LEAST = 20
"""Intervals of a class that tell its rate."""
_MOST_KEPT = 4000
_MOST_PLACES = 20
_NAMED = 8

Weighted = list[tuple[float, int]]
Classes = Callable[[Ints], Ints]
"""(T,) labels of a source to (T,) classes, -1 for none."""


class Rates:
    """Median interval of each person, of each class of each person, and of each recording; in constant memory."""

    def __init__(self) -> None:
        self._intervals: defaultdict[tuple[str, int], Weighted] = defaultdict(list)
        self._sessions: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)

    def add(self, recording: Recording, classes_of: Classes | None = None) -> None:
        """Take in one recording; `classes_of` turns its labels into classes, None where only people are compared."""
        chunks: Weighted = []
        for low in range(0, len(recording.time_s), _CHUNK):
            intervals = np.diff(recording.time_s[low : low + _CHUNK + 1])
            if median := _median(intervals):
                chunks.append((median, len(intervals)))
            if classes_of is not None:
                classes = classes_of(np.asarray(recording.labels[low : low + _CHUNK + 1]))
                self._add_classes(recording.subject, intervals, classes)
        if chunks:
            self._intervals[recording.subject, -1] += chunks[:_MOST_KEPT]
            if len(self._sessions[recording.subject]) < _MOST_PLACES:
                self._sessions[recording.subject].append((recording.session, _weighted_median(chunks)))

    def merge(self, other: Self) -> None:
        """Take in all that `other`, which looked at other recordings, has seen."""
        for key, found in other._intervals.items():
            self._intervals[key] += found
        for subject, sessions in other._sessions.items():
            self._sessions[subject] = [*self._sessions[subject], *sessions][:_MOST_PLACES]

    def mixed_units(self) -> Iterator[Finding]:
        """People whose time stamps are in another unit than the others'."""
        people = self._people()
        typical = _typical(people)
        found = {who: ratio for who, interval in people.items() if (ratio := _unit_ratio(interval, typical))}
        if not found:
            return
        named = list(found)
        who = named[0]
        message = (
            f"samples of {_names(named)} come every {people[who]:.3g} s, others' every {typical:.3g} s: "
            f"their time stamps or the others' are in another unit, by a factor of {found[who]:g}: correct them"
        )
        yield Finding(
            severity=Severity.ERROR,
            code="timing.unit_mixed",
            where=_names(named),
            message=message,
            places=self._places(named),
        )

    def findings(self, labels: Sequence[str]) -> Iterator[Finding]:
        """Classes and people that their rate gives away; `labels` name the classes."""
        people = self._people()
        typical = _typical(people)
        yield from self._given_away(labels)
        odd = [
            who
            for who, interval in people.items()
            if _differs(interval, typical) and not _unit_ratio(interval, typical)
        ]
        if odd:
            rates = ", ".join(f"{who} ({1 / people[who]:.4g} Hz)" for who in odd[:_NAMED])
            more = f" and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
            message = (
                f"recorded at another rate than the others' {1 / typical:.4g} Hz: resampling evens the rate out, not "
                "what a slower sensor missed: check their time stamps, and let people of each rate train and test"
            )
            yield Finding(
                severity=Severity.WARNING,
                code="timing.subject_rate",
                where=f"subjects {rates}{more}",
                message=message,
                places=self._places(odd),
            )

    def _add_classes(self, subject: str, intervals: Doubles, classes: Ints) -> None:
        inside = classes[1:] == classes[:-1]
        for label in np.unique(classes[classes >= 0]).tolist():
            own = intervals[inside & (classes[1:] == label)]
            kept = self._intervals[subject, label]
            if len(kept) < _MOST_KEPT and (median := _median(own)):
                kept.append((median, len(own)))

    def _people(self) -> dict[str, float]:
        return {who: _weighted_median(found) for (who, label), found in self._intervals.items() if label < 0 and found}

    def _classes(self) -> dict[str, dict[int, tuple[float, int]]]:
        """Of each person and class: median interval and number of intervals."""
        found: defaultdict[str, dict[int, tuple[float, int]]] = defaultdict(dict)
        for (who, label), medians in self._intervals.items():
            count = sum(number for _, number in medians)
            if label >= 0 and count:
                found[who][label] = (_weighted_median(medians), count)
        return found

    def _given_away(self, labels: Sequence[str]) -> Iterator[Finding]:
        people = self._classes()
        overall = _typical({who: _weighted_median(list(classes.values())) for who, classes in people.items()})
        for label, name in enumerate(labels):
            slower = faster = total = 0
            for classes in people.values():
                if label not in classes:
                    continue
                interval, count = classes[label]
                others = [value for other, value in classes.items() if other != label]
                usual = _weighted_median(others) if others else overall
                total += count
                slower += count * (interval > _OTHER_RATE * usual)
                faster += count * (interval * _OTHER_RATE < usual)
            if total >= _LEAST and max(slower, faster) > _MOSTLY * total:
                yield self._class_finding(label, name, people)

    def _class_finding(self, label: int, name: str, people: Mapping[str, dict[int, tuple[float, int]]]) -> Finding:
        own = _weighted_median([classes[label] for classes in people.values() if label in classes])
        others = [value for classes in people.values() for other, value in classes.items() if other != label]
        message = (
            f"recorded at {1 / own:.4g} Hz, other classes at {1 / _weighted_median(others):.4g} Hz: the rate gives the "
            "class away, which no sensor does in use: record all classes at one rate"
        )
        subjects = [who for who, classes in people.items() if label in classes]
        return Finding(
            severity=Severity.ERROR,
            code="timing.class_rate",
            where=name,
            message=message,
            places=self._places(subjects),
        )

    def _places(self, subjects: Iterable[str]) -> tuple[Place, ...]:
        places = [Place(subject=who, session=session) for who in subjects for session, _ in self._sessions[who]]
        return tuple(places[:_MOST_PLACES])


def _median(intervals: Doubles) -> float:
    """Of the positive ones; 0 without one."""
    positive = intervals[intervals > 0]
    return float(np.median(positive)) if positive.size else 0.0


def _weighted_median(values: Weighted) -> float:
    ordered = sorted(values)
    half = sum(count for _, count in ordered) / 2
    seen = 0
    for value, count in ordered:
        seen += count
        if seen >= half:
            return value
    return 0.0


def _typical(people: Mapping[str, float]) -> float:
    """The median over people, each once; of an even number the one that more are near to."""
    ordered = sorted(people.values())
    if not ordered:
        return 0.0
    middle = {ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]}
    return max(sorted(middle), key=lambda one: sum(not _differs(one, other) for other in ordered))


def _differs(one: float, other: float) -> bool:
    return not 1 / _OTHER_RATE <= one / other <= _OTHER_RATE


def _unit_ratio(interval: float, typical: float) -> float:
    """The factor between units of time, if two intervals differ by about one; else 0."""
    ratio = max(interval / typical, typical / interval)
    return next((unit for unit in _UNIT_RATIOS if unit / _UNIT_TOLERANCE < ratio < unit * _UNIT_TOLERANCE), 0.0)


def _names(names: Sequence[str]) -> str:
    shown = listed(names, _NAMED)
    return f"subject {shown}" if len(names) == 1 else f"subjects {shown}"
