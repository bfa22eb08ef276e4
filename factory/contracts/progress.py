"""How long work tells how far it is, without knowing who listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Task(Protocol):
    """One bar."""

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Move on by `amount`; `note` shows the latest figures, for example 'loss 0.31'."""
        ...


class Progress(Protocol):
    """Bars and lines. The command line draws them; tests and libraries pass `Silent`."""

    @contextmanager
    def track(self, task: str, total: int | None, unit: str) -> Iterator[Task]:
        """A bar named `task` that lives in the with-block; `total` None when the end is unknown."""
        ...

    def say(self, line: str) -> None:
        """One line that stays."""
        ...


class Silent:
    """Nobody listens."""

    @contextmanager
    def track(self, task: str, total: int | None, unit: str) -> Iterator[Task]:
        """A bar that is never drawn."""
        yield self

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Nothing to move."""

    def say(self, line: str) -> None:
        """Nothing to print."""
