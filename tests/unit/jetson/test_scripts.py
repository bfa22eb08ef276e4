import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from factory.contracts.scores import macro_f1
from factory.devices.bundle import scripts_folder
from tests.unit.jetson.scripts import run

PROGRAMS = ("build_engine", "verify", "benchmark", "power")
STAND_IN = ("--runtime", "onnxruntime")


@pytest.fixture
def bundle(unpacked: Path, tmp_path: Path) -> Path:
    return shutil.copytree(unpacked, tmp_path / "bundle")


def change(bundle: Path, **fields: Any) -> None:
    path = bundle / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def needs_later(*paths: Path) -> str:
    """What needs a Python after 3.8; empty if nothing does."""
    vermin = Path(sys.executable).with_name("vermin")
    command: list[str | Path] = [vermin, "--target=3.8-", "--no-tips", "--violations", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout or done.stderr


def test_nothing_needs_a_python_later_than_3_8() -> None:
    scripts = sorted(scripts_folder().glob("*.py"))
    assert len(scripts) > 10
    assert needs_later(*scripts) == ""


def test_later_syntax_would_be_noticed(tmp_path: Path) -> None:
    later = tmp_path / "later.py"
    later.write_text("match 1:\n    case 1:\n        pass\n")
    assert "3.10" in needs_later(later)


@pytest.mark.parametrize("script", PROGRAMS)
def test_every_program_tells_how_it_is_used(script: str) -> None:
    command: list[str | Path] = [sys.executable, scripts_folder() / f"{script}.py", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"python3 {script}.py --report" in done.stdout


@pytest.mark.parametrize("script", PROGRAMS)
def test_without_tensorrt_a_program_refuses_and_writes_no_report(script: str, bundle: Path) -> None:
    ran = run(script, bundle)
    assert ran.code == 2
    assert ran.report is None
    assert ran.text.startswith("error: TensorRT is not on this machine")


def test_verify_passes_the_graphs_and_runs_no_engine_gate(bundle: Path) -> None:
    ran = run("verify", bundle, *STAND_IN)
    assert ran.code == 0, ran.text
    assert ran.checks("graph.parity.max_abs") == dict.fromkeys(("fp32_gpu", "int8_gpu", "fp32_gpu_batch"), "passed")
    assert set(ran.checks("engine.parity.max_abs").values()) == {"not_run"}
    assert ran.report["runtime"].endswith("(stand-in; no TensorRT on this machine)")


def test_verify_fails_when_a_weight_is_changed(bundle: Path) -> None:
    graph = bundle / "graphs" / "model.onnx"
    content = bytearray(graph.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = np.full(16, 3.5, "<f4").tobytes()
    graph.write_bytes(content)
    ran = run("verify", bundle, *STAND_IN, "--precision", "fp32")
    assert ran.code == 1
    assert ran.checks("graph.parity.max_abs")["fp32_gpu"] == "failed"


def test_verify_fails_when_a_graph_does_not_load(bundle: Path) -> None:
    (bundle / "graphs" / "model.onnx").write_bytes(b"not a graph")
    ran = run("verify", bundle, *STAND_IN, "--precision", "fp32")
    assert ran.code == 1
    assert ran.checks("graph.accuracy.drop_pp")["fp32_gpu"] == "failed"
    assert "model.onnx does not load" in ran.text


def test_verify_fails_when_accuracy_is_lost(bundle: Path) -> None:
    change(bundle, reference={"accuracy": 1.2, "macro_f1": 1.0})
    ran = run("verify", bundle, *STAND_IN)
    assert ran.code == 1
    assert ran.checks("graph.accuracy.drop_pp")["fp32_gpu"] == "failed"
    assert ran.checks("graph.accuracy.macro_f1_drop_pp")["fp32_gpu"] == "passed"


def test_accuracy_is_not_run_without_a_test_split(bundle: Path) -> None:
    (bundle / "test.npz").unlink()
    ran = run("verify", bundle, *STAND_IN)
    assert ran.code == 0
    assert set(ran.checks("graph.accuracy.drop_pp").values()) == {"not_run"}
    assert set(ran.checks("graph.parity.max_abs").values()) == {"passed"}


def test_benchmark_fails_when_a_call_outlasts_the_hop(bundle: Path) -> None:
    assert run("benchmark", bundle, *STAND_IN, "--runs", "20").code == 0
    change(bundle, hop_us=0.001)
    ran = run("benchmark", bundle, *STAND_IN, "--runs", "20")
    assert ran.code == 1
    assert ran.checks("graph.latency.p99_us")["fp32_gpu"] == "failed"


def test_benchmark_reports_percentiles_in_order_and_throughput(bundle: Path) -> None:
    ran = run("benchmark", bundle, *STAND_IN, "--runs", "50", "--precision", "fp32")
    for row in ran.report["engines"]:
        assert row["p05_us"] <= row["median_us"] <= row["p95_us"] <= row["p99_us"] <= row["max_us"]
        assert row["windows_per_s"] == pytest.approx(row["batch"] * 1e6 / row["mean_us"])
        assert row["spread"] is None


def test_a_bundle_of_another_version_is_refused(bundle: Path) -> None:
    change(bundle, version=2)
    ran = run("verify", bundle, *STAND_IN)
    assert ran.code == 2
    assert "these scripts read ('smldist-jetson', 1)" in ran.text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "../../outside", "name is '../../outside', expected"),
        ("name", "a\nb", "name is 'a\\nb', expected"),
        ("name", "-o", "name is '-o', expected"),
        ("name", 7, "name is 7, expected"),
        ("graph", "../outside.onnx", "graph is '../outside.onnx', expected"),
        ("graph", "graphs/../../outside.onnx", "graph is 'graphs/../../outside.onnx', expected"),
        ("graph", "/etc/passwd", "graph is '/etc/passwd', expected"),
        ("graph", "graphs/link.onnx", "graph is 'graphs/link.onnx', expected no link out"),
        ("calibration", "graphs/..", "calibration is 'graphs/..', expected"),
        ("batch", 0, "batch is 0, expected a whole number from 1"),
        ("batch", True, "batch is True, expected a whole number from 1"),
        ("precision", "fp8", "precision is 'fp8', expected fp32"),
        ("device", [], "device is [], expected gpu or dla"),
    ],
)
def test_an_engine_that_leads_out_of_the_bundle_or_is_of_no_kind_is_refused(
    bundle: Path, field: str, value: object, words: str
) -> None:
    (bundle / "graphs" / "link.onnx").symlink_to("/etc/passwd")
    engines = json.loads((bundle / "bundle.json").read_text())["engines"]
    change(bundle, engines=[{**engines[0], field: value}])
    ran = run("verify", bundle, *STAND_IN)
    assert ran.code == 2
    assert words in ran.text
    assert ran.text.startswith("error: ")
    assert len(ran.text.splitlines()) == 1
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "has format ('list', None)"),
        ("[" * 100_000, "is not readable"),
        ('{"format": "smldist-jetson", "version": 1}', "lacks 'engines'"),
        ('{"format": "smldist-jetson", "version": 1, "engines": [1]}', "cannot be used"),
        ('{"format": "smldist-jetson", "version": 1, "engines": 1}', "cannot be used"),
    ],
    ids=["list", "nested", "without engines", "odd engine", "odd engines"],
)
def test_what_is_no_description_of_a_bundle_is_one_line(bundle: Path, text: str, words: str) -> None:
    (bundle / "bundle.json").write_text(text)
    ran = run("verify", bundle, *STAND_IN)
    assert (ran.code, len(ran.text.splitlines())) == (2, 1)
    assert words in ran.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hop_us", float("nan")),
        ("steps", {"fp32": 0, "fp16": 1, "int8_static": 1}),
        ("gates", {"fp32": [{"gate": "a b", "relation": "<=", "limit": 1, "unit": ""}]}),
        ("gates", {"fp32": [{"gate": "a", "relation": "==", "limit": 1, "unit": ""}]}),
        ("reference", {"accuracy": "1", "macro_f1": 1}),
    ],
)
def test_a_limit_that_nothing_can_be_judged_by_is_refused(bundle: Path, field: str, value: object) -> None:
    engines = json.loads((bundle / "bundle.json").read_text())["engines"]
    change(bundle, engines=engines[:1], **{field: value})
    ran = run("verify", bundle, *STAND_IN)
    assert (ran.code, len(ran.text.splitlines())) == (2, 1)
    assert "cannot be used" in ran.text


