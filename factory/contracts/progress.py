"""How long work tells how far it is, without knowing who listens, and hears that it shall stop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Cancelled(BaseException):
    """The work was cancelled. Not an Exception, so that nobody takes it for a failure of what was called."""


class Cancel:
    """A request to stop: set by one thread, looked at by those that work. Never set unless somebody does."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask for the stop; it cannot be taken back."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the stop was asked for."""
        return self._event.is_set()

    def raise_if_set(self) -> None:
        """Stop here if that was asked for.

        Raises:
            Cancelled: It was.
        """
        if self.is_set():
            raise Cancelled


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
