"""Recordings reduced to what a page draws: one pass, constant memory, a bounded amount of data.

The amount is bounded by points: where there are many recordings, each is drawn with fewer.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from factory.contracts.dataset import NULL, UNLABELLED, Floats, Ints, Recording
from factory.contracts.errors import DataError
from factory.contracts.overview import (
    SEVERAL,
    ClassOverview,
    Overview,
    PersonOverview,
    RecordingOverview,
    Runs,
)
from factory.contracts.progress import Progress
from factory.contracts.recipe import DataRecipe
from factory.data.preparation import plan_classes
from factory.data.resample import release
from factory.data.sources import Source
from factory.data.statistics import LogHistogram
from factory.data.thin import CHUNK, Read, thin, thin_again
from factory.data.unlike import Pieces
from factory.data.windows import LabelPlan, choose_channels

MOST_BYTES = 14_000_000
"""Of all signals as the page stores them: 4 bytes a time, 2 a value; text makes 18.7 MB of it."""
MOST_RECORDINGS = 5000
MOST_POINTS, LEAST_POINTS = 400_000, 32
"""Kept of one recording; the page draws a few thousand of those that are shown."""
MOST_RUNS, MOST_GAPS = 1500, 200
_CLOCK_S = 1e-6
"""Resolution of a time stamp in seconds since 1970 held as float64, rounded up."""
_OFF = 0.2
"""An interval is off when it is this much longer or shorter than the median."""


def overview(
    source: Source, recipe: DataRecipe, name: str, folder: Path | None, progress: Progress, subjects: Sequence[str] = ()
) -> Overview:
    """Read a source once and keep what is drawn.

    Args:
        source: What is read.
        recipe: Its channels and labels, and what it calls a gap.
        name: The recipe's.
        folder: Where the recordings lie.
        progress: Told of each recording.
        subjects: Whom to draw; empty is everybody. The others are only compared with.

    Raises:
        RecipeError: A channel or label that the source does not have.
        DataError: The recordings cannot be read, or nobody has one of these names.
    """
    columns = choose_channels([channel.name for channel in source.channels], recipe.channels)
    collector = Collector(source, recipe, name, columns, plan_classes(recipe, source, folder), subjects)
    with progress.track("look", None, "recordings") as bar:
        for recording in source.recordings(folder, progress):
            collector.add(recording)
            bar.advance(note=f"subject {recording.subject}")
    return collector.result()


class Collector:
    """Accumulates over recordings; ask it for the overview at the end."""

    def __init__(
        self,
        source: Source,
        recipe: DataRecipe,
        name: str,
        columns: Sequence[int],
        plan: LabelPlan,
        subjects: Sequence[str],
    ) -> None:
        self._source, self._recipe, self._name = source, recipe, name
        self._columns = list(columns)
        self._channels = tuple(source.channels[column] for column in columns)
        self._labels, self._of_source = _all_labels(source.labels, recipe.merge, plan)
        self._kept = len(plan.names)
        self._wanted = frozenset(subjects)
        self._recordings: list[RecordingOverview] = []
        self._left_out = 0
        self._points = MOST_POINTS
        self._pieces = Pieces(self._channels)
        self._people: dict[str, list[tuple[float, float | None]]] = {}
        self._lengths: dict[tuple[str, int], list[float]] = {}

    def add(self, recording: Recording) -> None:
        """Take in one recording, a chunk at a time."""
        clock = _Clock(recording, self._recipe.max_gap_s)
        edges, labels = self._runs_of(recording, clock.breaks)
        runs = _runs(recording, edges, labels, clock.interval)
        self._tally(recording, clock, runs)
        wanted = self._shows(recording.subject)
        shown = wanted and len(self._recordings) < MOST_RECORDINGS
        self._left_out += wanted and not shown
        index = len(self._recordings) if shown else -1
        read = _reader(recording, self._columns)
        self._pieces.add(index, recording.subject, recording.time_s, read, edges, labels)
        if shown:
            self._recordings.append(self._drawn(recording, clock, runs))
            if self._bytes() > 2 * MOST_BYTES:
                self._shrink(self._points // 2)

    def result(self) -> Overview:
        """All that was seen.

        Raises:
            DataError: There are no recordings, or none of a person who was asked for.
        """
        self._require_people()
        while self._bytes() > MOST_BYTES and self._points > LEAST_POINTS:
            self._shrink(int(self._points * 0.8))
        return Overview(
            source=self._source.name,
            recipe=self._name,
            channels=self._channels,
            labels=self._labels,
            classes_kept=self._kept,
            max_gap_s=self._recipe.max_gap_s,
            recordings=tuple(self._recordings),
            left_out=self._left_out,
            classes=tuple(self._class(label) for label in (*range(len(self._labels)), *self._nobodys())),
            people=tuple(self._person(subject) for subject in self._names() if self._shows(subject)),
            suspects=self._pieces.suspects(),
        )

    def _runs_of(self, recording: Recording, breaks: Ints) -> tuple[Ints, Ints]:
        """First sample and label of each stretch without a change of label or a gap."""
        edges: list[Ints] = [np.zeros(1, np.int64), breaks]
        for low in range(0, len(recording.labels), CHUNK):
            labels = np.asarray(recording.labels[low : low + CHUNK + 1])
            edges.append(low + np.flatnonzero(np.diff(labels)) + 1)
            release(recording)
        starts = np.unique(np.concatenate(edges))
        starts = starts[starts < len(recording.labels)]
        of_source = np.asarray(recording.labels)[starts]
        known = (of_source >= 0) & (of_source < len(self._of_source))
        nobodys = np.where(of_source == NULL, NULL, UNLABELLED)
        return starts, np.where(known, self._of_source[np.where(known, of_source, 0)], nobodys)

    def _tally(self, recording: Recording, clock: "_Clock", runs: Runs) -> None:
        seconds = len(recording.time_s) * clock.interval
        self._people.setdefault(recording.subject, []).append((seconds, clock.rate_hz))
        for label, begin, end in zip(runs.label.tolist(), runs.begin_s.tolist(), runs.end_s.tolist(), strict=True):
            self._lengths.setdefault((recording.subject, label), []).append(end - begin)

    def _drawn(self, recording: Recording, clock: "_Clock", runs: Runs) -> RecordingOverview:
        time_s = recording.time_s
        longest = np.sort(clock.breaks[np.argsort(-clock.silences, kind="stable")[:MOST_GAPS]])
        counted = _Counted(_reader(recording, self._columns))
        line = thin(time_s, counted, longest, self._points)
        return RecordingOverview(
            subject=recording.subject,
            session=recording.session,
            samples=len(time_s),
            begin_s=float(time_s[0]) if len(time_s) else 0.0,
            end_s=float(time_s[-1]) if len(time_s) else 0.0,
            rate_hz=clock.rate_hz,
            off_share=clock.off_share,
            gap_count=len(clock.breaks),
            gaps=tuple((float(time_s[place - 1]), float(time_s[place])) for place in longest.tolist()),
            not_finite=counted.not_finite,
            runs=_fewer(runs),
            line=line,
        )

    def _bytes(self) -> int:
        return sum(item.line.values.nbytes // 2 + item.line.time_s.nbytes // 2 for item in self._recordings)

    def _shrink(self, points: int) -> None:
        """Draw every recording with at most so many points."""
        self._points = max(points, LEAST_POINTS)
        self._recordings = [replace(item, line=thin_again(item.line, self._points)) for item in self._recordings]

    def _shows(self, subject: str) -> bool:
        return not self._wanted or subject in self._wanted

    def _names(self) -> list[str]:
        """Everybody, '2' before '10'."""
        return sorted(self._people, key=lambda name: (len(name), name))

    def _require_people(self) -> None:
        if not self._people:
            raise DataError(f"{self._source.name} holds no recording: check its folder or description")
        if unknown := sorted(self._wanted - set(self._people)):
            there = ", ".join(self._names()[:20]) + (" ..." if len(self._people) > 20 else "")
            raise DataError(f"no subject {', '.join(map(repr, unknown))}: choose of {there}")

    def _nobodys(self) -> list[int]:
        """`NULL` and `UNLABELLED`, where somebody who is shown has any."""
        there = {label for subject, label in self._lengths if self._shows(subject)}
        return [label for label in (NULL, UNLABELLED) if label in there]

    def _class(self, label: int) -> ClassOverview:
        lengths = [
            seconds
            for (subject, of), all_s in self._lengths.items()
            if of == label and self._shows(subject)
            for seconds in all_s
        ]
        return ClassOverview(
            label=label,
            seconds=sum(lengths),
            stretches=len(lengths),
            shortest_s=min(lengths, default=None),
            median_s=float(np.median(lengths)) if lengths else None,
            longest_s=max(lengths, default=None),
            people=sum(of == label and self._shows(subject) for subject, of in self._lengths),
        )

    def _person(self, subject: str) -> PersonOverview:
        recordings = self._people[subject]
        rates = [rate for _, rate in recordings if rate is not None]
        return PersonOverview(
            subject=subject,
            recordings=len(recordings),
            seconds=sum(seconds for seconds, _ in recordings),
            rate_hz=float(np.median(rates)) if rates else None,
            class_seconds=tuple(sum(self._lengths.get((subject, label), ())) for label in range(len(self._labels))),
        )


class _Clock:
    """Intervals of one recording.

    Attributes:
        breaks: Samples behind a gap.
        silences: Their lengths in seconds.
        interval: The median, in seconds; 0 without two samples.
        rate_hz: Its inverse.
        off_share: Share of intervals more than 20 % off it.
    """

    def __init__(self, recording: Recording, max_gap_s: float) -> None:
        histogram = LogHistogram()
        breaks, silences = [np.zeros(0, np.int64)], [np.zeros(0)]
        for low in range(0, len(recording.time_s), CHUNK):
            steps = np.diff(recording.time_s[low : low + CHUNK + 1])
            histogram.add(steps[np.isfinite(steps)])
            found = np.flatnonzero(steps > max_gap_s + _CLOCK_S)
            breaks.append(low + found + 1)
            silences.append(steps[found])
            release(recording)
        self.breaks, self.silences = np.concatenate(breaks), np.concatenate(silences)
        median = histogram.quantile(0.5)
        self.interval = median or 0.0
        self.rate_hz = 1 / median if median else None
        self.off_share = histogram.share_outside((1 - _OFF) * median, (1 + _OFF) * median) if median else 0.0


class _Counted:
    """Reads samples, and counts those that are not finite."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.not_finite = 0

    def __call__(self, begin: int, end: int) -> Floats:
        samples = self._read(begin, end)
        self.not_finite += int((~np.isfinite(samples)).any(axis=1).sum())
        return samples


