"""ONNX Runtime Mobile: what is in its files. tests/contract holds what every target keeps."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from exporters.onnx import OnnxRunner
from exporters.ort_mobile.exporter import OrtMobileExporter
from exporters.ort_mobile.runner import OrtMobileRunner
from exporters.ort_mobile.worker import quantise
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError, ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.recipe import HeadKind
from tests.unit.exporters.students import export_request, some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("ort_mobile")


def test_files_are_in_the_format_of_mobile_builds(built: Built) -> None:
    request, artifacts = built
    assert [artifact.precision for artifact in artifacts] == [Precision.FP32, Precision.INT8_STATIC]
    for artifact in artifacts:
        assert (request.build / artifact.path).read_bytes()[4:8] == b"ORTM"


def test_the_same_input_gives_the_same_logits(built: Built, tmp_path: Path) -> None:
    """Not the same bytes: ONNX Runtime writes constants in the order of a hash table that differs by process."""
    windows = some_windows(8, seed=6)
    again = OrtMobileExporter().export(export_request(tmp_path))
    for first, second in zip(built[1], again, strict=True):
        assert first.size_bytes == second.size_bytes
        with (
            OrtMobileRunner(built[0].build / first.path) as one,
            OrtMobileRunner(tmp_path / second.path) as two,
        ):
            np.testing.assert_array_equal(one.run(windows), two.run(windows))


def test_int8_convolves_in_int8_and_leaves_the_front_in_float(built: Built, tmp_path: Path) -> None:
    request, artifacts = built
    float_file, static_file = ((request.build / artifact.path).read_bytes() for artifact in artifacts)
    assert b"QLinearConv" in static_file
    assert b"QLinearConv" not in float_file
    (tmp_path / "model.onnx").write_bytes(request.onnx.read_bytes())
    np.save(tmp_path / "calibration.npy", request.calibration[:, :, None])
    nodes = onnx.load(quantise(tmp_path)).graph.node
    rounded = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    in_int8 = {node.name: node.input[0] in rounded for node in nodes if node.op_type == "Conv"}
    assert in_int8 == {name: not name.startswith(("/stem/", "/stages.0/")) for name in in_int8}


@pytest.mark.parametrize("head", ["hopfield", "cosine", "mlp"])
def test_every_head_converts_to_both_precisions(head: HeadKind, tmp_path: Path) -> None:
    request = export_request(tmp_path, head=head)
    windows = some_windows(32, seed=2)
    with OnnxRunner(request.onnx) as reference:
        expected = reference.run(windows)
    for artifact in OrtMobileExporter().export(request):
        with OrtMobileRunner(tmp_path / artifact.path) as runner:
            error = np.abs(runner.run(windows) - expected).max()
        assert error <= (1e-4 if artifact.precision is Precision.FP32 else 0.1 * np.ptp(expected))


@pytest.mark.parametrize("damage", [b"", b"not a model", b"\x18\x00\x00\x00ORTM" + bytes(64)])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "model.ort"
    path.write_bytes(damage)
    with pytest.raises(ArtifactError, match="does not load"), OrtMobileRunner(path):
        pass


def test_a_refusing_converter_becomes_an_export_error(tmp_path: Path) -> None:
    request = export_request(tmp_path, (Precision.FP32,))
    nodes = [helper.make_node("Foo", ["imu"], ["x"], domain="my.ops"), helper.make_node("Flatten", ["x"], ["logits"])]
    given = helper.make_tensor_value_info("imu", TensorProto.FLOAT, [1, 6, 1, 64])
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 384])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.ops", 1)]
    graph = helper.make_graph(nodes, "g", [given], [result])
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), request.onnx)
    with pytest.raises(ExportError, match=r"^ort_mobile, step fp32: .*Foo"):
        OrtMobileExporter().export(request)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contract.json", "onnx", "student"]


_ANSWER = """
import sys
from pathlib import Path
import numpy
from exporters.ort_mobile.runner import OrtMobileRunner
with OrtMobileRunner(Path(sys.argv[1])) as runner:
    runner.run(numpy.load(sys.argv[2]))
"""


def test_the_runtime_reports_nothing_of_its_use(built: Built, tmp_path: Path) -> None:
    """By default it starts a thread for that and keeps a database in the home folder."""
    home, windows = tmp_path / "home", tmp_path / "windows.npy"
    home.mkdir()
    np.save(windows, some_windows(2, seed=0))
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", _ANSWER, str(built[0].build / built[1][0].path), str(windows)]
    subprocess.run(command, env=environment | {"HOME": str(home), "PYTHONPATH": str(Path.cwd())}, check=True)
    assert not list(home.rglob("*onnxruntime*"))
