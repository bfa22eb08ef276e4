"""One pass over recordings in constant memory: everything `data check` says about raw signals.

Two surveys of the same channels and labels merge, so parts of a data set can be looked at apart.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import NULL, UNLABELLED, Floats, Ints, Recording
from factory.contracts.report import BoundaryReport, ChannelReport, Place, SensorReport, Timing
from factory.contracts.table import SourceUnit
from factory.contracts.window import Channel
from factory.data.directions import Directions
from factory.data.label_stretches import LabelStretches
from factory.data.places import Places
from factory.data.refusals import Judge
from factory.data.resample import release
from factory.data.statistics import Doubles, Extremes, LogHistogram, Moments
from factory.data.units import TriadStatistics, UnitGuess, triads
from factory.data.windows import LabelPlan
from factory.data.zeros import Zeros

_CHUNK = 1 << 16
_DUPLICATE_R = 0.9999
_MOST_PLACES = 20
_OFF = 0.2
"""An interval is off when it is this much longer or shorter than the median."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowPlan:
    """What the recipe will cut, for the look at label boundaries.

    Attributes:
        length_s: Of a window.
        hop_s: From one start to the next.
        purity: Least share of a window that carries its label.
        max_gap_s: A longer silence splits a recording.
    """

    length_s: float
    hop_s: float
    purity: float
    max_gap_s: float


@dataclass(kw_only=True, slots=True)
class SubjectTally:
    """One subject's share. `samples` is (K,), labelled samples a class."""

    samples: Ints
    recordings: int = 0
    seconds: float = 0.0


@dataclass(kw_only=True, slots=True)
class Boundaries:
    """Counts of candidate windows; see `BoundaryReport`."""

    candidates: int = 0
    pure: int = 0
    kept: int = 0
    unlabelled: int = 0
    straddling: int = 0
    purity_sum: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Twin:
    """Two recordings whose samples are the same."""

    first: Place
    second: Place

    @property
    def same_subject(self) -> bool:
        """Whether both are one person's."""
        return self.first.subject == self.second.subject


@dataclass(kw_only=True, slots=True)
class _Clock:
    intervals: LogHistogram = field(default_factory=LogHistogram)
    recordings: int = 0
    samples: int = 0
    seconds: float = 0.0
    gaps: int = 0