def test_a_golden_pack_that_is_none_is_one_line(bundle: Path) -> None:
    (bundle / "golden.npz").write_bytes(b"PK no archive")
    ran = run("verify", bundle, *STAND_IN)
    assert (ran.code, len(ran.text.splitlines())) == (2, 1)
    assert "golden.npz is not readable" in ran.text


def test_macro_f1_of_the_board_is_that_of_the_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(scripts_folder()))
    figures = importlib.import_module("figures")
    monkeypatch.delitem(sys.modules, "figures")
    rng = np.random.default_rng(0)
    for classes in (2, 3, 7):
        y, predicted = rng.integers(0, classes, (2, 200))
        y[y == 0] = 1  # a class that is predicted and does not occur
        confusion = np.zeros((classes, classes), np.int64)
        np.add.at(confusion, (y, predicted), 1)
        assert figures.macro_f1(predicted, y, classes) == pytest.approx(macro_f1(confusion), abs=1e-12)
        present = sorted(set(y.tolist()))
        expected = f1_score(y, predicted, labels=present, average="macro")
        assert figures.macro_f1(predicted, y, classes) == pytest.approx(expected, abs=1e-12)


def test_a_selection_that_leaves_nothing_names_what_there_is(bundle: Path) -> None:
    ran = run("verify", bundle, *STAND_IN, "--precision", "fp32", "--device", "dla")
    assert ran.code == 2
    assert "the bundle has fp32_gpu, fp16_gpu" in ran.text


def test_a_report_that_cannot_be_written_is_one_line(bundle: Path) -> None:
    command: list[str | Path] = [
        sys.executable,
        scripts_folder() / "verify.py",
        "--bundle",
        bundle,
        "--report",
        "/dev/full/x",
        *STAND_IN,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
