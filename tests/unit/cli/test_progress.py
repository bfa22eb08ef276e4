"""Progress: lines in a log, bars on a terminal, silence for machines."""

import io
import threading

import pytest
from rich.console import Console

from factory.cli._progress import LineProgress, TerminalProgress, make_progress
from factory.contracts.progress import Silent


def test_log_gets_one_line_a_task_with_its_last_note() -> None:
    out = io.StringIO()
    progress = LineProgress(Console(file=out, width=200))
    with progress.track("training", 2, "epochs") as task:
        task.advance(note="loss 0.5")
        task.advance(note="loss 0.4")
    progress.say("done [x]")
    first, last = out.getvalue().splitlines()
    assert first.startswith("  training: 2/2 epochs, loss 0.4, ")
    assert last == "done [x]"


def test_terminal_bars_may_nest() -> None:
    out = io.StringIO()
    progress = TerminalProgress(Console(file=out, force_terminal=True, width=100))
    with progress.track("outer", 1, "steps"), progress.track("inner", None, "rows") as task:
        task.advance(5, note="fast")
    assert "inner" in out.getvalue()
    assert "outer" in out.getvalue()


def test_bars_of_several_threads_share_one_display_until_the_last_has_ended() -> None:
    out = io.StringIO()
    progress = TerminalProgress(Console(file=out, force_terminal=True, width=100))
    first_is_open, first_ended = threading.Event(), threading.Event()

    def first() -> None:
        with progress.track("first", 1, "steps"):
            first_is_open.set()
            second_is_open.wait(10)
        first_ended.set()

    second_is_open = threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    first_is_open.wait(10)
    with progress.track("second", 3, "steps") as task:
        second_is_open.set()
        assert first_ended.wait(10)
        task.advance(3, note="alone")
    thread.join()
    with progress.track("third", 1, "steps") as task:
        task.advance()
    assert all(name in out.getvalue() for name in ("first", "second", "third"))


def test_quiet_is_silent_and_ci_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(make_progress(quiet=True), Silent)
    monkeypatch.delenv("CI", raising=False)
    assert isinstance(make_progress(quiet=False, console=terminal), TerminalProgress)
    monkeypatch.setenv("CI", "1")
    assert isinstance(make_progress(quiet=False, console=terminal), LineProgress)
