"""Failures become one line on stderr and an exit code; `--debug` adds the traceback.

The codes are those of `factory.contracts.errors`, and docs/cli.md lists them.
"""

import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from factory.cli import _output
from factory.contracts.errors import Terminated, describe

USAGE = 2
INTERRUPTED = 130
TERMINATED = 143
_INSIST_S = 2.0
_GO_ON = "what is finished is kept, run the same command again to go on"

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


def guarded(call: Callable[[], object], debug: bool, as_json: bool = False) -> int:
    """Run `call`; report what it raises in one line on stderr.

    Args:
        call: The whole command.
        debug: Print the traceback, too.
        as_json: Report it on stdout, too, as a JSON object, where no result stands there.

    Returns:
        The process's exit code.
    """
    fail = _Failure(as_json=as_json)
    before = signal.signal(signal.SIGTERM, _terminate)
    before_interrupt = signal.signal(signal.SIGINT, _insist)
    try:
        call()
    except SystemExit as stop:
        return _typer_code(stop, fail)
    except KeyboardInterrupt:
        return fail.interrupted()
    except Terminated:
        return fail.tell("Terminated", f"terminated: {_GO_ON}", TERMINATED)
    except Exception as error:
        if debug:
            traceback.print_exc()
        line, code = describe(error)
        return fail.tell(type(error).__name__, f"error: {line}", code)
    finally:
        if signal.getsignal(signal.SIGALRM) is _insist:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, before_interrupt)
        signal.signal(signal.SIGTERM, before)
    return 0


def _typer_code(stop: SystemExit, fail: "_Failure") -> int:
    """Typer ends with SystemExit always, and turns an interrupt into a silent 130."""
    if stop.code == INTERRUPTED:
        return fail.interrupted()
    if stop.code == USAGE and fail.as_json:
        _output.print_json_error("unknown option, argument or value: see --help", USAGE, "UsageError")
    return stop.code if isinstance(stop.code, int) else int(stop.code is not None)


def _insist(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt until `guarded` sees it: one that arrives in a destructor or callback is swallowed."""
    signal.signal(signal.SIGALRM, _insist)
    signal.setitimer(signal.ITIMER_REAL, _INSIST_S)
    raise KeyboardInterrupt


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failure:
    """How a command that failed says so."""

    as_json: bool

    def tell(self, kind: str, line: str, code: int) -> int:
        """One line on stderr and, if asked for, a JSON object on stdout; returns the exit code."""
        print(line, file=sys.stderr, flush=True)  # noqa: T201
        if self.as_json:
            _output.print_json_error(line.removeprefix("error: "), code, kind)
        return code

    def interrupted(self) -> int:
        """The user pressed Ctrl-C."""
        return self.tell("KeyboardInterrupt", f"interrupted: {_GO_ON}", INTERRUPTED)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
