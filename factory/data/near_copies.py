"""Recordings of one person stored again under another's name: trimmed, scaled, noisy, resampled, or a part of them.

However alike two people's activities are, their paces drift apart within seconds. So a segment of one person's
movement is searched in all that others recorded, at every offset (docs/data.md#near-copies):

1. Windows are joined to signals again and reduced to their movement (`factory.data.motion`).
2. Stretches of 5 s, the anchors, are correlated with every position of the other signals; the best position in each
   person's signals is a candidate.
3. Around a candidate, up to 8 s of both signals are aligned to a quarter of a grid step and correlated again.

Shape legend: T grid points, D components, A anchors, P people, V values of an anchor.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.data.motion import Reducer, Signal, signals_of

Halves = NDArray[np.float16]

LIKE = 0.975
"""Correlation of two segments from which they agree; docs/data.md has the margins."""
SAME = 0.995
"""The same from which even a segment of 2 s is a copy."""
SEGMENT_S = 8.0
"""What must agree before two people's recordings are called copies: one segment of 8 s, or more of shorter ones."""
_ROUNDING_S = 0.2
"""What aligning cuts off a segment, and a little more."""
_SHORTEST_S = 2.0
_ANCHOR_S = 5.0
_CANDIDATE = 0.8
"""Correlation of an anchor with a position, from which the position is looked at closely."""
_MOVES = 0.5
"""Mean square of a segment that is worth comparing; 1 moves all the time."""
_COARSE, _STRONGEST = 4, 4
"""Anchors are searched with every fourth grid point of the four strongest components."""
_FINE = 4
_BLOCK = 4096
_WORK = 1e12
"""Multiplications of the search, about a minute; beyond, fewer anchors are searched, evenly spread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """An anchor found again.

    Attributes:
        subject: Whose the anchor is.
        other: In whose signals it was found.
        rows: Windows of `subject` in the anchor, to half an anchor.
        seconds: How much was compared.
        likeness: Correlation of what was compared.
    """

    subject: str
    other: str
    rows: Ints
    seconds: float
    likeness: float

    @property
    def evidence_s(self) -> float:
        """What it counts, in seconds: nothing where it does not agree, and less a second the shorter it is."""
        if self.likeness > SAME and self.seconds >= _SHORTEST_S:
            return SEGMENT_S
        return self.seconds * min(1.0, self.seconds / SEGMENT_S) if self.likeness > LIKE else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class NearCopy:
    """Two people who share recordings.

    Attributes:
        subject: Whose windows were found again.
        other: In whose recordings.
        rows: Windows of `subject` that were.
    """

    subject: str
    other: str
    rows: Ints


def near_copies(windows: WindowSet, part: Ints, others: Ints) -> list[NearCopy]:
    """People of `part` whose movement stands in `others` again; the one with most windows first."""
    found: defaultdict[tuple[str, str], list[Match]] = defaultdict(list)
    searched: defaultdict[str, float] = defaultdict(float)
    for match in best_matches(windows, part, others, searched):
        if match.evidence_s:
            found[match.subject, match.other].append(match)
    copies = [
        NearCopy(subject=subject, other=other, rows=np.unique(np.concatenate([match.rows for match in matches])))
        for (subject, other), matches in found.items()
        if sum(match.evidence_s for match in matches) >= min(SEGMENT_S - _ROUNDING_S, searched[subject] / 2)
    ]
    return sorted(copies, key=lambda copy: -len(copy.rows))


def best_matches(windows: WindowSet, part: Ints, others: Ints, searched: dict[str, float]) -> list[Match]:
    """For each anchor of `part` and each other person of `others`, the most similar segment, if it is at all similar.

    Args:
        windows: All.
        part: Windows whose movement is searched.
        others: Windows in which it is; those of the same person are left out.
        searched: Told the seconds of anchors of each subject of `part`.
    """
    if not len(part) or not len(others):
        return []
    reducer = Reducer(windows)
    sought, given = (list(signals_of(windows, rows, reducer)) for rows in (part, others))
    if not any(len(signal.motion) for signal in sought):  # all of them shorter than the filter
        return []
    points = _anchor_points(sought, reducer.grid_hz)
    anchors = _anchors(sought, points, _most_anchors(given, points))
    for signal, _ in anchors:
        searched[sought[signal].subject] = searched.get(sought[signal].subject, 0.0) + points / reducer.grid_hz
    matches = (
        _look_closely(sought[signal], at, given[other], place, points, reducer.grid_hz)
        for (signal, at), other, place in _candidates(sought, anchors, given, points)
    )
    return [match for match in matches if match is not None]


def _anchor_points(signals: Sequence[Signal], grid_hz: float) -> int:
    """Grid points of an anchor: 5 s, or half of what recordings typically last, at least 2 s."""
    lengths = np.array([len(signal.motion) for signal in signals])
    typical = np.median(np.repeat(lengths, lengths))
    return int(np.clip(typical / 2, _SHORTEST_S * grid_hz, _ANCHOR_S * grid_hz))


def _most_anchors(given: Sequence[Signal], points: int) -> int:
    positions = sum(len(signal.motion) for signal in given)
    return max(1, int(_WORK / max(1, positions * ceil(points / _COARSE) * _STRONGEST)))


def _anchors(signals: Sequence[Signal], points: int, most: int) -> list[tuple[int, int]]:
    """Signal and first grid point of each anchor that moves, side by side."""
    found = [
        (index, at)
        for index, signal in enumerate(signals)
        for at in range(0, len(signal.motion) - points + 1, points)
        if _power(signal.motion[at : at + points]) > _MOVES
    ]
    return found[:: ceil(len(found) / most) or 1]


def _power(motion: Halves) -> float:
    return float(np.square(motion, dtype=np.float32).sum(axis=1).mean())


def _candidates(
    sought: Sequence[Signal], anchors: Sequence[tuple[int, int]], given: Sequence[Signal], points: int
) -> list[tuple[tuple[int, int], int, int]]:
    """Each anchor with the signal and the grid point of the best position in each other person's signals."""
    if not anchors:
        return []
    shapes = _shapes(sought, anchors, points)
    people = {name: place for place, name in enumerate(dict.fromkeys(signal.subject for signal in given))}
    best = np.full((len(anchors), len(people)), _CANDIDATE, np.float32)
    where = np.full((len(anchors), len(people), 2), -1, np.int64)
    whose = np.array([sought[anchor].subject for anchor, _ in anchors])
    for index, signal in enumerate(given):
        person = people[signal.subject]
        for low in range(0, len(signal.motion) - points + 1, _BLOCK):
            positions = _positions(signal.motion[low : low + _BLOCK + points - 1], points)
            likeness = np.maximum(*(shapes @ positions.T))
            place = likeness.argmax(axis=1)
            reached = likeness[np.arange(len(anchors)), place]
            better = (reached > best[:, person]) & (whose != signal.subject)
            best[better, person] = reached[better]
            where[better, person, 0], where[better, person, 1] = index, low + place[better]
    return [
        (anchors[anchor], int(where[anchor, person, 0]), int(where[anchor, person, 1]))
        for anchor, person in np.argwhere(where[:, :, 0] >= 0).tolist()
    ]


