"""How the terminal shows progress: bars on a terminal, plain lines in a log, nothing for `--json`."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from factory.contracts.progress import Progress, Silent, Task

_SECONDS_BETWEEN_LINES = 15.0


def make_progress(quiet: bool, console: Console | None = None) -> Progress:
    """Bars on a terminal, lines otherwise or under CI, silence when `quiet`."""
    if quiet:
        return Silent()
    console = console or Console(stderr=True)
    if console.is_terminal and not os.environ.get("CI"):
        return TerminalProgress(console)
    return LineProgress(console)


@dataclass(frozen=True, slots=True)
class _Bar:
    """One rich bar."""

    bars: Bars
    task: TaskID

    def advance(self, amount: int = 1, note: str = "") -> None:
        self.bars.advance(self.task, amount)
        if note:
            self.bars.update(self.task, note=note)


class TerminalProgress:
    """Live bars; nested tasks and those of other threads share one display, since rich allows only one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._users = 0

    @contextmanager
    def _display(self) -> Iterator[Bars]:
        """The one display: the first who needs it opens it, the last who leaves closes it."""
        with self._lock:
            if self._bars is None:
                self._bars = self._open()
            self._users += 1
            bars = self._bars
        try:
            yield bars
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._bars = None
                    bars.stop()

    def _open(self) -> Bars:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
        )
        bars = Bars(*columns, console=self._console, transient=True)
        bars.start()
        return bars

    @contextmanager
    def track(self, task: str, total: int | None, unit: str) -> Iterator[Task]:
        """A bar named `task`; it vanishes at its end and leaves one line with the time it took."""
        started = time.monotonic()
        with self._display() as bars:
            number = bars.add_task(task, total=total, unit=unit, note="")
            try:
                yield _Bar(bars, number)
            finally:
                bars.remove_task(number)
            bars.console.print(f"  {task} [dim]{time.monotonic() - started:.1f} s[/]", highlight=False)

    def say(self, line: str) -> None:
        """One line above the bars."""
        self._console.print(line, highlight=False, markup=False)


@dataclass(slots=True)
class _Lines:
    """One task of a log: its start, now and then its state, its end."""

    console: Console
    name: str
    total: int | None
    unit: str
    done: int = 0
    note: str = ""
    shown: float = field(default_factory=time.monotonic)

    def advance(self, amount: int = 1, note: str = "") -> None:
        self.done += amount
        self.note = note or self.note
        if time.monotonic() - self.shown >= _SECONDS_BETWEEN_LINES:
            self.shown = time.monotonic()
            self.show()

    def show(self, end: str = "") -> None:
        of = f"/{self.total}" if self.total is not None else ""
        parts = [f"{self.done}{of} {self.unit}".strip(), self.note, end]
        line = f"  {self.name}: {', '.join(part for part in parts if part)}"
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


class LineProgress:
    """Plain lines: at a task's end, and every 15 seconds of a long one."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def track(self, task: str, total: int | None, unit: str) -> Iterator[Task]:
        """Lines headed `task`."""
        started = time.monotonic()
        lines = _Lines(self._console, task, total, unit)
        yield lines
        lines.show(f"{time.monotonic() - started:.1f} s")

    def say(self, line: str) -> None:
        """One line."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
