"""Units and gravity of each person's and each recording's sensors, judged apart and compared.

All recordings of a data set are taken in one unit, the one it is described in. Where only some people or recordings
are in another, the figures over all of them are those of neither.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, TypeVar, cast

import numpy as np

from factory.contracts.dataset import Recording
from factory.contracts.report import Finding, Place, Severity
from factory.contracts.table import SourceUnit
from factory.contracts.window import Channel, Quantity
from factory.data.names import listed
from factory.data.resample import release
from factory.data.sources.layout import STANDARD_GRAVITY
from factory.data.statistics import Doubles
from factory.data.units import SI_FACTORS, TriadStatistics, triads

_JUDGED_ROWS = 100_000
"""Of each recording."""
_BINS = 100
"""A decade of length, in statistics of one person."""
_MOST_STATISTICS = 2000
"""Sensors of people that are judged apart; each takes 40 kB."""
_MOST_PLACES = 20
_NAMED = 8
_MOVES = 0.3
"""Length of acceleration between its 1st and 99th percentile, in g, of somebody who is not at rest."""
_FAST_ROTATION = 40.0
"""rad/s once in a hundred samples, above which the values are deg/s: sensors end at 34.9 rad/s."""
_SLOW_ROTATION = 15.0
"""deg/s once in a hundred samples, below which somebody who moves is in rad/s; walking reaches 100 deg/s."""
_OTHER_UNIT = 2.0
"""Ratio of a steady length to 1 g, from which it is another unit and no inaccurate sensor."""
_TURNS = 1.0
"""rad/s once in a hundred samples of somebody who walks."""
_STRONG_ROTATION, _VARIES = 0.5, 0.5
"""Length of a gyroscope's one-second means, and of its change relative to them, that no constant error reaches."""
_ACCELERATION = (Quantity.ACCELEROMETER, Quantity.LINEAR_ACCELERATION)
_GRAVITY = {"m/s^2": STANDARD_GRAVITY, "g": 1.0}
_ANOTHER = "another unit"

Key = TypeVar("Key", str, bool)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the values of one sensor of one person or recording surely are.

    Attributes:
        unit: 'm/s^2', 'g', 'rad/s', 'deg/s' or 'another unit'; None where values do not tell.
        gravity: Whether it is in them; None where values do not tell.
        figures: What tells it, in words.
    """

    unit: str | None
    gravity: bool | None
    figures: str = field(compare=False)


@dataclass(kw_only=True, slots=True)
class _Person:
    """Statistics of each sensor of one person, and what single recordings said."""

    statistics: dict[str, TriadStatistics] = field(default_factory=dict)
    sessions: list[str] = field(default_factory=list)
    recordings: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(sensor, unit) to the sessions that are surely in it."""


