"""Unit and gravity of a sensor, judged person by person: one table may mix them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from factory.contracts.table import SourceUnit
from factory.contracts.window import Quantity
from factory.data.statistics import Doubles
from factory.data.units import TriadStatistics

_CAP = 4096
_MOST = 1e12
"""No sensor counts as far; larger values are damage, and their squares no numbers."""
_LEAST_SECONDS = 5
"""One-second means from which a person is judged apart."""
_SCALES: tuple[tuple[float, SourceUnit, float, str], ...] = (
    (1000.0, "g", 1e-3, "mg"),
    (9806.65, "m/s^2", 1e-3, "mm/s^2"),
    (980.665, "m/s^2", 1e-2, "cm/s^2"),
    (16384.0, "g", 1 / 16384, "counts of 1/16384 g"),
    (8192.0, "g", 1 / 8192, "counts of 1/8192 g"),
    (4096.0, "g", 1 / 4096, "counts of 1/4096 g"),
    (2048.0, "g", 1 / 2048, "counts of 1/2048 g"),
    (256.0, "g", 1 / 256, "counts of 1/256 g"),
    (128.0, "g", 1 / 128, "counts of 1/128 g"),
    (64.0, "g", 1 / 64, "counts of 1/64 g"),
    (32.0, "g", 1 / 32, "counts of 1/32 g"),
)
_NEAR = 0.12
_TURNS_DEG = 2.5
"""99th percentile of the rotation over how much acceleration's length varies, in m/s^2: walking is at 0.3 in rad/s and
at 17 in deg/s; this lies between."""
_MOVES = 2.0
"""m/s^2 by which acceleration's length varies of somebody who moves."""


class Lengths:
    """Lengths of a triad's samples and of its one-second means: evenly thinned, so that memory is bounded."""

    def __init__(self) -> None:
        self.norms, self.means = _Thinned(), _Thinned()

    def add(self, samples: Doubles, second: int) -> None:
        """Take in consecutive `samples` (T, 3) of one recording; rows with missing or absurd values are left out."""
        good = samples[(np.abs(samples) < _MOST).all(axis=1)]
        self.norms.add(np.linalg.norm(good, axis=1))
        blocks = len(good) // second
        if blocks:
            means = good[: blocks * second].reshape(blocks, second, 3).mean(axis=1)
            self.means.add(np.linalg.norm(means, axis=1))


