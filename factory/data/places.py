"""Where single samples or intervals are wrong: the first few stretches of each kind."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from factory.contracts.report import Finding, Place
from factory.data.statistics import Doubles

_MOST = 20
"""Places that are kept of each finding."""


class Places:
    """Stretches of recordings by the code of a finding and what it concerns."""

    def __init__(self) -> None:
        self._found: defaultdict[tuple[str, str], list[Place]] = defaultdict(list)

    def add(self, code: str, where: str, place: Place) -> None:
        """Keep a place, unless there are enough."""
        if len(self._found[code, where]) < _MOST:
            self._found[code, where].append(place)

    def add_samples(
        self, code: str, where: str, recording: tuple[str, str], time_s: Doubles, wrong: NDArray[np.bool_]
    ) -> None:
        """Keep the stretches of consecutive samples (T,) that are `wrong`; `recording` is (subject, session)."""
        if len(self._found[code, where]) >= _MOST or not wrong.any():
            return
        for first, last in stretches(wrong)[:_MOST]:
            start_s, end_s = float(time_s[first]), float(time_s[last - 1])
            place = Place(subject=recording[0], session=recording[1], start_s=start_s, end_s=end_s)
            self.add(code, where, place)

    def merge(self, other: Self) -> None:
        """Take in all that `other`, of other recordings, has kept."""
        for (code, where), places in other._found.items():
            for place in places:
                self.add(code, where, place)

    def pinned(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings, with the places of those that have none of their own."""
        found = []
        for finding in findings:
            places = tuple(self._found.get((finding.code, finding.where), ()))
            found.append(finding if finding.places or not places else finding.model_copy(update={"places": places}))
        return found


def stretches(wrong: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open ranges of consecutive True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wrong, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
