"""A worker for the tests of exporters.process: python -m tests.unit.exporters.behaving HOW."""

import os
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
            Path("pid").write_text(str(os.getpid()))
            time.sleep(60)
    done("convert", "end")


if __name__ == "__main__":
    sys.exit(serve(lambda done: work(sys.argv[1], done)))
