"""The DLA's form computes the same, and stays on the DLA."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from exporters.jetson.checker import Device, check_graph
from exporters.jetson.dla_form import dla_form
from exporters.jetson.graphs import load, save
from exporters.onnx import OnnxRunner, export_onnx
from factory.contracts.artifact import Precision
from factory.contracts.recipe import HeadKind
from tests.unit.exporters.jetson.golden_graphs import graph
from tests.unit.exporters.students import CHANNELS, WINDOW, some_windows, student


@pytest.mark.parametrize(("head", "most_parts"), [("linear", 1), ("mlp", 1), ("cosine", 1), ("hopfield", 2)])
def test_every_head_gives_the_same_logits_with_all_macs_on_the_dla(
    head: HeadKind, most_parts: int, tmp_path: Path
) -> None:
    export_onnx(student(head), CHANNELS, WINDOW, tmp_path / "model.onnx")
    model = dla_form(load(tmp_path / "model.onnx"))
    save(model, tmp_path / "dla.onnx")
    windows = some_windows(32, seed=3)
    with OnnxRunner(tmp_path / "model.onnx") as reference, OnnxRunner(tmp_path / "dla.onnx") as runner:
        np.testing.assert_allclose(runner.run(windows), reference.run(windows), rtol=0, atol=1e-5)
    report = check_graph(model, Device.DLA, Precision.FP16, "dla.onnx")
    assert report.errors == ()
    assert report.coverage is not None
    assert report.coverage.per_cent == 100
    assert report.coverage.parts <= most_parts


@pytest.mark.parametrize("length", [16, 32, 33, 64, 100, 128, 300, 2048])
def test_the_mean_over_any_length_is_exact_in_steps_that_the_dla_takes(length: int) -> None:
    model = dla_form(graph("logits = GlobalAveragePool(imu)", imu=f"float[1,4,1,{length}]"))
    x = np.random.default_rng(0).normal(0, 1, (1, 4, 1, length)).astype(np.float32)
    got = list(ReferenceEvaluator(model).run(None, {"imu": x}))
    np.testing.assert_allclose(got[0], x.mean(axis=3, keepdims=True), rtol=0, atol=1e-6)
    assert check_graph(model, Device.DLA, Precision.FP16, "m").diagnostics == ()


def test_what_is_not_recognised_stays_as_it_is() -> None:
    model = graph("f = Flatten(imu) logits = HardSigmoid(f)")
    assert [node.op_type for node in dla_form(model).graph.node] == ["Flatten", "HardSigmoid"]


def test_the_name_of_the_float_front_and_the_versions_are_kept(tmp_path: Path) -> None:
    export_onnx(student(), CHANNELS, WINDOW, tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    made = dla_form(model)
    assert made.metadata_props == model.metadata_props
    assert made.opset_import == model.opset_import
    assert made.ir_version == model.ir_version
    assert (made.graph.input, made.graph.output) == (model.graph.input, model.graph.output)


def test_the_source_is_left_alone(tmp_path: Path) -> None:
    export_onnx(student(), CHANNELS, WINDOW, tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    before = onnx.ModelProto()
    before.CopyFrom(model)
    dla_form(model)
    assert model == before
