"""Failures become one line on stderr and an exit code; `--debug` adds the traceback.

The codes are those of `factory.contracts.errors`, and docs/cli.md lists them.
"""

import errno
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType

from factory.contracts.errors import FactoryError, StorageError
from factory.contracts.files import ELSEWHERE

INTERRUPTED = 130
TERMINATED = 143
_INSIST_S = 2.0
BUG = 1

EXIT_CODES = {
    0: "done, every gate passed",
    1: "a bug of the factory",
    2: "unknown option or argument",
    3: "recipe: misspelt key, value out of range",
    4: "recordings: unreadable, wrong unit, leakage",
    5: "a package, tool or device is missing",
    6: "training diverged or cannot start",
    7: "a converter refused the network",
    8: "a gate broke: parity, accuracy or size",
    9: "a file of a build is corrupt or foreign",
    10: "disk full, not writable, or build in use",
    INTERRUPTED: "interrupted",
    TERMINATED: "terminated",
}


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, so that no library swallows it and every `finally` runs."""


def guarded(call: Callable[[], object], debug: bool) -> int:
    """Run `call`; report what it raises in one line on stderr.

    Args:
        call: The whole command.
        debug: Print the traceback, too.

    Returns:
        The process's exit code.
    """
    before = signal.signal(signal.SIGTERM, _terminate)
    before_interrupt = signal.signal(signal.SIGINT, _insist)
    try:
        call()
    except SystemExit as stop:
        return _typer_code(stop)
    except KeyboardInterrupt:
        return _interrupted()
    except Terminated:
        return _fail("terminated: what is finished is kept, run the same command again to go on", TERMINATED)
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _fail(*describe(error))
    finally:
        if signal.getsignal(signal.SIGALRM) is _insist:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, before_interrupt)
        signal.signal(signal.SIGTERM, before)
    return 0


def describe(error: Exception) -> tuple[str, int]:
    """The one line and the exit code of a failure."""
    if isinstance(error, FactoryError):
        return f"error: {one_line(str(error))}", error.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        where = f" for {error.filename}" if error.filename else ""
        return f"error: no space left{where}: free some, or {ELSEWHERE}", StorageError.exit_code
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        line = f"error: {error.filename} is not readable or not writable: change its permissions"
        return line, StorageError.exit_code
    if isinstance(error, MemoryError):
        return "error: out of memory: close other programs, or choose a smaller batch, hop or data set", 1
    text = one_line(str(error))
    return f"error: {type(error).__name__}: {text:.300}: this is a bug, run with --debug for the traceback", BUG


def one_line(text: str) -> str:
    """Collapse every run of white space to one blank."""
    return " ".join(text.split())


def _typer_code(stop: SystemExit) -> int:
    """Typer ends with SystemExit always, and turns an interrupt into a silent 130."""
    if stop.code == INTERRUPTED:
        return _interrupted()
    return stop.code if isinstance(stop.code, int) else int(stop.code is not None)


def _insist(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt until `guarded` sees it: one that arrives in a destructor or callback is swallowed."""
    signal.signal(signal.SIGALRM, _insist)
    signal.setitimer(signal.ITIMER_REAL, _INSIST_S)
    raise KeyboardInterrupt


def _interrupted() -> int:
    return _fail("interrupted: what is finished is kept, run the same command again to go on", INTERRUPTED)


def _fail(line: str, code: int) -> int:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
    return code


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