class Survey:
    """Accumulates over recordings; ask it for reports at the end.

    Args:
        channels: To look at.
        columns: Their columns in the recordings; None for the first ones, in order.
        labels: How the recordings' labels become classes.
        plan: Window length, hop, purity and longest gap.
        declared: Unit that a channel is described in, by name, where recordings were converted from it.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        labels: LabelPlan,
        plan: WindowPlan,
        columns: Sequence[int] | None = None,
        declared: Mapping[str, SourceUnit] | None = None,
    ) -> None:
        self.channels = tuple(channels)
        self.columns = list(range(len(channels)) if columns is None else columns)
        self.labels = labels.names
        self.plan = plan
        known = (labels.of_source >= 0) & (labels.of_source < len(labels.names))
        self._of_source = np.where(known, labels.of_source, UNLABELLED)
        self.subjects: dict[str, SubjectTally] = {}
        self.class_seconds = np.zeros(len(self.labels))
        self.unknown_labels = 0
        self.twins: list[Twin] = []
        self.places = Places()
        self.judge = Judge(self.channels, self.labels, declared, self.columns)
        self._clock = _Clock()
        self._moments = Moments(len(channels))
        self._extremes = Extremes(len(channels))
        self._non_finite = np.zeros(len(channels), np.int64)
        self._dead_recordings = np.zeros(len(channels), np.int64)
        self._boundaries = Boundaries()
        self._seen: dict[bytes, tuple[str, str]] = {}
        self._triads = triads(self.channels)
        self.stretches = LabelStretches(len(self.labels))
        self.zeros = Zeros(self.channels, self._triads)
        self.directions = Directions(self.channels, self._triads)
        self._statistics = {name: TriadStatistics() for name in self._triads}

    def add(self, recording: Recording) -> None:
        """Take in one recording, a chunk at a time; samples that are not finite are counted and left out."""
        interval = _typical_interval(recording)
        second = max(2, round(1 / interval)) if interval else 2
        chunk = max(1, _CHUNK // second) * second
        tally = self._tally(recording.subject)
        digest, steady = hashlib.sha256(), np.ones(len(self.channels), bool)
        for start in range(0, len(recording.time_s), chunk):
            samples = np.asarray(recording.samples[start : start + chunk])[:, self.columns]
            digest.update(samples.tobytes())
            steady &= (samples == recording.samples[0, self.columns]).all(axis=0)
            time_s = np.asarray(recording.time_s[start : start + chunk + 1])
            self._add_samples(recording, time_s[:chunk], samples, second)
            self._add_intervals(recording, time_s)
            labels = np.asarray(recording.labels[start : start + chunk])
            classes = self._classes(labels)
            self.unknown_labels += int((~self._known(labels)).sum())
            self._add_classes(classes, tally, interval)
            self.directions.add(recording.subject, recording.session, samples, classes)
            release(recording)
        self.judge.add(recording, self._classes)
        seconds = len(recording.time_s) * interval
        if len(recording.time_s) >= second:
            self._dead_recordings += steady
            for column in np.flatnonzero(steady).tolist():
                place = Place(subject=recording.subject, session=recording.session)
                self.places.add("channel.sometimes_dead", self.channels[column].name, place)
        self._clock.recordings += 1
        self._clock.samples += len(recording.time_s)
        self._clock.seconds += seconds
        tally.recordings += 1
        tally.seconds += seconds
        if interval:
            self._add_boundaries(recording, interval)
            self.stretches.add(recording, self._classes, interval, self.plan.max_gap_s)
        self._note(digest.digest(), (recording.subject, recording.session))

    def merge(self, other: Self) -> None:
        """Take in all that `other`, a survey of other recordings, has seen."""
        mine, theirs = self._clock, other._clock
        mine.intervals.merge(theirs.intervals)
        for name in ("recordings", "samples", "seconds", "gaps"):
            setattr(mine, name, getattr(mine, name) + getattr(theirs, name))
        for name in Boundaries.__slots__:
            setattr(self._boundaries, name, getattr(self._boundaries, name) + getattr(other._boundaries, name))
        self._moments.merge(other._moments)
        self._extremes.merge(other._extremes)
        self._non_finite += other._non_finite
        self._dead_recordings += other._dead_recordings
        for name, statistics in self._statistics.items():
            statistics.merge(other._statistics[name])
        self._merge_subjects(other)
        for digest, owner in other._seen.items():
            self._note(digest, owner)
        self.twins += other.twins
        self.judge.merge(other.judge)
        self.zeros.merge(other.zeros)
        self.directions.merge(other.directions)
        self.stretches.merge(other.stretches)
        self.places.merge(other.places)

    def _merge_subjects(self, other: Self) -> None:
        self.class_seconds += other.class_seconds
        self.unknown_labels += other.unknown_labels
        for subject, tally in other.subjects.items():
            mine = self._tally(subject)
            mine.samples += tally.samples
            mine.recordings += tally.recordings
            mine.seconds += tally.seconds

    def timing(self) -> Timing:
        """Rate, jitter and gaps."""
        clock, median = self._clock, self._clock.intervals.quantile(0.5)
        off = clock.intervals.share_outside((1 - _OFF) * median, (1 + _OFF) * median) if median else 0.0
        longest = clock.intervals.largest
        return Timing(
            recordings=clock.recordings,
            samples=clock.samples,
            seconds=clock.seconds,
            rate_hz=1 / median if median else None,
            interval_median_s=median,
            interval_p95_s=clock.intervals.quantile(0.95),
            off_share=off,
            backwards=clock.intervals.not_positive,
            gaps=clock.gaps,
            longest_gap_s=longest if clock.gaps else None,
        )

    def channel_reports(self) -> tuple[ChannelReport, ...]:
        """Range, moments, clipping, and whether a channel is dead or a copy."""
        count = self._moments.count
        twins = self._copies()
        low, high, sd = self._extremes.low, self._extremes.high, self._moments.sd
        dead = (count > 0) & (low == high)
        stuck = np.where(dead, 0.0, self._extremes.stuck / max(count, 1))
        return tuple(
            ChannelReport(
                name=channel.name,
                unit=channel.unit,
                minimum=float(low[i]) if count else None,
                maximum=float(high[i]) if count else None,
                mean=float(self._moments.mean[i]) if count else None,
                sd=float(sd[i]) if count else None,
                stuck_share=float(stuck[i]),
                dead=bool(dead[i]),
                dead_recordings=int(self._dead_recordings[i]),
                duplicate_of=twins.get(i),
                non_finite=int(self._non_finite[i]),
            )
            for i, channel in enumerate(self.channels)
        )

    def sensor_reports(self) -> tuple[SensorReport, ...]:
        """Unit and gravity of each triad, declared and likely."""
        return tuple(
            SensorReport(
                name=name,
                quantity=self.channels[columns[0]].quantity,
                unit=self.channels[columns[0]].unit,
                likely_unit=guess.unit,
                gravity=self.channels[columns[0]].gravity,
                likely_gravity=guess.gravity,
                certain=guess.certain,
                evidence=guess.evidence,
            )
            for name, columns, guess in self.guesses()
        )

    def guesses(self) -> Iterator[tuple[str, tuple[int, ...], UnitGuess]]:
        """Name, columns and likely unit of each complete triad."""
        for name, columns in self._triads.items():
            yield name, columns, self._statistics[name].guess(self.channels[columns[0]].quantity)

    def boundary_report(self) -> BoundaryReport:
        """How pure the windows are that the recipe would cut."""
        tally = self._boundaries
        return BoundaryReport(
            candidates=tally.candidates,
            pure=tally.pure,
            kept=tally.kept,
            unlabelled=tally.unlabelled,
            mean_purity=tally.purity_sum / tally.straddling if tally.straddling else None,
        )

    def class_samples(self) -> Ints:
        """(K,) labelled samples a class."""
        total = np.zeros(len(self.labels), np.int64)
        return sum((tally.samples for tally in self.subjects.values()), start=total)

    def _add_intervals(self, recording: Recording, time_s: Doubles) -> None:
        intervals = np.diff(time_s)
        self._clock.intervals.add(intervals)
        for code, wrong in (("timing.gaps", intervals > self.plan.max_gap_s), ("timing.backwards", intervals <= 0)):
            for before in np.flatnonzero(wrong)[:_MOST_PLACES].tolist():
                start_s, end_s = float(time_s[before]), float(time_s[before + 1])
                who, session = recording.subject, recording.session
                self.places.add(code, "data", Place(subject=who, session=session, start_s=start_s, end_s=end_s))
            if code == "timing.gaps":
                self._clock.gaps += int(wrong.sum())

    def _add_samples(self, recording: Recording, time_s: Doubles, samples: Floats, second: int) -> None:
        finite = np.isfinite(samples)
        self._non_finite += (~finite).sum(axis=0)
        who = (recording.subject, recording.session)
        for column in np.flatnonzero(~finite.all(axis=0)).tolist():
            name = self.channels[column].name
            self.places.add_samples("channel.not_finite", name, who, time_s, ~finite[:, column])
        self.zeros.add(*who, time_s, samples)
        whole = samples[finite.all(axis=1)].astype(np.float64)
        self._extremes.add(whole)
        self._moments.add(whole)
        for name, columns in self._triads.items():
            self._statistics[name].add(whole[:, list(columns)], second)

    def _add_classes(self, classes: Ints, tally: SubjectTally, interval: float) -> None:
        counts = np.bincount(classes + 1, minlength=len(self.labels) + 1)[1:]
        tally.samples += counts
        self.class_seconds += counts * interval

    def _known(self, labels: Ints) -> NDArray[np.bool_]:
        return (labels >= NULL) & (labels < len(self._of_source) - 2)

    def _classes(self, labels: Ints) -> Ints:
        """The class of each sample; -1 where it has none, a null or an unknown one."""
        classes: Ints = np.where(self._known(labels), self._of_source[np.where(self._known(labels), labels, -1)], -1)
        return classes

    def _add_boundaries(self, recording: Recording, interval: float) -> None:
        length, hop = max(1, round(self.plan.length_s / interval)), max(1, round(self.plan.hop_s / interval))
        starts = max(0, (len(recording.labels) - length) // hop + 1)
        step = max(1, _CHUNK // length)
        for first in range(0, starts, step):
            last = min(first + step, starts)
            labels = self._classes(np.asarray(recording.labels[first * hop : (last - 1) * hop + length]))
            self._add_windows(np.lib.stride_tricks.sliding_window_view(labels, length)[::hop])
            release(recording)

    def _add_windows(self, windows: Ints) -> None:
        """Judge candidate windows (N, T) of labels by their main one."""
        shares = np.stack([(windows == label).mean(axis=1) for label in range(-1, len(self.labels))])
        main, purity = shares.argmax(axis=0) - 1, shares.max(axis=0)
        labelled = main >= 0
        straddling = labelled & (purity < 1)
        tally = self._boundaries
        tally.candidates += len(windows)
        tally.unlabelled += int((~labelled).sum())
        tally.pure += int((labelled & ~straddling).sum())
        tally.kept += int((labelled & (purity >= self.plan.purity)).sum())
        tally.straddling += int(straddling.sum())
        tally.purity_sum += float(purity[straddling].sum())

    def _note(self, digest: bytes, owner: tuple[str, str]) -> None:
        known = self._seen.setdefault(digest, owner)
        if known is not owner:
            first, second = (Place(subject=subject, session=session) for subject, session in (known, owner))
            self.twins.append(Twin(first=first, second=second))

    def _tally(self, subject: str) -> SubjectTally:
        return self.subjects.setdefault(subject, SubjectTally(samples=np.zeros(len(self.labels), np.int64)))

    def _copies(self) -> dict[int, str]:
        """Column to the name of the first earlier channel that it repeats."""
        earlier = np.triu(np.abs(self._moments.correlation) > _DUPLICATE_R, k=1)
        return {
            i: self.channels[int(earlier[:, i].argmax())].name for i in np.flatnonzero(earlier.any(axis=0)).tolist()
        }


def _typical_interval(recording: Recording) -> float:
    """Median positive interval of the first samples, in seconds; 0 without one."""
    intervals = np.diff(recording.time_s[:_CHUNK])
    positive = intervals[intervals > 0]
    return float(np.median(positive)) if positive.size else 0.0
