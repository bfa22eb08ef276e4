"""The whole pipeline on a tiny recipe: what is written, what is redone, what is noticed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.registry import targets
from factory.artifacts.manifest_io import read_manifest, verify_files
from factory.contracts.manifest import Outcome
from factory.contracts.window import SensorContract
from factory.recipes import find_recipe
from tests.integration.conftest import RECIPE, Factory, environment

pytestmark = pytest.mark.slow

STAGES = ("windows", "teacher", "student", "onnx", "golden", "tflite", "verify", "manifest", "report")


def redone(err: str) -> list[str]:
    """Stages that a build's output says it ran."""
    return [stage for stage in STAGES if f"{stage} ..." in err.splitlines()]


def test_build_writes_everything_and_its_manifest_describes_it(finished: Path) -> None:
    manifest = read_manifest(finished / "manifest.json")
    verify_files(finished, manifest)
    assert [artifact.path for artifact in manifest.artifacts] == ["tflite/model_fp32.tflite"]
    assert [step.subject for step in manifest.conversion] == ["eager", "folded", "onnx"]
    assert manifest.verifications[0].accuracy is not None
    assert not manifest.failed
    assert (finished / "report.html").stat().st_size > 10_000
    assert not list(finished.rglob("*.part"))
    subjects = manifest.data
    assert not set(subjects.test_subjects) & set(subjects.train_subjects + subjects.validation_subjects)


def test_contract_is_what_an_app_needs(finished: Path) -> None:
    contract = SensorContract.model_validate_json((finished / "contract.json").read_bytes())
    assert contract.window == read_manifest(finished / "manifest.json").contract
    assert len(contract.normalisation.mean) == len(contract.window.channels)


def test_second_build_redoes_nothing(build: Path, factory: Factory) -> None:
    before = {path: path.read_bytes() for path in build.rglob("*") if path.is_file() and path.name != "owner"}
    done = factory("build", RECIPE, "--out", build)
    assert done.code == 0
    assert redone(done.err) == []
    assert before == {path: path.read_bytes() for path in before}


def test_only_what_depends_on_a_change_is_redone(build: Path, factory: Factory, tmp_path: Path) -> None:
    changed = tmp_path / "changed.toml"
    changed.write_text(RECIPE.read_text().replace("golden_windows = 16", "golden_windows = 20"))
    done = factory("build", changed, "--out", build)
    assert done.code == 0
    assert redone(done.err) == ["golden", "verify", "manifest", "report"]
    assert read_manifest(build / "manifest.json").conversion[0].parity.windows == 20


def test_damaged_output_is_made_again(build: Path, factory: Factory) -> None:
    (build / "onnx" / "model.onnx").write_bytes(b"")
    done = factory("build", RECIPE, "--out", build)
    assert done.code == 0
    assert redone(done.err) == ["onnx"], "the same student gives the same graph, so nothing after it changes"


def test_verify_passes_and_measures_the_test_split(build: Path, factory: Factory) -> None:
    done = factory("verify", build, "--json")
    assert done.code == 0
    result = json.loads(done.out)
    assert result["verifications"][0]["accuracy"]["windows"] > 100
    assert done.err == ""


