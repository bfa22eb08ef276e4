"""Which labelled stretches look unlike the others of their label: where to look for a wrong label first.

A stretch is cut to pieces of about ten seconds. Each is described by means, deviations and steps of every sensor, and
compared with the median of its own label and of every other label, in robust deviations; its own stretch is left out
of the comparison. A person moves in a way of their own, so a piece may be like its label in general or like the same
person's other stretches of it. A piece that is far from its own label, and nearer to another, is listed.

Shape legend: N pieces, K labels, F measures, C channels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints
from factory.contracts.overview import Suspect
from factory.contracts.window import Channel
from factory.data.thin import Read, chunks
from factory.data.units import triads

Doubles = NDArray[np.float64]
PIECE_S, SHORTEST_S = 10.0, 1.0
_LEAST = 1e-3
"""Deviations below are taken for that: they are a sensor's noise, in any SI unit."""
_LEAST_SCALE = 0.05
"""A twentieth of a decade, or of an SI unit: a smaller difference is none."""
_RUN_SAMPLE, _LABEL_SAMPLE = 20, 2000
"""Pieces of a stretch, and of a label, that its median is taken from."""
_FEW_RUNS = 64
"""Of a label with more stretches, one alone does not move the median."""
_PRIOR = 4.0
"""Pieces of the typical label that a label's own scatter is mixed with."""
_OWN_PIECES = 2
"""Pieces of the same person and label, at least, that make a median of their own."""
_FURTHEST = 6.0
"""Deviations at which a single measure stops to count."""
_STRANGE, _NEARER = 2.0, 0.5
"""Listed from this distance to the own label, or when another label is that much nearer."""
_MOST = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One column: what it is, its unit, and whether it is compared by its logarithm."""

    name: str
    unit: str
    log: bool


@dataclass(kw_only=True, slots=True)
class _Table:
    """Pieces so far, a list of arrays a column."""

    recording: list[Ints] = field(default_factory=list)
    run: list[Ints] = field(default_factory=list)
    label: list[Ints] = field(default_factory=list)
    person: list[Ints] = field(default_factory=list)
    begin_s: list[Doubles] = field(default_factory=list)
    end_s: list[Doubles] = field(default_factory=list)
    values: list[Doubles] = field(default_factory=list)


class Pieces:
    """Takes in labelled stretches, recording by recording; memory is some hundred bytes for ten seconds."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._triads = triads(channels)
        self._lone = [
            column for column in range(len(channels)) if not any(column in columns for columns in self._triads.values())
        ]
        self.measures = tuple(self._named(channels))
        self._table = _Table()
        self._people: dict[str, int] = {}
        self._runs = 0

    def add(self, recording: int, subject: str, time_s: Doubles, read: Read, edges: Ints, labels: Ints) -> None:
        """Measure one recording.

        Args:
            recording: Its index, by which `suspects` names it; -1 if it is only compared with.
            subject: Who.
            time_s: (T,) seconds.
            read: Gives its samples, SI units.
            edges: (R,) first sample of each run; a run ends where the next one begins.
            labels: (R,) index of each run's label; below 0 is not measured.
        """
        total = len(time_s)
        if total < 2 or not len(edges):
            return
        interval = max(float(time_s[-1] - time_s[0]) / (total - 1), 1e-9)
        lengths = np.diff(np.append(edges, total))
        parts = np.maximum(1, np.rint(lengths * interval / PIECE_S)).astype(np.int64)
        run = np.repeat(np.arange(len(edges)), parts)
        part = np.arange(len(run)) - np.repeat(np.cumsum(parts) - parts, parts)
        starts = edges[run] + part * lengths[run] // parts[run]
        ends = np.append(starts[1:], total)
        values = np.concatenate(list(self._measured(total, read, starts)))
        used = (labels[run] >= 0) & (lengths[run] * interval >= SHORTEST_S) & np.isfinite(values).all(axis=1)
        person = self._people.setdefault(subject, len(self._people))
        table, count = self._table, int(used.sum())
        table.recording.append(np.full(count, recording))
        table.run.append(self._runs + run[used])
        table.label.append(labels[run[used]])
        table.person.append(np.full(count, person))
        table.begin_s.append(np.asarray(time_s[starts[used]]))
        table.end_s.append(np.asarray(time_s[ends[used] - 1]) + interval)
        table.values.append(values[used])
        self._runs += len(edges)

    def suspects(self) -> tuple[Suspect, ...]:
        """The strangest parts, strangest first; neighbouring pieces of a stretch are one part."""
        table = self._table
        if not sum(map(len, table.label)):
            return ()
        found = _Judgement(
            recording=np.concatenate(table.recording),
            run=np.concatenate(table.run),
            label=np.concatenate(table.label),
            person=np.concatenate(table.person),
            begin_s=np.concatenate(table.begin_s),
            end_s=np.concatenate(table.end_s),
            values=np.concatenate(table.values),
            measures=self.measures,
        )
        return found.suspects()

    def _named(self, channels: Sequence[Channel]) -> Iterator[Measure]:
        for name, columns in self._triads.items():
            unit = channels[columns[0]].unit
            yield from (Measure(name=f"{channels[c].name}, mean", unit=unit, log=False) for c in columns)
            yield from (Measure(name=f"{channels[c].name}, standard deviation", unit=unit, log=True) for c in columns)
            for what in ("mean", "standard deviation", "change from sample to sample"):
                yield Measure(name=f"{name} magnitude, {what}", unit=unit, log=True)
        for column in self._lone:
            yield Measure(name=f"{channels[column].name}, mean", unit=channels[column].unit, log=False)
            yield Measure(name=f"{channels[column].name}, standard deviation", unit=channels[column].unit, log=True)

    def _measured(self, total: int, read: Read, starts: Ints) -> Iterator[Doubles]:
        for low, high in chunks(starts, total):
            begin, end = int(starts[low]), int(starts[high]) if high < len(starts) else total
            yield self._measure(read(begin, end).astype(np.float64), starts[low:high] - begin)

    def _measure(self, samples: Doubles, starts: Ints) -> Doubles:
        count = np.diff(np.append(starts, len(samples)))[:, None]
        columns: list[Doubles] = []
        for triad in self._triads.values():
            axes = samples[:, list(triad)]
            length = np.sqrt((axes**2).sum(axis=1, keepdims=True))
            step = np.diff(length, axis=0, prepend=length[:1])
            step[starts] = 0
            columns += [*_moments(axes, starts, count), *_moments(length, starts, count)]
            columns.append(np.sqrt(np.add.reduceat(step**2, starts, axis=0) / count))
        for column in self._lone:
            columns += _moments(samples[:, [column]], starts, count)
        return np.concatenate(columns, axis=1)


