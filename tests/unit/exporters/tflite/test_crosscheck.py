from pathlib import Path

import numpy as np

from exporters.tflite.crosscheck import INSTALL, LOCK, crosscheck
from factory.contracts.manifest import Outcome
from tests.unit.exporters.students import some_windows


def test_a_missing_converter_is_not_run_and_names_the_command(tmp_path: Path) -> None:
    check = crosscheck(tmp_path, some_windows(2), np.zeros((2, 4), np.float32), 1e-4, tmp_path / "none")
    assert check.outcome is Outcome.NOT_RUN
    assert check.value is None
    assert INSTALL in check.note


def test_the_lock_holds_hashes_and_names_no_index() -> None:
    text = LOCK.read_text()
    assert "litert-torch==0.10.0" in text
    assert text.count("--hash=sha256:") > 100
    assert "://" not in text
