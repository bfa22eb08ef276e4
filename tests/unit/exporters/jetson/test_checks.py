"""The target's own checks pass on what was exported, fail on what was changed, and never pass without TensorRT."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from exporters.jetson.cache import read_cache, write_cache
from exporters.jetson.checks import jetson_checks
from exporters.jetson.engine import engine_checks
from exporters.jetson.exporter import JetsonExporter
from exporters.registry import load_checks
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
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
    return [check for check in checks if check.gate != "engine.build"]


def test_exported_graphs_pass_the_checker_and_cover_the_dla(built: tuple[Path, tuple[Artifact, ...]]) -> None:
    checks = _without_engines(jetson_checks(*built))
    assert {check.outcome for check in checks} == {Outcome.PASSED}
    assert sorted({(check.gate, check.variant) for check in checks}) == [
        ("calibration.cache", "dla"),
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


Mutation = Callable[[Path], str]
SIMULATED, CACHE = "jetson/model.dla.int8-simulated.onnx", "jetson/calibration.cache"


def _one_scale_for_all(build: Path) -> str:
    scales = read_cache((build / CACHE).read_text())
    (build / CACHE).write_text(write_cache(dict.fromkeys(scales, 1.0)))
    return next(iter(scales))


def _last_scale(build: Path) -> str:
    scales = read_cache((build / CACHE).read_text())
    *_, last = scales
    (build / CACHE).write_text(write_cache(scales | {last: float(np.nextafter(np.float32(scales[last]), 1))}))
    return last


def _scale_missing(build: Path) -> str:
    scales = read_cache((build / CACHE).read_text())
    first = next(iter(scales))
    (build / CACHE).write_text(write_cache({name: scale for name, scale in scales.items() if name != first}))
    return first


def _unknown_tensor(build: Path) -> str:
    (build / CACHE).write_text((build / CACHE).read_text() + "nowhere: 3c010204\n")
    return "nowhere is in the cache, and in no graph"


def _graphs_scale(operator: str) -> Mutation:
    """Another scale in the first operator of this kind, as a constant of its own."""

    def mutate(build: Path) -> str:
        model = onnx.load(build / SIMULATED)
        node = next(node for node in model.graph.node if node.op_type == operator)
        old = next(tensor for tensor in model.graph.initializer if tensor.name == node.input[1])
        changed = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(old) * np.float32(2), "changed")
        model.graph.initializer.append(changed)
        node.input[1] = "changed"
        onnx.save(model, build / SIMULATED)
        return f"{operator} of "

    return mutate


def _pair_left_out(build: Path) -> str:
    model = onnx.load(build / SIMULATED)
    quantise = next(node for node in model.graph.node if node.op_type == "QuantizeLinear")
    (dequantise,) = (node for node in model.graph.node if quantise.output[0] in node.input)
    for node in model.graph.node:
        node.input[:] = [quantise.input[0] if name == dequantise.output[0] else name for name in node.input]
    tensor = quantise.input[0]
    model.graph.node.remove(quantise)
    model.graph.node.remove(dequantise)
    onnx.save(model, build / SIMULATED)
    return str(tensor)


def _cache_check(build: Path, artifacts: tuple[Artifact, ...]) -> Check:
    (check,) = (check for check in jetson_checks(build, artifacts) if check.gate == "calibration.cache")
    return check


@pytest.mark.parametrize(
    "mutate",
    [
        _one_scale_for_all,
        _last_scale,
        _scale_missing,
        _unknown_tensor,
        _graphs_scale("QuantizeLinear"),
        _graphs_scale("DequantizeLinear"),
        _pair_left_out,
    ],
)
def test_a_cache_that_the_simulated_graph_is_not_made_of_fails_and_names_the_first_tensor(
    mutate: Mutation, built: tuple[Path, tuple[Artifact, ...]], tmp_path: Path
) -> None:
    shutil.copytree(built[0] / "jetson", tmp_path / "jetson")
    assert _cache_check(tmp_path, built[1]).outcome is Outcome.PASSED
    named = mutate(tmp_path)
    check = _cache_check(tmp_path, built[1])
    assert check.outcome is Outcome.FAILED
    assert check.value is not None
    assert check.value > 0
    assert named in check.note.split(": build the target again")[0]


def test_without_its_cache_a_simulated_graph_is_refused(
    built: tuple[Path, tuple[Artifact, ...]], tmp_path: Path
) -> None:
    shutil.copytree(built[0] / "jetson", tmp_path / "jetson")
    (tmp_path / CACHE).unlink()
    with pytest.raises(ArtifactError, match=r"jetson/calibration\.cache is missing"):
        jetson_checks(tmp_path, built[1])
    unlisted = tuple(artifact.model_copy(update={"beside": ()}) for artifact in built[1])
    with pytest.raises(ArtifactError, match="no calibration cache is listed"):
        jetson_checks(tmp_path, unlisted)


def test_float_graphs_alone_have_no_cache_to_check(tmp_path: Path) -> None:
    artifacts = JetsonExporter().export(export_request(tmp_path, (Precision.FP32,)))
    assert "calibration.cache" not in {check.gate for check in jetson_checks(tmp_path, artifacts)}


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