def test_a_full_verification_imports_no_trainer_and_no_converter(build: Path, cache: Path) -> None:
    code = (
        "import sys; from factory.cli.app import run; "
        f"assert run(['verify', {str(build)!r}, '--json']) == 0; "
        "print(sorted({'torch', 'torch.onnx', 'tensorflow', 'onnx2tf', 'executorch'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment(cache), capture_output=True, text=True, check=True)
    assert '"accuracy": {' in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_verify_refuses_an_artifact_with_one_flipped_byte(build: Path, factory: Factory) -> None:
    path = build / "tflite" / "model_fp32.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = factory("verify", build)
    assert done.code == 9
    assert "model_fp32.tflite" in done.err
    assert done.err.count("\n") == 1


def test_verify_names_a_gate_that_breaks(build: Path, factory: Factory) -> None:
    from dataclasses import replace

    from factory.artifacts.manifest_io import write_manifest
    from factory.artifacts.store import describe_file
    from factory.verification.golden import read_golden, write_golden

    golden = read_golden(build / "golden.npz")
    write_golden(build / "golden.npz", replace(golden, logits=golden.logits[:, ::-1].copy()))
    manifest = read_manifest(build / "manifest.json")
    files = tuple(describe_file(build, file.path) for file in manifest.files)
    write_manifest(build / "manifest.json", manifest.model_copy(update={"files": files}))
    assert factory("report", build).code == 0
    done = factory("verify", build)
    assert done.code == 8
    assert "tflite/fp32 parity.max_abs" in done.err


def test_build_that_breaks_a_gate_exits_8_and_still_writes_manifest_and_report(
    build: Path, factory: Factory, tmp_path: Path
) -> None:
    bulky = tmp_path / "bulky.toml"
    bulky.write_text(RECIPE.read_text().replace('["fp32"]', '["fp32", "fp16"]'))
    done = factory("build", bulky, "--out", build)
    assert done.code == 8
    assert "tflite/fp16 size.ratio" in done.err.splitlines()[-1]
    assert redone(done.err) == ["tflite", "verify", "manifest", "report"]
    manifest = read_manifest(build / "manifest.json")
    verify_files(build, manifest)
    assert [check.gate for check in manifest.failed] == ["size.ratio"]
    assert "size.ratio" in (build / "report.html").read_text()
    again = factory("build", bulky, "--out", build)
    assert (again.code, redone(again.err)) == (8, []), "a broken gate stays broken"


def test_export_alone_keeps_a_manifest_that_is_still_true(build: Path, factory: Factory) -> None:
    done = factory("export", build, "--json")
    assert done.code == 0
    assert [artifact["precision"] for artifact in json.loads(done.out)] == ["fp32"]
    assert (build / "manifest.json").exists()


def test_report_is_written_again(build: Path, factory: Factory, tmp_path: Path) -> None:
    done = factory("report", build, "--out", tmp_path / "r.html", "--picture", tmp_path / "r.png")
    assert done.code == 0
    assert (tmp_path / "r.html").stat().st_size > 10_000
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


def test_update_keeps_the_conversion_checks_and_renews_the_artifacts(build: Path, factory: Factory) -> None:
    before = read_manifest(build / "manifest.json")
    assert factory("verify", build, "--update").code == 0
    after = read_manifest(build / "manifest.json")
    assert after.conversion == before.conversion
    assert after.verifications != before.verifications, "latency never repeats to the last digit"
    assert {c.gate for c in after.checks} == {c.gate for c in before.checks}
    assert all(c.outcome is not Outcome.FAILED for c in after.checks)


def test_a_build_of_an_accelerometer_alone_passes_every_target_without_a_network(
    factory: Factory, tmp_path: Path, no_network: Path
) -> None:
    text = RECIPE.read_text().replace("hop = 128\n", 'hop = 128\nchannels = ["acc_x", "acc_y", "acc_z"]\n')
    (tmp_path / "three.toml").write_text(text.replace('["fp32"]', '["fp32", "fp16"]'))
    installed = [target.name for target in targets() if target.available]
    options = [part for name in installed for part in ("--target", name)]
    done = factory("build", tmp_path / "three.toml", "--out", tmp_path / "three", *options)
    assert not no_network.exists(), no_network.read_text()
    manifest = read_manifest(tmp_path / "three" / "manifest.json")
    assert {artifact.target for artifact in manifest.artifacts} == set(installed)
    assert {check.gate for check in manifest.failed} <= {"size.ratio"}, done.err
    assert len(manifest.contract.channels) == 3


def test_minutes_cut_the_epochs_and_the_recipe_says_so(factory: Factory, tmp_path: Path) -> None:
    out = tmp_path / "timed"
    done = factory("train", RECIPE, "--minutes", "600", "--out", out)
    assert done.code == 0, done.err
    assert find_recipe(out / "recipe.toml").train == find_recipe(RECIPE).train
    refused = factory("train", "demo", "--minutes", "0.01", "--out", tmp_path / "none")
    assert refused.code == 3
    assert "one epoch of each training takes" in refused.err
