"""Which parts of the files' names say person, label, session, sensor and placement: a pattern for `files`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from factory.data.intake.members import Member


@dataclass(frozen=True, kw_only=True, slots=True)
class PathGuess:
    """What the names of files say.

    Attributes:
        pattern: Fits every file of recordings; None where there is no such file.
        ignore: Patterns of the other files; none fits a file of recordings.
        fields: Named part of the pattern to the reason for it. Names: label, subject, session, sensor, placement, and
            for further parts of the session: date, trial, part.
        session: A template for `columns.session` that, with person, sensor and placement, tells every two files apart,
            for example '{session}_{trial}' or '{label}_{session}'; None where these do so by themselves.
        label_files: Names of files that may hold labels (labels.txt, Annotation.csv): for `guess_intervals`.
        sure: False where another reading is as likely, or files were left out that look like recordings.
        reason: Why, in words; names the other reading.
    """

    pattern: str | None
    ignore: tuple[str, ...]
    fields: dict[str, str]
    session: str | None = None
    label_files: tuple[str, ...] = field(default=())
    sure: bool
    reason: str


def guess_paths(members: Sequence[Member]) -> PathGuess:
    """Name the varying parts of the files' paths."""
    raise NotImplementedError
