"""For tests that kill: wait until something is so, and find a worker of the cluster that a test started."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def until(true: Callable[[], Any], seconds: float = 240.0) -> Any:
    """What it returns, once that is true."""
    began = time.monotonic()
    while not (found := true()):
        assert time.monotonic() - began < seconds, "nothing happened"
        time.sleep(0.05)
    return found


def ray_worker(task: str) -> int:
    """A process that runs a task of this name, below the cluster that this process started; 0 if there is none."""
    for entry in Path("/proc").iterdir():
        try:
            named = entry.name.isdecimal() and (entry / "cmdline").read_bytes().startswith(b"ray::" + task.encode())
            if named and os.getpid() in _ancestors(int(entry.name)):
                return int(entry.name)
        except OSError:  # it ended meanwhile
            continue
    return 0


def _ancestors(process: int) -> list[int]:
    found = []
    while process > 1:
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        found.append(process)
    return found
