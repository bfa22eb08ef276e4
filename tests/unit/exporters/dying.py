"""A parent for the tests of exporters.process: python -m tests.unit.exporters.dying HOW FOLDER waits for a worker."""

import sys
from pathlib import Path

from exporters.process import run_worker
from factory.contracts.progress import Silent

if __name__ == "__main__":
    run_worker("tin", "tests.unit.exporters.behaving", [sys.argv[1]], Path(sys.argv[2]), Silent())
