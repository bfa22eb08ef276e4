"""What is drawn of recordings: signals reduced to few points, stretches of labels, and what stands out among them.

Shape legend: P points, C channels, R runs. A label is an index into `Overview.labels`.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints
from factory.contracts.window import Channel

SEVERAL = -3
"""Many short runs drawn as one. Beside the indices of labels there are also `UNLABELLED` and `NULL`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A recording's signal in few points, so that neither a spike nor a gap is lost.

    Attributes:
        time_s: (P,) on the recording's own clock.
        values: (P, C) float32, SI units; NaN where a sample was not finite.
        breaks: Points at which a new piece begins, after a gap; never 0.
        every: Samples that a pair of points (least, largest) stands for; 1 where each sample is drawn.
    """

    time_s: NDArray[np.float64]
    values: Floats
    breaks: Ints
    every: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    """Stretches of one label each, without a gap inside, in the order of time.

    Attributes:
        label: (R,) index, `UNLABELLED`, `NULL` or `SEVERAL`.
        begin_s: (R,) on the recording's own clock.
        end_s: (R,) where the next sample would be.
    """

    label: Ints
    begin_s: NDArray[np.float64]
    end_s: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingOverview:
    """One recording.

    Attributes:
        subject: Who wore the sensor.
        session: Which recording of that subject.
        samples: How many there are.
        begin_s: First time stamp.
        end_s: Last time stamp.
        rate_hz: 1 / median interval; None without two samples.
        off_share: Share of intervals more than 20 % off the median.
        gap_count: Intervals longer than the recipe's max_gap_s.
        gaps: Start and end in seconds of the longest of them, in the order of time.
        not_finite: Samples with a value that is NaN or infinite.
        runs: Stretches of labels.
        line: What is drawn.
    """

    subject: str
    session: str
    samples: int
    begin_s: float
    end_s: float
    rate_hz: float | None
    off_share: float
    gap_count: int
    gaps: tuple[tuple[float, float], ...]
    not_finite: int
    runs: Runs
    line: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """A part of a stretch that looks unlike the other stretches of its label.

    Attributes:
        recording: Index into `Overview.recordings`.
        begin_s: On the recording's own clock.
        end_s: On the recording's own clock.
        label: What it is labelled.
        like: The label that it resembles more; None where it resembles none.
        score: How far from its own label beyond the one it resembles, in typical deviations; larger is stranger.
        ordinary: Recording, begin and end of an ordinary piece of the same label, of the same person if there is one.
        measure: What differs most, for example 'acc magnitude, standard deviation'.
        unit: Of the two values.
        value: Of this part.
        typical: Median of its label.
    """

    recording: int
    begin_s: float
    end_s: float
    label: int
    like: int | None
    score: float
    ordinary: tuple[int, float, float] | None
    measure: str
    unit: str
    value: float
    typical: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassOverview:
    """One label, or what is `UNLABELLED` or `NULL`. The lengths are of its stretches, in seconds; None without any."""

    label: int
    seconds: float
    stretches: int
    shortest_s: float | None
    median_s: float | None
    longest_s: float | None
    people: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonOverview:
    """One subject. `class_seconds` is in the order of the labels; `rate_hz` the median of the recordings' rates."""

    subject: str
    recordings: int
    seconds: float
    rate_hz: float | None
    class_seconds: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """All that a page about recordings shows, but for the findings of the check.

    Attributes:
        source: Name of the data source.
        recipe: Name of the recipe.
        channels: Columns of the signals, SI units.
        labels: The recipe's classes, then labels that the recipe leaves out.
        classes_kept: How many of `labels` the recipe keeps.
        max_gap_s: A longer silence is a gap.
        recordings: In the order of the source.
        left_out: Recordings beyond those, which would make the page too large.
        classes: One a label, then one for what is `NULL` and one for what is `UNLABELLED`, if there is any.
        people: One a subject, '2' before '10'.
        suspects: Strangest first.
    """

    source: str
    recipe: str
    channels: tuple[Channel, ...]
    labels: tuple[str, ...]
    classes_kept: int
    max_gap_s: float
    recordings: tuple[RecordingOverview, ...]
    left_out: int
    classes: tuple[ClassOverview, ...]
    people: tuple[PersonOverview, ...]
    suspects: tuple[Suspect, ...] = field(default=())
