from pathlib import Path

import numpy as np
import onnx
import pytest

from exporters.jetson import graphs
from exporters.jetson.checker import Device
from exporters.jetson.exporter import BATCH, JetsonExporter
from exporters.jetson.quantise import quantise
from exporters.jetson.record import CheckRecord
from exporters.onnx import OnnxRunner
from exporters.registry import load_exporter
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import sha256_file
from tests.unit.exporters.students import export_request, some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]
SUPPORTED = (Precision.FP32, Precision.INT8_STATIC)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    request = export_request(tmp_path_factory.mktemp("jetson"), SUPPORTED)
    return request, load_exporter("jetson").export(request)


def _by_name(built: Built) -> dict[str, Artifact]:
    return {Path(artifact.path).name: artifact for artifact in built[1]}


def test_every_graph_is_opset_17_of_an_ir_that_tensorrt_reads(built: Built) -> None:
    for artifact in built[1]:
        model = onnx.load(built[0].build / artifact.path)
        assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
        assert model.ir_version <= 8


def test_the_batch_variant_gives_the_same_logits_for_any_number_of_windows(built: Built) -> None:
    artifact = _by_name(built)[f"model_batch{BATCH}.onnx"]
    assert (artifact.variant, artifact.inputs[0].shape[0], artifact.outputs[0].shape[0]) == ("batch8", BATCH, BATCH)
    windows = some_windows(BATCH + 3, seed=5)
    with OnnxRunner(built[0].onnx) as reference, OnnxRunner(built[0].build / artifact.path) as batched:
        np.testing.assert_allclose(batched.run(windows), reference.run(windows), rtol=0, atol=1e-5)
        assert {len(layer) for layer in batched.layers(windows[0]).values()} == {1}


def test_int8_keeps_the_front_in_float_and_quantises_all_other_weights(built: Built) -> None:
    artifact = _by_name(built)["model.int8.onnx"]
    model = graphs.load(built[0].build / artifact.path)
    kinds = [node.op_type for node in model.graph.node]
    rounding = next(index for index, kind in enumerate(kinds) if kind in ("QuantizeLinear", "DequantizeLinear"))
    assert kinds[:4] == ["Sub", "Mul", "Clip", "Conv"]
    assert kinds[rounding - 2 : rounding] == ["Conv", "Add"]
    assert kinds[:rounding].count("Conv") == 6
    values = graphs.constants(model.graph)
    behind = list(model.graph.node)[rounding:]
    stored = {node.output[0]: values.get(node.input[0]) for node in behind if node.op_type == "DequantizeLinear"}
    weighted = [node for node in behind if node.op_type in ("Conv", "Gemm")]
    assert len(weighted) > 5
    for node in weighted:
        assert node.input[0] in stored
        weights = stored[node.input[1]]
        assert weights is not None
        assert weights.dtype == np.int8


def test_every_zero_point_is_zero_and_weights_have_a_scale_an_output_channel(built: Built) -> None:
    for artifact in built[1]:
        assert bool(artifact.quantised) is (artifact.precision is Precision.INT8_STATIC)
        for tensor in artifact.quantised:
            assert tensor.quantisation is not None
            assert set(tensor.quantisation.zero_point) == {0}
            if tensor.name.endswith(".weight_q"):
                assert len(tensor.quantisation.scale) == tensor.shape[tensor.quantisation.axis or 0]


def test_the_checker_found_no_error_and_its_record_is_listed(built: Built) -> None:
    (listed,) = _by_name(built)["model.onnx"].beside
    path = built[0].build / listed.path
    assert (listed.sha256, listed.size_bytes) == (sha256_file(path), path.stat().st_size)
    record = CheckRecord.model_validate_json(path.read_bytes())
    assert {(report.file, report.device, report.precision) for report in record.reports} == {
        ("model.onnx", Device.GPU, Precision.FP32),
        ("model.onnx", Device.GPU, Precision.FP16),
        ("model_batch8.onnx", Device.GPU, Precision.FP32),
        ("model_batch8.onnx", Device.GPU, Precision.FP16),
        ("model.int8.onnx", Device.GPU, Precision.INT8_STATIC),
        ("model.dla.onnx", Device.DLA, Precision.FP16),
        ("model.dla.onnx", Device.DLA, Precision.INT8_STATIC),
    }
    assert [report.diagnostics for report in record.reports if report.device is Device.GPU] == [()] * 5
    assert all(report.coverage.per_cent >= 95 for report in record.reports if report.coverage)


def test_a_graph_that_tensorrt_would_refuse_is_not_exported(tmp_path: Path) -> None:
    request = export_request(tmp_path, (Precision.FP32,))
    model = onnx.load(request.onnx)
    model.graph.node.insert(
        len(model.graph.node), onnx.helper.make_node("Hardmax", ["scores"], ["logits"], name="last")
    )
    model.graph.node[-2].output[0] = "scores"
    onnx.save(model, request.onnx)
    with pytest.raises(ExportError, match=r"model.onnx for gpu fp32: 1 x error operator.unsupported at last"):
        JetsonExporter().export(request)
    assert not (tmp_path / "jetson").exists()


def test_without_int8_there_is_neither_qdq_nor_cache(tmp_path: Path) -> None:
    artifacts = JetsonExporter().export(export_request(tmp_path, (Precision.FP32,)))
    assert [artifact.variant for artifact in artifacts] == ["", "batch8", "dla"]
    files = {path.name for path in (tmp_path / "jetson").iterdir()}
    assert files == {"model.onnx", "model_batch8.onnx", "model.dla.onnx", "checker.json"}


def test_the_same_input_gives_the_same_bytes(built: Built, tmp_path: Path) -> None:
    again = JetsonExporter().export(export_request(tmp_path, SUPPORTED))
    assert [artifact.sha256 for artifact in again] == [artifact.sha256 for artifact in built[1]]


def test_calibration_of_another_shape_is_refused(tmp_path: Path) -> None:
    request = export_request(tmp_path, SUPPORTED)
    fewer = ExportRequest(
        onnx=request.onnx,
        student=request.student,
        spec=request.spec,
        calibration=request.calibration[:, :3],
        build=tmp_path,
        precisions=SUPPORTED,
        progress=request.progress,
    )
    with pytest.raises(ExportError, match="calibration windows are"):
        JetsonExporter().export(fewer)
    assert not (tmp_path / "jetson").exists()


def test_a_graph_that_names_no_float_front_gets_no_int8(built: Built) -> None:
    model = graphs.load(built[0].onnx)
    del model.metadata_props[:]
    with pytest.raises(ExportError, match="float_front is None, expected the name of a tensor"):
        quantise(model, some_windows(4))
