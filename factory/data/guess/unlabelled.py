"""Who is labelled and who is not: a teacher can answer for people whom nobody labelled."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from factory.contracts.errors import DataError
from factory.data.guess.check import Check
from factory.data.guess.labels import LabelGuess
from factory.data.guess.people import LEAST_PEOPLE, PeopleGuess
from factory.data.guess.rows import Scan
from factory.data.intake.intervals import same_name
from factory.data.intake.members import Member
from factory.data.names import listed


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledGuess:
    """Who can train, select and test, and who cannot.

    Attributes:
        people: Those with a labelled row.
        without: Those of whom no row says what it is.
        optional: Whether some files have no column of labels at all.
        checks: What somebody must look at.
    """

    people: tuple[str, ...]
    without: tuple[str, ...]
    optional: bool
    checks: tuple[Check, ...]

    @property
    def answered(self) -> bool:
        """Whether a teacher should answer for those without: few of them beside many labelled people teach nothing."""
        return len(self.without) >= len(self.people)


def guess_labelled(
    scan: Scan,
    people: PeopleGuess,
    labels: LabelGuess,
    column: str | None,
    lacking: Sequence[Member],
    told: Collection[str] | None = None,
) -> LabelledGuess:
    """Tell people with labels from those without.

    Args:
        scan: All rows.
        people: Everybody.
        labels: What label texts mean.
        column: Of labels; None where they stand in a file of their own.
        lacking: Files without that column.
        told: Whom a file of labels names; None where it names nobody, and everybody counts as labelled.

    Raises:
        DataError: Too few are labelled.
    """
    if column is None and told is None:
        return LabelledGuess(people=tuple(people.rows), without=(), optional=False, checks=())
    if column is None:
        named = {same_name(people.rename.get(who, who)) for who in told or ()}
        known = {who for who in people.rows if same_name(who) in named}
        silent = people.rows.keys() - known
    else:
        of: defaultdict[str, set[str]] = defaultdict(set)
        for text, found in scan.people_of.items():
            of[labels.rename.get(text, text)] |= {people.rename.get(who, who) for who in found}
        known = set().union(*(of[text] for text in labels.order))
        silent = set().union(*(of[text] for text in labels.unlabelled)) - known
    if len(known) < LEAST_PEOPLE:
        where = f" in column '{column}'" if column else ""
        raise DataError(
            f"{len(known)} of {len(people.rows)} people have labels{where} "
            f"({listed([name for name in people.rows if name in known])}): one trains, one selects and one tests, at "
            f"least {LEAST_PEOPLE}: label more people; the others may stay without"
        )
    checks = []
    if lacking:
        names = listed([member.name for member in lacking])
        message = (
            f"{len(lacking)} files have no column '{column}' ({names}): their rows count as unlabelled; if theirs has "
            "another name, rename it"
        )
        checks.append(Check(code="label.absent", key="labels.optional", message=message))
    return LabelledGuess(
        people=tuple(name for name in people.rows if name in known),
        without=tuple(name for name in people.rows if name in silent),
        optional=bool(lacking),
        checks=tuple(checks),
    )
