from pathlib import Path

import numpy as np
import onnx
import pytest

from exporters.onnx import OnnxRunner
from exporters.registry import load_exporter
from exporters.tensorrt import graphs
from exporters.tensorrt.exporter import BATCH, JetsonExporter
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ExportError
from factory.contracts.exporter import ExportRequest
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


def test_int8_keeps_the_normalisation_in_float(built: Built) -> None:
    model = graphs.load(built[0].build / _by_name(built)["model.int8.onnx"].path)
    assert [node.op_type for node in graphs.ahead_of_quantize(model.graph)] == ["Sub", "Mul", "Clip"]


def test_int8_weights_are_stored_as_int8_one_scale_a_channel_and_every_zero_point_is_zero(built: Built) -> None:
    artifact = _by_name(built)["model.int8.onnx"]
    model = graphs.load(built[0].build / artifact.path)
    values = graphs.constants(model.graph)
    dequantised = {node.output[0]: values.get(node.input[0]) for node in model.graph.node if "Dequ" in node.op_type}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            assert node.input[0] in dequantised
            weights = dequantised[node.input[1]]
            assert weights is not None
            assert weights.dtype == np.int8
    assert artifact.quantised
    for tensor in artifact.quantised:
        assert tensor.quantisation is not None
        assert set(tensor.quantisation.zero_point) == {0}
        if tensor.name.endswith(".weight_quantized"):
            assert len(tensor.quantisation.scale) == tensor.shape[tensor.quantisation.axis or 0]


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
