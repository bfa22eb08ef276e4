"""Preparing a table takes the same memory however long the table is.

FACTORY_MEMORY_TEST_MB sets the size of the longer one.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.prepare_memory import describe, generate

SMALL_MB = 20
LARGE_MB = int(os.environ.get("FACTORY_MEMORY_TEST_MB", "60"))
LIMIT_MIB = 1000 * 1000 * 1000 / 1024 / 1024
GROWTH_MIB = 120
"""Chunks, buffers and the index of windows; rows held at once would take several times the 40 MB between the two."""


def peak_mib(folder: Path, megabytes: int, layout: str) -> float:
    """Peak memory of a process that prepares a generated table."""
    folder.mkdir()
    describe(folder)
    generate(folder, megabytes * 1_000_000, layout=layout)
    script = Path(__file__).parents[2] / "benchmarks" / "prepare_memory.py"
    done = subprocess.run(
        [sys.executable, str(script), "--only-prepare", str(folder)], check=True, capture_output=True, text=True
    )
    match = re.search(r"([0-9]+) MiB", done.stdout)
    assert match
    return float(match[1])


@pytest.mark.parametrize("layout", ["interleaved", "single"])
@pytest.mark.slow
def test_memory_does_not_grow_with_the_table(tmp_path: Path, layout: str) -> None:
    small = peak_mib(tmp_path / "small", SMALL_MB, layout)
    large = peak_mib(tmp_path / "large", LARGE_MB, layout)
    assert large < small + GROWTH_MIB
    assert large < LIMIT_MIB
