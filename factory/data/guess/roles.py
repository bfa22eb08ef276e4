"""What a column of a user's tables may be: what the user says, and what was found."""

from dataclasses import dataclass, field

from factory.contracts.window import WindowSpec
from factory.data.guess.check import Check
from factory.data.guess.triads import Axes


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A column, or a field of the path in braces, and why it was taken."""

    column: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What the user names on the command line; None leaves it to the guess.

    Attributes:
        subject: Column or '{field}'.
        session: Column or template.
        time: Column, or two with a comma between them.
        label: Column or '{field}'.
        sensor: Column or '{field}'.
        rate_hz: Where no time stamp tells it.
        sum_gravity: Whether Core Motion's acceleration and gravity are added.
        intervals: Whether labels stand in a file of their own.
        model: What a model takes that is to answer these recordings; they need neither labels nor people then.
    """

    subject: str | None = None
    session: str | None = None
    time: str | None = None
    label: str | None = None
    sensor: str | None = None
    rate_hz: float | None = None
    sum_gravity: bool = False
    intervals: bool = False
    model: WindowSpec | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Roles:
    """Every column's part in the tables.

    Attributes:
        subject: Who.
        session: Recordings of one person; None where all rows are one.
        times: Columns of time stamps that may be meant, the likeliest first; empty where there is none.
        date: A column of dates that belongs to `times[0]`, which then holds the time of day.
        label: Activities; None where they stand in a file of their own, or a model is to say them.
        sensor: Which sensor a row is of, in long tables.
        triads: Every sensor found, before one of each kind is chosen.
        left_out: Column to the reason why it is not used.
        checks: What a person must look at.
    """

    subject: Found
    session: Found | None
    times: tuple[Found, ...]
    date: str | None
    label: Found | None
    sensor: Found | None
    triads: tuple[Axes, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns or templates whose texts together make one sensor's recording, the subject's first."""
        return tuple(found.column for found in (self.subject, self.session, self.sensor) if found is not None)
