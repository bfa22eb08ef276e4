"""The target's own checks pass on what was exported, fail on what was changed, and never pass without TensorRT."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from exporters.registry import load_checks
from exporters.tensorrt.checks import jetson_checks
from exporters.tensorrt.engine import engine_checks
from exporters.tensorrt.exporter import JetsonExporter
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.manifest import Check, Outcome
from tests.unit.exporters.students import export_request

_BUILDER = """
__version__ = "{version}"
class Logger:
    ERROR = 1
    def __init__(self, level): pass
class NetworkDefinitionCreationFlag:
    EXPLICIT_BATCH = 0
class BuilderFlag:
    INT8 = "int8"
class Config:
    def set_flag(self, flag): pass
class Builder:
    def __init__(self, logger): {start}
    def create_network(self, flags): return flags
    def create_builder_config(self): return Config()
    def build_serialized_network(self, network, config): return {plan}
class OnnxParser:
    num_errors = 1
    def __init__(self, network, logger): pass
    def parse(self, content): return {parses}
    def get_error(self, index): return "unsupported operator"
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Artifact, ...]]:
    build = tmp_path_factory.mktemp("jetson")
    return build, JetsonExporter().export(export_request(build, (Precision.FP32, Precision.INT8_STATIC)))


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file `tensorrt.py` of the same interface, to be written by the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "tensorrt.py"
    sys.modules.pop("tensorrt", None)


def _write(
    path: Path, *, version: str = "8.5.2", start: str = "pass", parses: bool = True, plan: str = "b'plan'"
) -> None:
    path.write_text(_BUILDER.format(version=version, start=start, parses=parses, plan=plan))
    importlib.invalidate_caches()


def _without_engines(checks: tuple[Check, ...]) -> list[Check]:
    return [check for check in checks if check.gate.startswith("checker.")]


def test_exported_graphs_pass_the_checker_and_cover_the_dla(built: tuple[Path, tuple[Artifact, ...]]) -> None:
    checks = _without_engines(jetson_checks(*built))
    assert {check.outcome for check in checks} == {Outcome.PASSED}
    assert sorted({(check.gate, check.variant) for check in checks}) == [
        ("checker.dla_coverage", "dla"),
        ("checker.dla_fp16", "dla"),
        ("checker.dla_int8_static", "dla"),
        ("checker.gpu_fp16", ""),
        ("checker.gpu_fp16", "batch8"),
        ("checker.gpu_fp32", ""),
        ("checker.gpu_fp32", "batch8"),
        ("checker.gpu_int8_static", ""),
    ]
    assert load_checks("jetson") is jetson_checks


def test_a_graph_changed_after_export_fails(built: tuple[Path, tuple[Artifact, ...]], tmp_path: Path) -> None:
    shutil.copytree(built[0] / "jetson", tmp_path / "jetson")
    model = onnx.load(tmp_path / "jetson/model.onnx")
    model.opset_import[0].version = 18
    onnx.save(model, tmp_path / "jetson/model.onnx")
    failed = [check for check in jetson_checks(tmp_path, built[1]) if check.outcome is Outcome.FAILED]
    assert {(check.gate, check.value) for check in failed} == {("checker.gpu_fp16", 1), ("checker.gpu_fp32", 1)}
    assert "model.opset" in failed[0].note


def test_too_little_on_the_dla_fails(built: tuple[Path, tuple[Artifact, ...]], tmp_path: Path) -> None:
    shutil.copytree(built[0] / "jetson", tmp_path / "jetson")
    model = onnx.load(tmp_path / "jetson/model.dla.onnx")
    for node in model.graph.node:
        if node.op_type == "Conv":
            node.attribute.extend([onnx.helper.make_attribute("auto_pad", "SAME_UPPER")])
    onnx.save(model, tmp_path / "jetson/model.dla.onnx")
    (coverage,) = [check for check in jetson_checks(tmp_path, built[1]) if check.gate == "checker.dla_coverage"]
    assert (coverage.outcome, coverage.value) == (Outcome.FAILED, 0)


@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is installed")
def test_without_tensorrt_every_engine_is_not_run(built: tuple[Path, tuple[Artifact, ...]]) -> None:
    checks = engine_checks(*built)
    assert [(check.gate, check.outcome) for check in checks] == [("engine.build", Outcome.NOT_RUN)] * 3
    assert all("engine: not run on this machine" in check.note for check in checks)


@pytest.mark.parametrize(
    ("changed", "outcome", "note"),
    [
        ({}, Outcome.PASSED, ""),
        ({"parses": False}, Outcome.FAILED, "the parser refuses jetson/model.onnx: unsupported operator"),
        ({"plan": "None"}, Outcome.FAILED, "the builder refuses jetson/model.onnx: see its log"),
        ({"version": "8.4.3"}, Outcome.NOT_RUN, "engine: not run on this machine: TensorRT 8.4.3 is older than 8.5"),
        (
            {"start": "raise RuntimeError('no CUDA device')"},
            Outcome.NOT_RUN,
            "engine: not run on this machine: TensorRT cannot start: no CUDA device",
        ),
    ],
)
def test_the_builders_word_decides(
    built: tuple[Path, tuple[Artifact, ...]],
    stand_in: Path,
    changed: dict[str, object],
    outcome: Outcome,
    note: str,
) -> None:
    _write(stand_in, **changed)  # type: ignore[arg-type]
    first = engine_checks(*built)[0]
    assert (first.outcome, first.note) == (outcome, note)