def _shapes(signals: Sequence[Signal], anchors: Sequence[tuple[int, int]], points: int) -> Floats:
    """(2, A, V): each anchor, and as it would be half a grid point later.

    Without the second, the true position of fast movement would be less like the anchor than the next stride.
    """
    shapes = []
    for signal, at in anchors:
        motion = signals[signal].motion[at : at + points]
        later = np.concatenate([motion[1:], motion[-1:]])
        shapes.append([_positions(given, points)[0] for given in (motion, (motion + later) / 2)])
    return np.array(shapes).swapaxes(0, 1)


def _positions(motion: Halves, points: int) -> Floats:
    """(T, D) to (T - points + 1, V), of unit length where there is enough movement, else 0."""
    strongest = motion[:, :_STRONGEST].astype(np.float32)
    view = np.lib.stride_tricks.sliding_window_view(strongest, points, axis=0)[:, :, ::_COARSE]
    flat = view.reshape(len(view), -1)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    enough = norm**2 > _MOVES / 4 * view.shape[2]
    positions: Floats = np.divide(flat, norm, out=np.zeros_like(flat), where=enough)
    return positions


def _look_closely(sought: Signal, at: int, given: Signal, place: int, points: int, grid_hz: float) -> Match | None:
    """The most similar segment of both signals around an anchor and its position; None if too little moves."""
    segment, lag = round(SEGMENT_S * grid_hz), place - at
    low = max(0, -lag, at + points - segment)
    high = min(len(sought.motion), len(given.motion) - lag, at + segment)
    ours, theirs = _finer(sought.motion[low:high]), _finer(given.motion[low + lag : high + lag])
    length = min(segment * _FINE, len(ours) - _FINE)
    likeness = max(_largest(ours, theirs, shift, length) for shift in range(-_FINE, _FINE + 1))
    if likeness <= 0:
        return None
    rows = sought.rows[(sought.begin >= at - points / 2) & (sought.begin < at + points / 2)]
    return Match(
        subject=sought.subject,
        other=given.subject,
        rows=rows,
        seconds=length / _FINE / grid_hz,
        likeness=likeness,
    )


def _finer(motion: Halves) -> Floats:
    from scipy.signal import resample_poly

    finer: Floats = resample_poly(motion.astype(np.float32), _FINE, 1, axis=0, padtype="line")
    return finer


def _largest(ours: Floats, theirs: Floats, shift: int, length: int) -> float:
    """Largest correlation over `length` points of signals (T, D) shifted against each other; 0 where little moves."""
    first = ours[max(0, shift) : len(ours) + min(0, shift)]
    second = theirs[max(0, -shift) : len(theirs) + min(0, -shift)]
    length = min(length, len(first))
    product, power, other = (
        _sums(np.einsum("td,td->t", a, b), length) for a, b in ((first, second), (first, first), (second, second))
    )
    enough = np.minimum(power, other) > _MOVES * length
    likeness = np.divide(product, np.sqrt(power * other), out=np.zeros_like(product), where=enough)
    return float(likeness.max())


def _sums(values: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    sums: NDArray[np.float64] = total[length:] - total[:-length]
    return sums
