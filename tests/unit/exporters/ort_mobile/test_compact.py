"""What an .ort file does without, and that it computes the same."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, numpy_helper

from exporters.ort_mobile.compact import compact
from exporters.ort_mobile.worker import quantise
from factory.contracts.artifact import Artifact
from factory.contracts.dataset import Floats
from factory.contracts.exporter import ExportRequest
from tests.unit.exporters.students import some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("ort_mobile")


@pytest.fixture(params=["float", "int8"])
def graph(request: pytest.FixtureRequest, built: Built, tmp_path: Path) -> ModelProto:
    asked = built[0]
    (tmp_path / "model.onnx").write_bytes(asked.onnx.read_bytes())
    np.save(tmp_path / "calibration.npy", asked.calibration[:, :, None])
    return onnx.load(quantise(tmp_path) if request.param == "int8" else asked.onnx)


def _logits(model: ModelProto) -> Floats:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"imu": w[None, :, None]})[0] for w in some_windows(8, seed=5)])


def test_a_compact_graph_gives_the_same_logits_and_is_smaller(graph: ModelProto) -> None:
    expected, size = _logits(graph), graph.ByteSize()
    compact(graph.graph)
    np.testing.assert_array_equal(_logits(graph), expected)
    onnx.checker.check_model(graph, full_check=True)
    assert graph.ByteSize() < size


def test_names_are_short_and_no_constant_stands_twice(graph: ModelProto) -> None:
    compact(graph.graph)
    names = {name for node in graph.graph.node for name in (*node.input, *node.output)}
    assert all(re.fullmatch(r"imu|logits|t\d+|", name) for name in names), names
    assert [node.name for node in graph.graph.node] == [f"n{index}" for index in range(len(graph.graph.node))]
    contents = [(t.data_type, tuple(t.dims), numpy_helper.to_array(t).tobytes()) for t in graph.graph.initializer]
    assert len(set(contents)) == len(contents)


def test_constants_of_one_content_and_two_shapes_stay_two(graph: ModelProto) -> None:
    ones = np.ones(6, np.float32)
    for name, shape in (("row", (1, 6)), ("column", (6, 1)), ("again", (1, 6))):
        graph.graph.initializer.append(numpy_helper.from_array(ones.reshape(shape), name))
    before = len(graph.graph.initializer)
    compact(graph.graph)
    shapes = [tuple(t.dims) for t in graph.graph.initializer if numpy_helper.to_array(t).tobytes() == ones.tobytes()]
    assert len(graph.graph.initializer) < before
    assert sorted(shape for shape in shapes if len(shape) == 2) == [(1, 6), (6, 1)]


def test_files_keep_no_name_of_a_module(built: Built) -> None:
    for artifact in built[1]:
        assert b"stages" not in (built[0].build / artifact.path).read_bytes()
