"""`import factory` on a real build: the notebook runs, and a model answers, or says why not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import factory
from factory.contracts.errors import ArtifactError, DataError, GateError
from factory.verification.golden import read_golden
from tests.integration.conftest import RECIPE, environment

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[2] / "docs" / "examples" / "recognise.py"


def test_the_notebook_runs(build: Path, cache: Path, tmp_path: Path) -> None:
    code = NOTEBOOK.read_text().replace('RECIPE = "demo"', f'RECIPE = "{RECIPE}"')
    code = code.replace('OUT = Path("build/demo")', f'OUT = Path("{build}")')
    assert str(RECIPE) in code
    assert str(build) in code
    script = tmp_path / "notebook.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script], env=environment(cache), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1500:]
    assert "gates, none broken" in done.stdout


@pytest.fixture
def model(build: Path) -> factory.Model:
    return factory.Model(factory.open_build(build).file("tflite", "fp32"))


def test_a_model_answers_labels_and_probabilities(model: factory.Model, build: Path) -> None:
    golden = read_golden(build / "golden.npz")
    answer = model.predict(golden.x)
    np.testing.assert_allclose(answer.logits, golden.logits, atol=1e-4)
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1, atol=1e-5)
    assert answer.labels.tolist() == [golden.labels[k] for k in golden.logits.argmax(axis=1)]
    assert answer.classes == golden.labels
    assert model.predict(golden.x[0]).labels.tolist() == answer.labels[:1].tolist()


def test_a_copy_of_the_file_alone_carries_its_contract(build: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "walk.tflite"
    copy.parent.mkdir()
    copy.write_bytes((build / "tflite" / "model_fp32.tflite").read_bytes())
    assert factory.Model(copy).contract.window == factory.open_build(build).manifest.contract


def test_windows_in_g_are_refused_and_a_recording_in_g_is_converted(model: factory.Model, build: Path) -> None:
    from factory.contracts.progress import Silent
    from factory.data import prepare

    manifest = factory.open_build(build).manifest
    windows = prepare(manifest.recipe.data, None, build.parent / "cache", Silent())
    x = np.asarray(windows.x[:60])
    expected = model.predict(x).labels
    wrong = x.copy()
    wrong[:, :3] /= 9.80665
    with pytest.raises(DataError, match=r"acc.* is taken in m/s\^2, but looks like g"):
        model.predict(wrong)
    names = [channel.name for channel in model.contract.window.channels]
    start = np.arange(x.shape[2]) / model.contract.window.rate_hz
    told = [
        model.predict_recording(
            {"time_s": start, **dict(zip(names, window, strict=True))}, units={"accelerometer": "g"}
        ).labels[0]
        for window in wrong[:10]
    ]
    assert told == expected[:10].tolist()


def test_what_is_no_model_is_refused_in_one_line(build: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        factory.Model(build / "tflite" / "model_fp64.tflite")
    with pytest.raises(ArtifactError, match=r"ends in '\.json': a model file ends in one of \.tflite"):
        factory.Model(build / "manifest.json")
    torn = tmp_path / "torn.tflite"
    torn.write_bytes((build / "tflite" / "model_fp32.tflite").read_bytes()[:2000])
    with pytest.raises(ArtifactError, match="torn"):
        factory.Model(torn).predict(read_golden(build / "golden.npz").x)


def test_verify_raises_where_a_gate_breaks_and_returns_it_where_asked(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from factory.contracts.artifact import Precision
    from factory.verification import tolerances

    strict = replace(tolerances.TOLERANCES["tflite", Precision.FP32], max_abs=-1.0)
    monkeypatch.setitem(tolerances.TOLERANCES, ("tflite", Precision.FP32), strict)
    with pytest.raises(GateError, match=r"tflite/fp32 parity\.max_abs"):
        factory.verify(build, recordings=False)
    found = factory.verify(build, recordings=False, check=False)
    assert [check.gate for check in found.failed] == ["parity.max_abs"]


def test_a_file_that_the_build_has_not_lists_those_it_has(build: Path) -> None:
    with pytest.raises(ArtifactError, match="has no tflite int8_static: it has tflite fp32"):
        factory.open_build(build).file("tflite", "int8_static")
