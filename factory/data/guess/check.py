"""What a person must look at, and where data.toml shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One question that no file answers.

    Attributes:
        code: For programs: 'unit.mixed'.
        key: Of data.toml, where it is shown: 'columns.label', 'channels.acc', 'rate_hz'.
        message: One line: what was seen, what was taken, what else it could be.
    """

    code: str
    key: str
    message: str
