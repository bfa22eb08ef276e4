"""Run the board's scripts as the board does: as programs, in a process of their own."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.devices.bundle import Bundle, scripts_folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """A script that ended; `report` is None where it wrote none."""

    code: int
    text: str
    report: Any

    def checks(self, gate: str) -> dict[str, Any]:
        """Outcome of a gate by engine."""
        return {row["engine"]: row["outcome"] for row in self.report["checks"] if row["gate"] == gate}


def unpack(bundle: Bundle, folder: Path) -> Path:
    """The bundle as a board has it; `folder` does not exist yet."""
    shutil.unpack_archive(bundle.path, folder, "tar")
    return folder


def run(script: str, bundle: Path, *arguments: str, **environment: str) -> Ran:
    """Run a script of this checkout on an unpacked bundle; PATH and others may be given anew."""
    report = bundle.parent / f"{script}.json"
    report.unlink(missing_ok=True)
    command: list[str | Path] = [
        sys.executable,
        scripts_folder() / f"{script}.py",
        "--bundle",
        bundle,
        "--report",
        report,
        *arguments,
    ]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    read = json.loads(report.read_text()) if report.exists() else None
    return Ran(code=done.returncode, text=done.stdout, report=read)
