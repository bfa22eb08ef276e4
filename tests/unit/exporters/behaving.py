"""A worker for the tests of exporters.process: python -m tests.unit.exporters.behaving HOW."""

import errno
import os
import re
import sys
import time
from pathlib import Path

from exporters.process import Done, serve


def work(how: str, done: Done) -> None:
    """Import, then behave as told."""
    print("noise of an SDK")  # noqa: T201
    done("import", "convert")
    match how:
        case "fails":
            print("ERROR: operator Foo is unknown")  # noqa: T201
            raise ValueError("cannot convert")
        case "dies":
            os.abort()
        case "hangs":
            _say_pid()
            time.sleep(60)
        case "keeps the lock":
            _say_pid()
            re.match(r"(a+)+$", "a" * 60 + "b")  # for years, in one call that lets no other thread run
        case "fills the disk":
            raise OSError(errno.ENOSPC, "No space left on device", "saved_model.pb")
        case "fills the disk in C++":
            raise ValueError("Failed to write variables: No space left on device") from None
        case "fills the real disk":
            Path("large").write_bytes(bytes(1 << 24))
        case "exits on a full disk":
            print("ERROR: write: No space left on device")  # noqa: T201
            sys.exit(1)
    done("convert", "end")


def _say_pid() -> None:
    Path("unnamed").write_text(str(os.getpid()))
    Path("unnamed").rename("pid")


if __name__ == "__main__":
    sys.exit(serve(lambda done: work(sys.argv[1], done)))
