"""Progress: lines in a log, bars on a terminal, silence for machines."""

import io

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


def test_quiet_is_silent_and_ci_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(make_progress(quiet=True), Silent)
    monkeypatch.delenv("CI", raising=False)
    assert isinstance(make_progress(quiet=False, console=terminal), TerminalProgress)
    monkeypatch.setenv("CI", "1")
    assert isinstance(make_progress(quiet=False, console=terminal), LineProgress)
