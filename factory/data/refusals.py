"""What keeps recordings from being cut into windows, although each can be read: nothing trained on them would be right.

`factory data check` reports the same as findings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self, cast

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError
from factory.contracts.report import Finding, Severity
from factory.contracts.table import SourceUnit
from factory.contracts.window import Channel
from factory.data.names import spelled_alike, spelled_twice
from factory.data.people_units import PeopleUnits
from factory.data.rates import Classes, Rates
from factory.data.sources import Source


class Judge:
    """Looks at recordings while they stream through, in constant memory.

    Args:
        channels: Of the recordings, after `columns`.
        labels: The classes.
        declared: Unit that a channel is described in, by name, where recordings were converted from it.
        columns: Columns of the channels in the recordings; None for the first ones, in order.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        labels: Sequence[str],
        declared: Mapping[str, SourceUnit] | None = None,
        columns: Sequence[int] | None = None,
    ) -> None:
        self.units = PeopleUnits(channels, declared, columns)
        self.rates = Rates()
        self._labels = tuple(labels)
        self._subjects: dict[str, None] = {}

    def add(self, recording: Recording, classes_of: Classes | None = None) -> None:
        """Take in one recording; with `classes_of`, the rates of classes are compared, too."""
        self._subjects[recording.subject] = None
        self.units.add(recording)
        self.rates.add(recording, classes_of)

    def merge(self, other: Self) -> None:
        """Take in all that `other`, which looked at other recordings, has seen."""
        self._subjects |= other._subjects
        self.units.merge(other.units)
        self.rates.merge(other.rates)

    def refusals(self) -> tuple[Finding, ...]:
        """The errors with which no window is cut."""
        found = (*self.units.findings(), *self.rates.mixed_units(), *self._spelled_twice())
        return tuple(finding for finding in found if finding.severity is Severity.ERROR)

    def findings(self) -> tuple[Finding, ...]:
        """The refusals, and what a person should look at."""
        return (*self.units.findings(), *self.rates.mixed_units(), *self._spelled_twice(), *self._spelled_alike())

    def require_usable(self, source: str) -> None:
        """Raise the first refusal.

        Raises:
            DataError: Units or gravity contradict the description or differ between people; so does the unit of time;
                a person or label is spelled twice.
        """
        found = self.refusals()
        if found:
            more = f" (and {len(found) - 1} more: factory data check)" if len(found) > 1 else ""
            raise DataError(f"{source}: {found[0].where}: {found[0].message}{more}")

    def _names(self) -> Iterator[tuple[str, Iterable[str]]]:
        yield "subject", self._subjects
        yield "label", self._labels

    def _spelled_twice(self) -> Iterator[Finding]:
        for what, names in self._names():
            for spellings in spelled_twice(names):
                quoted = " and ".join(f"'{name}'" for name in spellings)
                harm = (
                    "leakage: one person would stand in two parts of the split: give the person one name"
                    if what == "subject"
                    else "one activity would be two classes: spell it one way, or merge them in the recipe: data.merge"
                )
                yield Finding(
                    severity=Severity.ERROR,
                    code=f"{what}.spelled_twice",
                    where=f"{what}s {quoted}",
                    message=f"are spellings of one name; {harm}",
                    places=tuple(self.units.places(spellings)) if what == "subject" else (),
                )

    def _spelled_alike(self) -> Iterator[Finding]:
        for what, names in self._names():
            for spellings in spelled_alike(names):
                quoted = " and ".join(f"'{name}'" for name in spellings)
                yield Finding(
                    severity=Severity.WARNING,
                    code=f"{what}.spelled_alike",
                    where=f"{what}s {quoted}",
                    message=f"look like spellings of one name: if they are, give that {what} one name",
                )


def declared_units(source: Source) -> dict[str, SourceUnit]:
    """Unit that each channel of a described table is stored in, by name; empty for other sources."""
    details = getattr(source, "details", None)
    channels = details.get("channels", ()) if isinstance(details, dict) else ()
    return {channel["name"]: cast(SourceUnit, channel["unit"]) for channel in channels}
