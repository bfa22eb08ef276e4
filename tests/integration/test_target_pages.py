"""The code in docs/targets, run as an app's developer would, on a finished build."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from factory.contracts.window import SensorContract
from tests.integration.conftest import environment
from tests.unit.test_repository import FENCE, ROOT

pytestmark = pytest.mark.slow

(CODE,) = [
    block
    for language, block in FENCE.findall((ROOT / "docs/targets/tflite.md").read_text("utf-8"))
    if language == "python"
]


def run(folder: Path, code: str = CODE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "build/demo")
    return tmp_path


def test_the_python_code_reproduces_the_golden_pack_and_names_labels(folder: Path) -> None:
    contract = SensorContract.model_validate_json((folder / "build/demo/contract.json").read_bytes())
    done = run(folder)
    assert done.returncode == 0, done.stderr
    named = done.stdout.split()
    assert len(named) >= 2
    assert set(named) <= set(contract.window.labels)


def test_the_python_code_notices_a_model_that_is_fed_wrongly(folder: Path) -> None:
    done = run(folder, CODE.replace("logits(x.T)", "logits(x.T / 9.80665)"))
    assert done.returncode == 1
    assert "AssertionError" in done.stderr


def test_the_python_code_refuses_what_a_phone_cannot_feed(folder: Path) -> None:
    build = folder / "build/demo"
    contract = json.loads((build / "contract.json").read_bytes()) | {"phone_obstacles": ["needs filter median"]}
    done = run(folder, CODE.replace('json.loads(inside.read("contract.json"))', repr(contract)))
    assert done.returncode == 1
    assert "a phone cannot feed this model: needs filter median" in done.stderr