class _Thinned:
    """At most `_CAP` of the values of a stream, evenly spread."""

    def __init__(self) -> None:
        self.values = np.empty(0, np.float32)
        self._stride = 1

    def add(self, values: Doubles) -> None:
        self.values = np.concatenate([self.values, values[:: self._stride].astype(np.float32)])
        while len(self.values) > _CAP:
            self.values = self.values[::2]
            self._stride *= 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What values look like.

    Attributes:
        unit: None where they do not tell.
        scale: Factor to `unit`.
        gravity: Of accelerometers; None without a second of signal, and for other sensors.
        certain: Whether another unit is out of the question.
        evidence: The figures, in words.
        strong: 99th percentile of the length, as stored.
        varies: 99th less 1st percentile of the length, as stored.
    """

    unit: SourceUnit | None
    scale: float
    gravity: bool | None
    certain: bool
    evidence: str
    strong: float
    varies: float


def statistics_of(parts: list[Lengths]) -> TriadStatistics:
    """Of several recordings together."""
    statistics = TriadStatistics()
    for part in parts:
        statistics.norms.add(part.norms.values.astype(np.float64))
        statistics.means.add(part.means.values.astype(np.float64))
    return statistics


def judge(parts: list[Lengths], quantity: Quantity) -> Judgement:
    """Unit and gravity of a triad that measures `quantity`, of several recordings together."""
    statistics = statistics_of(parts)
    guess = statistics.guess(quantity)
    strong, weak = statistics.norms.quantile(0.99) or 0.0, statistics.norms.quantile(0.01) or 0.0
    unit, scale, evidence = guess.unit, 1.0, guess.evidence
    if guess.gravity and unit is None:
        middle = statistics.means.quantile(0.5) or 0.0
        for length, known, factor, what in _SCALES:
            if abs(middle / length - 1) < _NEAR:
                unit, scale, evidence = known, factor, f"{evidence.split(': ')[0]}: gravity in {what}"
                break
    return Judgement(
        unit=_unit(unit),
        scale=scale,
        gravity=guess.gravity,
        certain=guess.certain and (unit is not None or not guess.gravity),
        evidence=evidence,
        strong=strong,
        varies=strong - weak,
    )


def steady_as_gravity(parts: list[Lengths]) -> str | None:
    """The figures, if one-second means are as steady and as long as gravity; None if not."""
    guess = statistics_of(parts).guess(Quantity.ACCELEROMETER)
    return guess.evidence if guess.gravity and guess.unit else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Groups:
    """People by what their values look like.

    Attributes:
        main: How most are.
        main_people: Who.
        others: The rest, apart.
    """

    main: Judgement
    main_people: tuple[str, ...]
    others: tuple[tuple[Judgement, tuple[str, ...]], ...]


def compare_acceleration(lengths: Mapping[tuple[str, str], Lengths], quantity: Quantity) -> Groups:
    """People grouped by unit, scale and gravity; who moved too little to tell goes with most."""
    by_person = _by_person(lengths)
    judged = {who: judge(parts, quantity) for who, parts in by_person.items()}
    groups: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for who, one in judged.items():
        enough = sum(len(part.means.values) for part in by_person[who]) >= _LEAST_SECONDS
        if one.certain and enough:
            groups[(one.unit if one.gravity else None, one.scale, one.gravity)].append(who)
    if not groups:
        return Groups(main=judge(list(lengths.values()), quantity), main_people=tuple(by_person), others=())
    order = sorted(groups.values(), key=lambda people: -len(people))
    told = {who for people in order for who in people}
    main = [*order[0], *(who for who in by_person if who not in told)]
    return Groups(
        main=judge([part for who in order[0] for part in by_person[who]], quantity),
        main_people=tuple(main),
        others=tuple(
            (judge([part for who in people for part in by_person[who]], quantity), tuple(people))
            for people in order[1:]
        ),
    )


def compare_rotation(lengths: Mapping[tuple[str, str], Lengths], varies: Mapping[str, float]) -> Groups:
    """People grouped by rad/s and deg/s.

    Args:
        lengths: Person and recording to the gyroscope's.
        varies: Person to how much acceleration's length varies, m/s^2; empty without an accelerometer.
    """
    by_person = _by_person(lengths)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for who, parts in by_person.items():
        one = judge(parts, Quantity.GYROSCOPE)
        moves = varies.get(who, 0.0)
        if moves >= _MOVES and one.strong > 0:
            groups["deg/s" if one.certain or one.strong / moves > _TURNS_DEG else "rad/s"].append(who)
        elif one.certain:
            groups["deg/s"].append(who)
    whole = judge(list(lengths.values()), Quantity.GYROSCOPE)
    if not groups:
        return Groups(main=whole, main_people=tuple(by_person), others=())
    order = sorted(groups.items(), key=lambda item: -len(item[1]))
    told = {who for _, people in order for who in people}
    rest = [who for who in by_person if who not in told]
    found = []
    for unit, people in order:
        one = judge([part for who in people for part in by_person[who]], Quantity.GYROSCOPE)
        found.append((_said(one, unit), tuple(people)))
    return Groups(main=found[0][0], main_people=(*found[0][1], *rest), others=tuple(found[1:]))


def _said(one: Judgement, unit: str) -> Judgement:
    from dataclasses import replace

    return replace(one, unit=_unit(unit), certain=True)


def recordings_apart(lengths: Mapping[tuple[str, str], Lengths], quantity: Quantity) -> list[str]:
    """Recordings that look certainly different from the same person's others."""
    by_person: defaultdict[str, dict[str, tuple[object, ...]]] = defaultdict(dict)
    for (who, recording), part in lengths.items():
        one = judge([part], quantity)
        if one.certain and len(part.means.values) >= _LEAST_SECONDS and (one.gravity or quantity is Quantity.GYROSCOPE):
            by_person[who][recording] = (one.unit, one.scale, one.gravity)
    odd = []
    for who, kinds in by_person.items():
        tally: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        for recording, kind in kinds.items():
            tally[kind].append(recording)
        for recordings in sorted(tally.values(), key=len)[:-1]:
            odd += [f"{who} {recording}" for recording in recordings]
    return odd


def _by_person(lengths: Mapping[tuple[str, str], Lengths]) -> dict[str, list[Lengths]]:
    found: defaultdict[str, list[Lengths]] = defaultdict(list)
    for (who, _), part in lengths.items():
        found[who].append(part)
    return dict(found)


def _unit(text: str | None) -> SourceUnit | None:
    for unit in ("m/s^2", "g", "rad/s", "deg/s", "uT", "1"):
        if text == unit:
            return unit
    return None
