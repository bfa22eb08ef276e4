"""Each failure: one line, the right exit code, a traceback only with --debug."""

import contextlib
import errno
import os
import signal
import time

import pytest

from factory.cli._errors import EXIT_CODES, guarded
from factory.contracts import errors

KINDS = [
    (errors.FactoryError("x"), 1),
    (errors.RecipeError("x"), 3),
    (errors.DataError("x"), 4),
    (errors.LeakageError("x"), 4),
    (errors.MissingToolError("x"), 5),
    (errors.TrainingError("x"), 6),
    (errors.ExportError("x"), 7),
    (errors.GateError("x"), 8),
    (errors.ArtifactError("x"), 9),
    (errors.StorageError("x"), 10),
    (OSError(errno.ENOSPC, "No space left on device", "/a/b"), 10),
    (OSError(errno.EFBIG, "File too large"), 10),
    (PermissionError(errno.EACCES, "Permission denied", "/a/b"), 10),
    (MemoryError(), 1),
    (ZeroDivisionError("division\nby zero"), 1),
    (KeyboardInterrupt(), 130),
]


def raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(("error", "code"), KINDS, ids=lambda value: type(value).__name__)
def test_failure_is_one_line_and_its_exit_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(lambda: raising(error), debug=False) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert code in EXIT_CODES


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: raising(ZeroDivisionError()), debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


def test_unexpected_failure_says_it_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(lambda: raising(ZeroDivisionError("by zero")), debug=False)
    assert "ZeroDivisionError: by zero: this is a bug, run with --debug" in capsys.readouterr().err


def test_termination_runs_cleanup_and_exits_143(capsys: pytest.CaptureFixture[str]) -> None:
    cleaned = []
    before = signal.getsignal(signal.SIGTERM)

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            cleaned.append(True)

    try:
        assert guarded(work, debug=False) == 143
    finally:
        signal.signal(signal.SIGTERM, before)
    assert cleaned == [True]
    assert capsys.readouterr().err.startswith("terminated")


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_that_a_library_swallows_is_raised_again(capsys: pytest.CaptureFixture[str]) -> None:
    def deaf() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        time.sleep(30)

    began = time.monotonic()
    assert guarded(deaf, debug=False) == 130
    assert time.monotonic() - began < 20
    assert capsys.readouterr().err.startswith("interrupted")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
