"""The commands and the Python of docs/use-a-model.md, on the model that ships."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import factory
from tests.integration.conftest import Factory, environment
from tests.integration.test_light import made_recording
from tests.unit.test_repository import FENCE, ROOT

pytestmark = pytest.mark.slow

PAGE = FENCE.findall((ROOT / "docs/use-a-model.md").read_text("utf-8"))


@pytest.fixture
def pulled(factory: Factory, tmp_path: Path) -> Path:
    (block,) = (block for language, block in PAGE if language == "console")
    for line in block.splitlines()[1:]:
        done = factory(*line.split()[1:])
        assert done.code == 0, done.err
    return tmp_path


def test_the_commands_bring_the_files_that_the_page_names(pulled: Path) -> None:
    for path in ("phone/manifest.json", "phone/contract.json", "phone/README.md", "phone-executorch/manifest.json"):
        assert (pulled / path).is_file()
    assert (pulled / "phone-executorch/executorch/model_int8_static.pte").is_file()


def test_the_python_labels_a_stream(pulled: Path) -> None:
    (code,) = (block for language, block in PAGE if language == "python")
    spec = factory.Model(pulled / "phone/tflite/model_int8_static.tflite").contract.window
    table = made_recording(pulled / "recording.csv", spec)
    lines = (pulled / "recording.csv").read_text().splitlines()[1:]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=pulled,
        env=environment(pulled) | {"PYTHONPATH": str(ROOT)},
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    expected = factory.predict(pulled / "phone", pulled / "recording.csv", target="tflite").parts[0].predictions
    assert len(said) == len(expected.labels)
    assert all(line.split("s: ")[1].rpartition(" (")[0] in spec.labels for line in said)
    assert len(np.unique(table["time_s"])) > len(said)


def test_signs_of_the_other_platform_are_a_warning(pulled: Path, factory: Factory) -> None:
    """The model's people had gravity along -y."""
    for name, y in (("android", -9.81), ("ios", 9.81)):
        rows = [f"{i / 50},0.3,{y},0.9,0.1,0,{0.1 * (i % 7)}" for i in range(400)]
        header = "time_s,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"
        (pulled / f"{name}.csv").write_text("\n".join([header, *rows]))
    for words in (("predict", "phone"), ("contract", "check", "phone")):
        assert "warning" not in factory(*words, "android.csv").err
        done = factory(*words, "ios.csv")
        assert (done.code, "warning: gravity in acc points the other way" in done.err) == (0, True), done.err
        assert "warning" not in done.out
    found = json.loads(factory("contract", "check", "phone", "ios.csv", "--json").out)
    assert len(found["doubts"]) == 1
