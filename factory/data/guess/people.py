"""Who the people are: one spelled twice, and recordings taken for people."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

from factory.contracts.errors import DataError
from factory.data.guess.check import Check
from factory.data.guess.labels import respelled
from factory.data.guess.roles import Found
from factory.data.guess.rows import Scan
from factory.data.names import listed, natural

LEAST_PEOPLE = 3
"""One who trains, one who selects, one who tests."""
_PART = re.compile(r"(.+?)[\s_./-]+((?:[a-z]+[\s_-]?)?\d+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleGuess:
    """The people of a description.

    Attributes:
        rows: Person to rows.
        rename: Name in the files to the person it stands for.
        checks: What somebody must look at.
    """

    rows: dict[str, int]
    rename: dict[str, str]
    checks: tuple[Check, ...]


def guess_people(scan: Scan, subject: Found, where: str, least: int = LEAST_PEOPLE) -> PeopleGuess:
    """Sort the names of people.

    Raises:
        DataError: Fewer than `least`.
    """
    checks: list[Check] = []
    rename = respelled(scan.subjects, "subjects", checks)
    rows: Counter[str] = Counter()
    for name, number in scan.subjects.items():
        rows[rename.get(name, name)] += number
    if len(rows) < least:
        raise DataError(
            f"{where} holds {len(rows)} subjects in column '{subject.column}' ({listed(sorted(rows))}): training, "
            "selection and test need different people, at least 3: record more, or name another column with "
            "--subject COLUMN"
        )
    checks += _recordings_as_people(sorted(rows))
    return PeopleGuess(
        rows=dict(sorted(rows.items(), key=lambda item: natural(item[0]))), rename=rename, checks=tuple(checks)
    )


def _recordings_as_people(names: list[str]) -> list[Check]:
    """'1_1' and '1_2' are most likely two recordings of person 1."""
    people: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        match = _PART.fullmatch(name)
        if match is None:
            return []
        people[match[1]].append(name)
    several = {who: recordings for who, recordings in people.items() if len(recordings) > 1}
    if len(people) < 2 or len(several) < len(people) / 2:
        return []
    who, recordings = next(iter(several.items()))
    example = ", ".join(f"'{name}' = '{who}'" for name in recordings[:2])
    message = (
        f"names like {listed(recordings, 3)} look like recordings of one person ({who}), who would train and test at "
        f"once; {len(people)} people then: name the column of people with --subject, or write [subjects] rename = "
        f"{{ {example}, ... }}"
    )
    return [Check(code="subject.recordings", key="columns.subject", message=message)]
