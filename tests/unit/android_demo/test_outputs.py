"""What the app's own tests left: Python must be able to read its recordings and its reports."""

import json
import tomllib
from pathlib import Path

import pytest

from factory.cli.app import run
from factory.contracts.manifest import Check, Outcome, Verification
from tests.replay.vectors import FOLDER, read_vector

TARGET = Path(__file__).parents[3] / "android_demo" / "app" / "target"


def _left(name: str) -> str:
    path = TARGET / name
    if not path.exists():
        pytest.skip("make android writes it")
    return path.read_text("utf-8")


def test_recordings_of_the_app_are_read_with_their_rate_units_and_gravity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *rows = _left("recording.csv").splitlines()
    people = [row.replace("me,", f"{name},", 1) for name in ("ann", "bo", "cy") for row in rows]
    table = tmp_path / "recordings.csv"
    table.write_text("\n".join([header, *people]) + "\n", "utf-8")
    assert run(["init", str(table), "--out", str(tmp_path)]) == 0
    assert "3 people, 2 classes, 50 Hz, acc in m/s^2, gyro in rad/s" in capsys.readouterr().out
    found = tomllib.loads((tmp_path / "data.toml").read_text("utf-8"))
    wanted = read_vector(FOLDER / "watch").contract.window.channels
    assert [(c["name"], c["quantity"], c["unit"]) for c in found["channels"]] == [
        (c.name, c.quantity, c.unit) for c in wanted
    ]
    assert [c["gravity"] for c in found["channels"][:3]] == [True, True, True]
    assert found["timestamp_unit"] == "ns"
    assert set(found["labels"]["order"]) == {'walk, "fast"', "sit"}


def test_the_report_of_a_phone_is_one_of_factory_verify() -> None:
    report = json.loads(_left("report.json"))
    seen = [Verification.model_validate(entry) for entry in report["verifications"]]
    assert {verification.subject.split("/")[0] for verification in seen} == {"tflite"}
    assert all(verification.accuracy and verification.latency for verification in seen)
    assert {Check.model_validate(check).outcome for check in report["checks"]} <= {Outcome.NOT_RUN}
