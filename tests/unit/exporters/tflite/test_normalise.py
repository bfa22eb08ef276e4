"""The normalisation of a file: two operators over whole windows, the same function."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from exporters.onnx import OnnxRunner, export_onnx
from exporters.tflite import flatbuffer
from exporters.tflite.normalise import spread_normalisation
from factory.contracts.artifact import Artifact
from factory.contracts.exporter import ExportRequest
from factory.contracts.recipe import BlockKind
from factory.models import fold
from tests.unit.exporters.students import CHANNELS, WINDOW, some_windows, unfolded_student

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    return graph_of(tmp_path, "plain")


def graph_of(folder: Path, block: BlockKind) -> Path:
    path = folder / f"{block}.onnx"
    export_onnx(fold(unfolded_student(block=block)), CHANNELS, WINDOW, path)
    return path


@pytest.mark.parametrize("block", ["plain", "inverted_residual"])
def test_the_graph_computes_what_it_did_within_and_beyond_the_clip(block: BlockKind, tmp_path: Path) -> None:
    path = graph_of(tmp_path, block)
    windows = some_windows(16, seed=1)
    windows[8:] *= 40
    with OnnxRunner(path) as runner:
        expected = runner.run(windows)
    model = onnx.load(path)
    assert spread_normalisation(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, tmp_path / "spread.onnx")
    with OnnxRunner(tmp_path / "spread.onnx") as runner:
        assert np.abs(runner.run(windows) - expected).max() < 1e-4 * np.abs(expected).max()
    kinds = [node.op_type for node in model.graph.node if node.op_type != "Constant"]
    assert kinds[:4] == ["Mul", "Sub", "Clip", "Conv"]


def test_a_graph_that_begins_otherwise_stays_as_it_is(graph: Path) -> None:
    model = onnx.load(graph)
    second_reader = helper.make_node("Identity", ["/normalise/Clip_output_0"], ["elsewhere"])
    model.graph.node.append(second_reader)
    before = model.SerializeToString(deterministic=True)
    assert not spread_normalisation(model)
    assert model.SerializeToString(deterministic=True) == before


def test_a_clip_that_is_not_symmetric_stays_as_it_is(graph: Path) -> None:
    model = onnx.load(graph)
    clip = next(node for node in model.graph.node if node.op_type == "Clip")
    low = next(node for node in model.graph.node if clip.input[1] in node.output)
    low.attribute[0].t.CopyFrom(onnx.numpy_helper.from_array(np.asarray(-1, np.float32)))
    assert not spread_normalisation(model)


def test_no_file_broadcasts_a_constant_over_the_window(exported: Callable[[str], Built]) -> None:
    request, artifacts = exported("tflite")
    kinds = flatbuffer.schema().BuiltinOperator
    for artifact in artifacts:
        model = flatbuffer.parse((request.build / artifact.path).read_bytes(), artifact.path)
        graph = model.subgraphs[0]
        kind = {id(one): model.operatorCodes[one.opcodeIndex].builtinCode for one in graph.operators}
        front = [one for one in graph.operators if kind[id(one)] not in (kinds.DEQUANTIZE, kinds.PAD)][:3]
        assert [kind[id(one)] for one in front] == [kinds.MUL, kinds.SUB, kinds.CONV_2D], artifact.path
        shapes = {tuple(graph.tensors[index].shape) for one in front[:2] for index in one.inputs}
        assert shapes == {(1, 1, WINDOW, CHANNELS)}, artifact.path
