"""Every head that the search may choose converts, agrees, and stays one XNNPACK graph."""

from pathlib import Path

import numpy as np
import pytest

from exporters.onnx import OnnxRunner
from exporters.tflite import flatbuffer
from exporters.tflite.exporter import TFLiteExporter
from exporters.tflite.runner import LiteRTRunner
from factory.contracts.artifact import Precision
from factory.contracts.recipe import HeadKind
from tests.unit.exporters.students import export_request, some_windows

pytestmark = pytest.mark.slow


def partitions(path: Path) -> int:
    """Parts of the graph that XNNPACK takes."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    return sum(operator["op_name"] == "DELEGATE" for operator in interpreter._get_ops_details())


@pytest.mark.parametrize(("head", "in_float"), [("cosine", True), ("mlp", False), ("hopfield", True)])
def test_head_converts_agrees_and_is_one_graph(head: HeadKind, in_float: bool, tmp_path: Path) -> None:
    request = export_request(tmp_path, (Precision.FP32, Precision.INT8_STATIC), head)
    single, static = (tmp_path / artifact.path for artifact in TFLiteExporter().export(request))
    windows = some_windows(64, seed=2)
    with OnnxRunner(request.onnx) as reference, LiteRTRunner(single) as fp32, LiteRTRunner(static) as int8:
        expected = reference.run(windows)
        np.testing.assert_allclose(fp32.run(windows), expected, rtol=0, atol=1e-4)
        assert np.abs(int8.run(windows) - expected).max() <= 0.1 * float(np.ptp(expected))
    assert (partitions(single), partitions(static)) == (1, 1)
    graph = flatbuffer.parse(single.read_bytes(), single.name)
    assert bool(flatbuffer.float_head(graph)) is in_float