def _reader(recording: Recording, columns: Sequence[int]) -> Read:
    """Gives samples of these columns, and their memory back."""

    def read(begin: int, end: int) -> Floats:
        samples: Floats = np.asarray(recording.samples[begin:end])[:, columns]
        release(recording)
        return samples

    return read


def _all_labels(source: Sequence[str], merge: dict[str, str], plan: LabelPlan) -> tuple[tuple[str, ...], Ints]:
    """The recipe's classes, then what it leaves out; and the place of each of the source's labels among them."""
    merged = [merge.get(label, label) for label in source]
    names = list(dict.fromkeys([*plan.names, *merged]))
    return tuple(names), np.array([names.index(label) for label in merged], np.int64)


def _runs(recording: Recording, edges: Ints, labels: Ints, interval: float) -> Runs:
    """When each run begins and ends: where the next sample is, or would be before a gap."""
    time_s, total = recording.time_s, len(recording.time_s)
    if not total:
        return Runs(label=labels, begin_s=np.zeros(0), end_s=np.zeros(0))
    following = np.append(edges[1:], total)
    last_s = np.asarray(time_s[following - 1]) + interval
    next_s = np.append(np.asarray(time_s[edges[1:]]), last_s[-1])
    return Runs(label=labels, begin_s=np.asarray(time_s[edges]), end_s=np.minimum(last_s, next_s))


def _fewer(runs: Runs) -> Runs:
    """At most about `MOST_RUNS`: where there are more, neighbours among the short ones become one, `SEVERAL`."""
    if len(runs.label) <= MOST_RUNS:
        return runs
    lengths = runs.end_s - runs.begin_s
    long = lengths > np.sort(lengths)[-(MOST_RUNS // 2)]
    first = long | np.append(True, long[:-1])
    begins = np.flatnonzero(first)
    return Runs(
        label=np.where(long[begins], runs.label[begins], SEVERAL),
        begin_s=runs.begin_s[begins],
        end_s=runs.end_s[np.append(begins[1:], len(long)) - 1],
    )
