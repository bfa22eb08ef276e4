"""The second converter: not run where it is missing, passes on a whole student, fails on a changed one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from exporters.tflite.crosscheck import INSTALL, LOCK, crosscheck, crosscheck_environment, installed, pinned
from factory.contracts.dataset import Floats
from factory.contracts.manifest import Outcome
from factory.models import fold, save_network
from tests.unit.exporters.students import some_windows, unfolded_student

LIMIT = 1e-4


@pytest.fixture(scope="module")
def environment() -> Path:
    """The second converter's own; 7 GB, so that most machines have none."""
    place = crosscheck_environment()
    if not installed(place):
        pytest.skip(f"needs the second converter: {INSTALL}")
    return place


@pytest.fixture
def student(tmp_path: Path) -> tuple[Path, Floats]:
    """A student on disk and its logits, which the fp32 artifact has to 1e-4 (tests/contract)."""
    network = unfolded_student()
    save_network(network, tmp_path / "student")
    with torch.no_grad():
        return tmp_path / "student", fold(network)(torch.from_numpy(some_windows(8))[:, :, None, :]).numpy()


def test_a_missing_converter_is_not_run_and_names_the_command(tmp_path: Path) -> None:
    check = crosscheck(tmp_path, some_windows(2), np.zeros((2, 4), np.float32), LIMIT, tmp_path / "none")
    assert check.outcome is Outcome.NOT_RUN
    assert check.value is None
    assert INSTALL in check.note


def test_an_environment_of_another_lock_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "ready").write_bytes(LOCK.read_bytes())
    assert installed(tmp_path)
    (tmp_path / "ready").write_bytes(LOCK.read_bytes()[:-1])
    assert not installed(tmp_path)


def test_the_lock_holds_hashes_and_names_no_index() -> None:
    text = LOCK.read_text()
    assert f"litert-torch=={pinned()}" in LOCK.with_suffix(".in").read_text()
    assert text.count("--hash=sha256:") > 100
    assert "://" not in text


@pytest.mark.slow
def test_the_second_converter_agrees_about_a_whole_student(environment: Path, student: tuple[Path, Floats]) -> None:
    check = crosscheck(student[0], some_windows(8), student[1], LIMIT, environment)
    assert check.outcome is Outcome.PASSED
    assert check.where.endswith(f"litert-torch {pinned()}")


@pytest.mark.slow
def test_one_weight_changed_after_the_export_fails(environment: Path, student: tuple[Path, Floats]) -> None:
    weights = load_file(student[0] / "network.safetensors")
    name = next(name for name, tensor in weights.items() if tensor.ndim == 4)
    weights[name].view(-1)[0] += 0.5
    save_file(weights, student[0] / "network.safetensors")
    check = crosscheck(student[0], some_windows(8), student[1], LIMIT, environment)
    assert check.outcome is Outcome.FAILED
    assert check.value is not None
    assert check.value > 10 * LIMIT
    assert "disagree" in check.note