def _moments(values: Doubles, starts: Ints, count: Ints) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation of each bucket; each (B, columns)."""
    offset = values[0]
    centred = values - offset
    mean = np.add.reduceat(centred, starts, axis=0) / count
    square = np.add.reduceat(centred**2, starts, axis=0) / count
    return mean + offset, np.sqrt(np.maximum(square - mean**2, 0))


@dataclass(frozen=True, kw_only=True)
class _Judgement:
    """All pieces, one row each."""

    recording: Ints
    run: Ints
    label: Ints
    person: Ints
    begin_s: Doubles
    end_s: Doubles
    values: Doubles
    measures: tuple[Measure, ...]

    def suspects(self) -> tuple[Suspect, ...]:
        labels = np.unique(self.label)
        scaled = self._scaled()
        centres, scales = self._references(scaled, labels)
        distance = np.stack([_far(scaled, centres[k], scales[k]) for k in range(len(labels))], axis=1)
        for person in np.unique(self.person):
            self._by_person(scaled, labels, scales, distance, int(person))
        place = np.searchsorted(labels, self.label)
        own, typical = self._own(scaled, labels, centres, scales)
        rows = np.arange(len(place))
        distance[rows, place] = np.inf
        other = distance.argmin(axis=1)
        nearest = distance[rows, other]
        judged = np.isfinite(own)
        score = np.where(judged, own - np.minimum(nearest, own) + np.where(own > _STRANGE, own, 0) / 4, 0)
        listed = judged & (self.recording >= 0)
        listed &= (own > _STRANGE) | ((own - nearest > _NEARER) & (own > _STRANGE / 2))
        verdict = _Verdict(
            own=own,
            score=score,
            like=np.where(nearest < own, labels[other], -1),
            typical=typical,
            deviation=np.abs(scaled - typical) / scales[place],
        )
        return self._joined(listed, verdict)

    def _scaled(self) -> Doubles:
        log = np.array([measure.log for measure in self.measures])
        return np.where(log, np.log10(np.maximum(self.values, _LEAST)), self.values)

    def _references(self, scaled: Doubles, labels: Ints) -> tuple[Doubles, Doubles]:
        """Centre and scale (K, F) of each label."""
        groups = [scaled[self._sample(np.flatnonzero(self.label == label))] for label in labels]
        centres = np.stack([np.median(group, axis=0) for group in groups])
        spread = np.stack(
            [1.4826 * np.median(np.abs(group - centre), axis=0) for group, centre in zip(groups, centres, strict=True)]
        )
        typical = np.sqrt((spread**2).mean(axis=0)) + _LEAST_SCALE
        count = np.array([[len(group)] for group in groups])
        scales = np.sqrt((count * spread**2 + _PRIOR * typical**2) / (count + _PRIOR))
        return centres, np.maximum(scales, typical / 4)

    def _sample(self, rows: Ints) -> Ints:
        """At most so many of each run and in all, evenly, so that a long stretch does not outvote the others."""
        if len(rows) <= _RUN_SAMPLE:
            return rows
        _, begin, count = np.unique(self.run[rows], return_index=True, return_counts=True)
        place = np.arange(len(rows)) - np.repeat(begin, count)
        kept = rows[place % np.maximum(1, -(-np.repeat(count, count) // _RUN_SAMPLE)) == 0]
        sample: Ints = kept[:: max(1, -(-len(kept) // _LABEL_SAMPLE))]
        return sample

    def _by_person(self, scaled: Doubles, labels: Ints, scales: Doubles, distance: Doubles, person: int) -> None:
        """Lower `distance` (N, K) where a piece is nearer to the same person's other labels than to anybody's."""
        rows = np.flatnonzero(self.person == person)
        for k, label in enumerate(labels):
            own = rows[self.label[rows] == label]
            if len(own) >= _OWN_PIECES:
                far = _far(scaled[rows], np.median(scaled[self._sample(own)], axis=0), scales[k])
                distance[rows, k] = np.minimum(distance[rows, k], far)

    def _own(self, scaled: Doubles, labels: Ints, centres: Doubles, scales: Doubles) -> tuple[Doubles, Doubles]:
        """Distance (N,) to the own label without the own run, inf-free; NaN where no other run exists; its median."""
        own, typical = np.full(len(scaled), np.nan), np.zeros_like(scaled)
        for k, label in enumerate(labels):
            members = np.flatnonzero(self.label == label)
            runs = np.unique(self.run[members])
            sample = self._sample(members)
            for run in runs:
                rows = members[self.run[members] == run]
                others = sample[self.run[sample] != run]
                if not len(others):
                    continue
                centre = np.median(scaled[others], axis=0) if len(runs) <= _FEW_RUNS else centres[k]
                far = _far(scaled[rows], centre, scales[k])
                theirs = others[self.person[others] == self.person[rows[0]]]
                if len(theirs) >= _OWN_PIECES:
                    far = np.minimum(far, _far(scaled[rows], np.median(scaled[theirs], axis=0), scales[k]))
                own[rows], typical[rows] = far, centre
        return own, typical

    def _joined(self, listed: NDArray[np.bool_], verdict: "_Verdict") -> tuple[Suspect, ...]:
        """Neighbours of one run that are listed and resemble the same label become one."""
        rows = np.flatnonzero(listed)
        if not len(rows):
            return ()
        apart = (np.diff(rows) > 1) | (np.diff(self.run[rows]) != 0) | (np.diff(verdict.like[rows]) != 0)
        groups = np.split(rows, np.flatnonzero(apart) + 1)
        groups.sort(key=lambda group: -float(verdict.score[group].mean()))
        return tuple(self._suspect(group, verdict) for group in groups[:_MOST])

    def _suspect(self, group: Ints, verdict: "_Verdict") -> Suspect:
        strangest = int(group[verdict.score[group].argmax()])
        column = int(verdict.deviation[strangest].argmax())
        measure, usual, like = self.measures[column], float(verdict.typical[strangest, column]), verdict.like[strangest]
        return Suspect(
            recording=int(self.recording[strangest]),
            begin_s=float(self.begin_s[group[0]]),
            end_s=float(self.end_s[group[-1]]),
            label=int(self.label[strangest]),
            like=int(like) if like >= 0 else None,
            score=float(verdict.score[group].mean()),
            ordinary=self._ordinary(strangest, verdict.own),
            measure=measure.name,
            unit=measure.unit,
            value=float(self.values[strangest, column]),
            typical=10**usual if measure.log else usual,
        )

    def _ordinary(self, row: int, own: Doubles) -> tuple[int, float, float] | None:
        """The piece of the same label and another run that is nearest to the label; the same person's first."""
        others = (self.label == self.label[row]) & (self.run != self.run[row]) & (self.recording >= 0)
        others &= own < _STRANGE
        for rows in (np.flatnonzero(others & (self.person == self.person[row])), np.flatnonzero(others)):
            if len(rows):
                best = int(rows[own[rows].argmin()])
                return int(self.recording[best]), float(self.begin_s[best]), float(self.end_s[best])
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Verdict:
    """Of each piece: distance to its own label, how strange, the label it resembles or -1, the median, deviations."""

    own: Doubles
    score: Doubles
    like: Ints
    typical: Doubles
    deviation: Doubles


def _far(scaled: Doubles, centre: Doubles, scale: Doubles) -> Doubles:
    """Root mean square over the measures of the deviations (N, F) from a centre, each at most `_FURTHEST`."""
    deviations = np.minimum(np.abs(scaled - centre) / scale, _FURTHEST)
    far: Doubles = np.sqrt((deviations**2).mean(axis=1))
    return far
