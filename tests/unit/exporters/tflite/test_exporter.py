import random
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from exporters.registry import load_fallback
from exporters.tflite import flatbuffer
from exporters.tflite.exporter import TFLiteExporter, _require_float_front
from exporters.tflite.runner import LiteRTRunner, built_in_logits
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ExportError, StorageError
from factory.contracts.exporter import ExportRequest
from tests.unit.exporters.students import LABELS, export_request, some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("tflite")


def _static(built: Built) -> Path:
    return built[0].build / "tflite" / "model_int8_static.tflite"


def test_int8_leaves_the_front_in_float_and_nothing_else(built: Built) -> None:
    model = flatbuffer.parse(_static(built).read_bytes(), "static")
    graph, kinds = model.subgraphs[0], flatbuffer.schema().BuiltinOperator
    codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in graph.operators]
    weighted = [
        {int(graph.tensors[index].type) for index in operator.inputs[:2]}
        for code, operator in zip(codes, graph.operators, strict=True)
        if code in (kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D, kinds.FULLY_CONNECTED)
    ]
    assert weighted[:6] == [{0}] * 6  # stem, and expand, depthwise, two of the gate, project
    assert weighted[6:] == [{9}] * (len(weighted) - 6)
    assert codes.count(kinds.QUANTIZE) == codes.count(kinds.DEQUANTIZE) == 1


def test_an_int8_file_without_its_float_front_is_refused(built: Built) -> None:
    fp32 = built[0].build / "tflite" / "model_fp32.tflite"
    static = flatbuffer.parse(_static(built).read_bytes(), "static")
    with pytest.raises(ExportError, match=r"13 float operators stand ahead of the first Quantize, expected the 2"):
        _require_float_front(static, fp32, 0)


def test_quantised_tensors_are_recorded(built: Built) -> None:
    quantised = {artifact.precision: artifact.quantised for artifact in built[1]}
    assert quantised[Precision.FP32] == quantised[Precision.FP16] == ()
    assert all(tensor.quantisation for tensor in quantised[Precision.INT8_STATIC])


def test_the_built_in_kernels_round_8_bits_otherwise_and_floats_alike(built: Built) -> None:
    windows = some_windows(32)
    for artifact in built[1]:
        path = built[0].build / artifact.path
        with LiteRTRunner(path) as runner:
            apart = np.abs(runner.run(windows) - built_in_logits(path, windows))
        if artifact.precision is Precision.INT8_STATIC:
            assert apart.max() > 1e-3, artifact.path
        elif artifact.precision is not Precision.INT8_DYNAMIC:
            assert apart.max() < 1e-4, artifact.path
    assert load_fallback("tflite") is built_in_logits


def test_every_file_has_the_signature_labels_and_contract(built: Built) -> None:
    for artifact in built[1]:
        path = built[0].build / artifact.path
        assert path.read_bytes()[4:8] == b"TFL3"
        with zipfile.ZipFile(path) as files:
            assert files.read("labels.txt").decode().splitlines() == list(LABELS)
            assert files.read("contract.json") == (built[0].build / "contract.json").read_bytes()
            assert {entry.compress_type for entry in files.infolist()} == {zipfile.ZIP_STORED}
        model = flatbuffer.parse(path.read_bytes(), path.name)
        assert (flatbuffer.metadata_entry(model, b"TFLITE_METADATA") or b"")[4:8] == b"M001"
        assert flatbuffer.metadata_entry(model, b"min_runtime_version")


def test_constants_are_aligned(built: Built) -> None:
    content = _static(built).read_bytes()
    model = flatbuffer.schema().Model.GetRootAs(content, 0)
    for index in range(model.BuffersLength()):
        if not model.Buffers(index).DataIsNone():
            table = model.Buffers(index)._tab
            assert table.Vector(table.Offset(4)) % 16 == 0


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_and_leaves_random_numbers_alone(built: Built, tmp_path: Path) -> None:
    random.seed(5)
    before = random.getstate()
    twice = (Precision.FP32, Precision.INT8_STATIC)
    again = TFLiteExporter().export(export_request(tmp_path, twice))
    assert random.getstate() == before
    hashes = {artifact.precision: artifact.sha256 for artifact in built[1]}
    assert [artifact.sha256 for artifact in again] == [hashes[precision] for precision in twice]


@pytest.mark.slow
def test_a_refusing_converter_becomes_an_export_error(tmp_path: Path) -> None:
    request = export_request(tmp_path, (Precision.FP32,))
    nodes = [helper.make_node("Foo", ["imu"], ["x"], domain="my.ops"), helper.make_node("Flatten", ["x"], ["logits"])]
    given = helper.make_tensor_value_info("imu", TensorProto.FLOAT, [1, 6, 1, 64])
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 384])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.ops", 1)]
    graph = helper.make_graph(nodes, "g", [given], [result])
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), request.onnx)
    with pytest.raises(ExportError, match=r"step onnx2tf.*Foo"):
        TFLiteExporter().export(request)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contract.json", "onnx", "student"]


def test_calibration_of_another_shape_is_refused(tmp_path: Path) -> None:
    request = export_request(tmp_path)
    fewer = ExportRequest(
        onnx=request.onnx,
        student=request.student,
        spec=request.spec,
        calibration=request.calibration[:, :3],
        build=tmp_path,
        precisions=(Precision.INT8_STATIC,),
        progress=request.progress,
    )
    with pytest.raises(ExportError, match="calibration windows are"):
        TFLiteExporter().export(fewer)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["160k", "400k"])
def test_a_disk_that_fills_before_or_while_onnx2tf_works_is_a_storage_error(size: str, tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system needs the right to mount one")
    try:
        request = export_request(tmp_path, (Precision.FP32, Precision.INT8_STATIC))
        with pytest.raises(StorageError, match=f"no space left for {tmp_path}"):
            TFLiteExporter().export(request)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["contract.json", "onnx", "student"]
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
