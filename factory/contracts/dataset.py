"""Recordings and windows in memory. Shape legend: N windows, C channels, T time steps."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from factory.contracts.window import WindowSpec

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
UNLABELLED = -1
"""Label of a sample that nobody labelled: of whichever class."""
NULL = -2
"""Label of a sample of a null class: known to be of no class. Left out of training, kept as negatives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A contiguous segment of one subject's signal, SI units, at its own time stamps.

    Attributes:
        subject: Who wore the sensor.
        session: Which recording of that subject; unique within a data set together with `subject`.
        time_s: (T,) float64, strictly increasing, seconds.
        samples: (T, C) float32, SI units, channels in the source's order.
        labels: (T,) int64, index into the source's labels; -1 (`UNLABELLED`) where nobody labelled, -2 (`NULL`) where
            a label says that none of the classes goes on.
    """

    subject: str
    session: str
    time_s: NDArray[np.float64]
    samples: Floats
    labels: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowSet:
    """Every window of a data set, memory-mapped from the cache.

    Attributes:
        x: (N, C, T) float32, SI units.
        y: (N,) class index into `spec.labels`; -1 (`UNLABELLED`) for a window that nobody labelled.
        subject: (N,) subject names.
        recording: (N,) index of the recording a window was cut from.
        start: (N,) first sample of the window in its recording, after resampling.
        spec: The sensor contract.
        official_test: Subjects of the official test split; empty where the data set has none.
        content_hash: SHA-256 over recordings and settings; tells without cutting whether recordings are the same.
        digest: SHA-256 over the arrays and the contract; part of the key of everything derived.
        lost: Windows or samples left out, by reason.
        teacher_x: (N, C', T) the same windows with the channels that the teacher sees, the student's first; None where
            both see the same.
        teacher_spec: What `teacher_x` is.
    """

    x: Floats
    y: Ints
    subject: NDArray[np.str_]
    recording: Ints
    start: Ints
    spec: WindowSpec
    official_test: tuple[str, ...]
    content_hash: str
    digest: str
    lost: dict[str, int]
    teacher_x: Floats | None = None
    teacher_spec: WindowSpec | None = None

    def for_teacher(self) -> Self:
        """The same windows in the same order as the teacher sees them."""
        if self.teacher_x is None or self.teacher_spec is None:
            return self
        return replace(self, x=self.teacher_x, spec=self.teacher_spec, teacher_x=None, teacher_spec=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class MixedSet:
    """Windows of more than one label, which `data.purity` keeps out of a `WindowSet`.

    Attributes:
        x: (N, C, T) float32, SI units.
        y: (N,) class of most of a window's samples.
        subject: (N,) subject names.
        purity: (N,) share of a window's samples that carry `y`, below the recipe's `data.purity`.
    """

    x: Floats
    y: Ints
    subject: NDArray[np.str_]
    purity: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class NullSet:
    """Windows of a null class: no class of the recipe goes on, and a model should answer none.

    Attributes:
        x: (N, C, T) float32, SI units.
        subject: (N,) subject names.
        purity: (N,) share of a window's samples whose label is null, at least the recipe's `data.purity`.
    """

    x: Floats
    subject: NDArray[np.str_]
    purity: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Window indices by part; no subject stands in two parts.

    Attributes:
        train: Fits weights, scalers and calibration.
        validation: Selects (head search); its subjects are taken from the training ones.
        test: Is measured once.
        unlabelled: The teacher answers: of training subjects, or of people who are in no other part. No label of
            them is read.
    """

    train: Ints
    validation: Ints
    test: Ints
    unlabelled: Ints = field(default_factory=lambda: np.empty(0, np.int64))