class PeopleUnits:
    """Takes in recordings, in constant memory; ask it for findings at the end.

    Args:
        channels: Of the recordings, after `columns`.
        declared: Unit that a channel is described in, by name, where recordings were converted from it.
        columns: Columns of the channels in the recordings; None for the first ones, in order.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        declared: Mapping[str, SourceUnit] | None = None,
        columns: Sequence[int] | None = None,
    ) -> None:
        self._channels = tuple(channels)
        self._columns = list(range(len(channels)) if columns is None else columns)
        self._units = {c.name: (declared or {}).get(c.name, cast(SourceUnit, c.unit)) for c in channels}
        self._factors = np.array([SI_FACTORS[self._units[channel.name]] for channel in channels])
        self._triads = {
            name: found
            for name, found in triads(self._channels).items()
            if self._channels[found[0]].quantity is not Quantity.MAGNETOMETER
        }
        self._people: dict[str, _Person] = {}

    def add(self, recording: Recording) -> None:
        """Take in the first 100 000 samples of a recording; those that are not finite are left out."""
        person = self._person(recording.subject)
        if len(person.sessions) < _MOST_PLACES:
            person.sessions.append(recording.session)
        samples = np.asarray(recording.samples[:_JUDGED_ROWS])[:, self._columns]
        samples = samples[np.isfinite(samples).all(axis=1)] / self._factors
        second = _second(recording)
        found = {}
        for name, columns in self._triads.items():
            found[name] = TriadStatistics(_BINS)
            found[name].add(samples[:, list(columns)], second)
        self._note_recording(person, recording.session, found)
        for name, statistics in found.items():
            self._merge_statistics(person, name, statistics)
        release(recording)

    def merge(self, other: Self) -> None:
        """Take in all that `other`, which looked at other recordings, has seen."""
        for subject, theirs in other._people.items():
            person = self._person(subject)
            person.sessions = [*person.sessions, *theirs.sessions][:_MOST_PLACES]
            for key, sessions in theirs.recordings.items():
                person.recordings[key] = [*person.recordings.get(key, []), *sessions][:_MOST_PLACES]
            for name, statistics in theirs.statistics.items():
                self._merge_statistics(person, name, statistics)

    def findings(self) -> tuple[Finding, ...]:
        """Sensors whose unit or gravity differs between people or recordings, or contradicts the description."""
        swapped = list(self._swapped())
        explained = {name for names, _ in swapped for name in names}
        others = (finding for name in self._triads if name not in explained for finding in self._of_sensor(name))
        return (*(finding for _, finding in swapped), *others)

    def explained(self) -> set[str]:
        """Sensors that a finding names; figures over all people say nothing more about them."""
        swapped = {name for names, _ in self._swapped() for name in names}
        return swapped | {finding.where for finding in self.findings()}

    def places(self, subjects: Iterable[str]) -> list[Place]:
        """The first recordings of these people."""
        places = [
            Place(subject=subject, session=session)
            for subject in subjects
            for session in self._people[subject].sessions
        ]
        return places[:_MOST_PLACES]

    def _person(self, subject: str) -> _Person:
        return self._people.setdefault(subject, _Person())

    def _merge_statistics(self, person: _Person, name: str, statistics: TriadStatistics) -> None:
        if name in person.statistics:
            person.statistics[name].merge(statistics)
        elif len(self._people) * len(self._triads) <= _MOST_STATISTICS:
            person.statistics[name] = statistics

    def _note_recording(self, person: _Person, session: str, found: Mapping[str, TriadStatistics]) -> None:
        for name in self._triads:
            verdict = self._verdict(name, found)
            if verdict.unit:
                sessions = person.recordings.setdefault((name, verdict.unit), [])
                if len(sessions) < _MOST_PLACES:
                    sessions.append(session)

    def _quantity(self, name: str) -> Quantity:
        return self._channels[self._triads[name][0]].quantity

    def _declared(self, name: str) -> SourceUnit:
        return self._units[self._channels[self._triads[name][0]].name]

    def _verdict(self, name: str, found: Mapping[str, TriadStatistics]) -> Verdict:
        if name not in found:
            return Verdict(unit=None, gravity=None, figures="")
        if self._quantity(name) in _ACCELERATION:
            return _acceleration(found[name], self._quantity(name))
        return _rotation(found[name], self._moves(name, found))

    def _accelerometers(self, gyroscope: str) -> list[str]:
        """Those at the same place."""
        place = self._channels[self._triads[gyroscope][0]].placement
        first = {name: self._channels[columns[0]] for name, columns in self._triads.items()}
        return [name for name, c in first.items() if c.quantity is Quantity.ACCELEROMETER and c.placement == place]

    def _moves(self, gyroscope: str, found: Mapping[str, TriadStatistics]) -> bool:
        """Whether the accelerometer at the same place shakes, in its own unit; without one, whether much turns."""
        for name in self._accelerometers(gyroscope):
            length = found[name].means.quantile(0.5) if name in found else None
            if length and found[name].steady and found[name].movement > _MOVES * length:
                return True
        strong = found[gyroscope].norms.quantile(0.99)
        return not self._accelerometers(gyroscope) and strong is not None and strong > _TURNS

    def _verdicts(self, name: str) -> dict[str, Verdict]:
        """What each person's sensor surely is; of nobody whose recordings differ among themselves."""
        verdicts = {}
        for subject, person in self._people.items():
            verdict = self._verdict(name, person.statistics)
            if len(_units_of(person, name)) < 2:
                verdicts[subject] = verdict
        known = {subject: v for subject, v in verdicts.items() if v.unit or v.gravity is not None}
        if any(v.gravity for v in known.values()):
            unknown = [subject for subject in verdicts if subject not in known]
            known |= {who: v for who in unknown if (v := self._by_length(name, self._people[who], known))}
        return known

    def _by_length(self, name: str, person: _Person, known: Mapping[str, Verdict]) -> Verdict | None:
        """Of acceleration that is not steady, but far from as long as that of people with gravity."""
        unit = next(v.unit for v in known.values() if v.gravity)
        length = person.statistics[name].norms.quantile(0.5) if name in person.statistics else None
        if length is None or unit not in _GRAVITY:
            return None
        likely = min(_GRAVITY, key=lambda one: abs(np.log(length / _GRAVITY[one])))
        if likely == unit:
            return None
        return Verdict(unit=likely, gravity=None, figures=f"samples of length {length:.3g}")

    def _of_sensor(self, name: str) -> Iterator[Finding]:
        verdicts = self._verdicts(name)
        yield from self._mixed_recordings(name)
        groups = _groups({subject: v.unit for subject, v in verdicts.items() if v.unit})
        gravity = _groups({subject: v.gravity for subject, v in verdicts.items() if v.gravity is not None})
        if len(groups) > 1:
            yield self._mixed_units(name, groups, verdicts)
        elif len(gravity) > 1:
            yield self._mixed_gravity(name, gravity)
        else:
            yield from self._contradiction(name, verdicts)

    def _mixed_units(self, name: str, groups: Mapping[str, list[str]], verdicts: Mapping[str, Verdict]) -> Finding:
        declared = self._declared(name)
        looks = ", ".join(
            f"{_names(people)} {'look' if len(people) > 1 else 'looks'} like {unit} ({verdicts[people[0]].figures})"
            for unit, people in groups.items()
        )
        others = [subject for unit, people in groups.items() if unit != declared for subject in people]
        message = (
            f"people differ in their unit: {looks}; described in {declared} for all: give the unit of "
            f"{_names(others)} in a [[corrections]] entry of the description, or correct their files"
        )
        told = self._quantity(name) in _ACCELERATION or self._accelerometers(name)
        severity = Severity.ERROR if told else Severity.WARNING  # a gyroscope alone at rest in deg/s looks like rad/s
        return Finding(
            severity=severity, code="unit.mixed", where=name, message=message, places=tuple(self.places(others))
        )

    def _mixed_gravity(self, name: str, groups: Mapping[bool, list[str]]) -> Finding:
        declared = self._quantity(name) is Quantity.ACCELEROMETER
        others = groups[not declared]
        message = (
            f"people differ: {_names(groups[True])} with gravity, {_names(groups[False])} without; described "
            f"{'with' if declared else 'without'} for all: leave {_names(others)} out, or record them again"
        )
        return _error("gravity.mixed", name, message, self.places(others))

    def _mixed_recordings(self, name: str) -> Iterator[Finding]:
        """Of one person, who then has no verdict of his own."""
        declared, parts, places = self._declared(name), [], []
        for subject, person in self._people.items():
            if len(units := _units_of(person, name)) < 2:
                continue
            for unit, sessions in units.items():
                if unit != declared:
                    parts.append(f"{unit} in {_names(sessions, 'recording', 'recordings')} of {subject}")
                    places += [Place(subject=subject, session=session) for session in sessions]
        if parts:
            message = (
                f"recordings of one person differ in their unit: {'; '.join(parts[:_NAMED])}; described in "
                f"{declared} for all: give the unit of these recordings in a [[corrections]] entry of the description, "
                "or correct their files"
            )
            yield _error("unit.mixed", name, message, places[:_MOST_PLACES])

    def _contradiction(self, name: str, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
        """All whose values tell agree, and contradict the description."""
        if not verdicts:
            return
        quantity, declared = self._quantity(name), self._declared(name)
        unit = next((v.unit for v in verdicts.values() if v.unit), None)
        gravity = next((v.gravity for v in verdicts.values() if v.gravity is not None), None)
        figures = next(iter(verdicts.values())).figures
        who = "" if len(verdicts) == len(self._people) else f" ({_names(list(verdicts))})"
        places = self.places(verdicts)
        if quantity is Quantity.ACCELEROMETER and gravity is False:
            message = f"is described with gravity, but looks gravity-free{who} ({figures}): correct the description"
            yield _error("gravity.mismatch", name, message, places)
        elif quantity is Quantity.LINEAR_ACCELERATION and gravity:
            message = f"is described as gravity-free, but holds gravity{who} ({figures}): correct the description"
            yield _error("gravity.mismatch", name, message, places)
        elif unit is not None and unit != declared:
            message = f"is described in {declared}, but looks like {unit}{who} ({figures}): correct the description"
            yield _error(f"unit.{quantity}", name, message, places)

    def _swapped(self) -> Iterator[tuple[tuple[str, ...], Finding]]:
        """Gyroscopes that are an accelerometer; with the sensors that the finding explains."""
        for name in self._triads:
            if self._quantity(name) is not Quantity.GYROSCOPE:
                continue
            people = [
                who for who, p in self._people.items() if name in p.statistics and _like_gravity(p.statistics[name])
            ]
            told = sum(name in p.statistics and p.statistics[name].movement > 0 for p in self._people.values())
            if not people or 2 * len(people) < told:
                continue
            length = self._people[people[0]].statistics[name].means.quantile(0.5)
            other = self._like_rotation()
            remedy = (
                f"{other} averages out like rotation: swap the two" if other else "name its columns as what they are"
            )
            message = (
                f"holds steady like gravity, at a length of {length:.3g} ({_names(people)}): its values are an "
                f"accelerometer's or gravity itself: {remedy}"
            )
            names = (name, other) if other else (name,)
            yield names, _error("sensor.swapped", name, message, self.places(people))

    def _like_rotation(self) -> str | None:
        """An accelerometer that holds gravity for nobody."""
        for name in self._triads:
            if self._quantity(name) in _ACCELERATION:
                known = [p.statistics[name] for p in self._people.values() if name in p.statistics]
                if known and not any(statistics.steady for statistics in known):
                    return name
        return None


def _acceleration(statistics: TriadStatistics, quantity: Quantity) -> Verdict:
    guess = statistics.guess(quantity)
    length = statistics.means.quantile(0.5)
    figures = "" if length is None else f"one-second means of length {length:.3g}"
    if not guess.certain or length is None:
        return Verdict(unit=None, gravity=None, figures=figures)
    if not guess.gravity:
        return Verdict(unit=None, gravity=False, figures=f"{figures}, not steady")
    nearest = min(abs(np.log(length / gravity)) for gravity in _GRAVITY.values())
    unit = guess.unit or (_ANOTHER if nearest > np.log(_OTHER_UNIT) else None)
    return Verdict(unit=unit, gravity=True, figures=figures)


def _rotation(statistics: TriadStatistics, moves: bool) -> Verdict:
    strong = statistics.norms.quantile(0.99)
    unit = None
    if strong is not None and strong > _FAST_ROTATION:
        unit = "deg/s"
    elif strong is not None and moves and strong < _SLOW_ROTATION:
        unit = "rad/s"
    figures = "" if strong is None else f"99th percentile of rotation {strong:.3g}"
    return Verdict(unit=unit, gravity=None, figures=figures)


def _like_gravity(statistics: TriadStatistics) -> bool:
    length = statistics.means.quantile(0.5)
    strong = length is not None and length > _STRONG_ROTATION
    return bool(strong and length and statistics.steady and statistics.movement > _VARIES * length)


def _second(recording: Recording) -> int:
    """Samples in a second; of a clock in another unit, about that."""
    intervals: Doubles = np.diff(recording.time_s[:_JUDGED_ROWS])
    positive = intervals[intervals > 0]
    typical = float(np.median(positive)) if positive.size else 0.0
    return round(1 / typical) if 1e-3 <= typical <= 0.5 else 50


def _units_of(person: _Person, name: str) -> dict[str, list[str]]:
    return {unit: sessions for (sensor, unit), sessions in person.recordings.items() if sensor == name}


def _groups(keys: Mapping[str, Key]) -> dict[Key, list[str]]:
    groups: dict[Key, list[str]] = {}
    for subject, key in keys.items():
        groups.setdefault(key, []).append(subject)
    return groups


def _names(names: Sequence[str], one: str = "subject", several: str = "subjects") -> str:
    shown = listed(names, _NAMED)
    return f"{one if len(names) == 1 else several} {shown}"


def _error(code: str, where: str, message: str, places: Iterable[Place]) -> Finding:
    return Finding(severity=Severity.ERROR, code=code, where=where, message=message, places=tuple(places))
