"""Localisation on real graphs: the reference as exported, the artifact as a runtime's optimiser fused it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.contracts.dataset import Floats
from factory.verification.localise import first_divergence

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

CONVOLUTIONS = {"stem": (8, 6, 1, 5), "expand": (16, 8, 1, 1), "project": (8, 16, 1, 3)}


def network(broken: str = "") -> Any:
    """Three convolutions with ReLU, a residual, pooling and a head; one weight of `broken` is wrong."""
    rng = np.random.default_rng(2)
    nodes, constants, source = [], [], "imu"
    for name, shape in CONVOLUTIONS.items():
        weight = rng.normal(0, 0.4, shape).astype(np.float32)
        if name == broken:
            weight.flat[1] += 4
        constants.append(onnx.numpy_helper.from_array(weight, f"{name}_weight"))
        pads = [0, shape[3] // 2] * 2
        nodes.append(onnx.helper.make_node("Conv", [source, f"{name}_weight"], [f"/{name}/Conv"], pads=pads))
        nodes.append(onnx.helper.make_node("Relu", [f"/{name}/Conv"], [f"/{name}/Relu"]))
        source = f"/{name}/Relu"
    head = rng.normal(0, 0.4, (8, 4)).astype(np.float32)
    constants.append(onnx.numpy_helper.from_array(-head if broken == "head" else head, "head_weight"))
    nodes += [
        onnx.helper.make_node("Add", [source, "/stem/Relu"], ["/add"]),
        onnx.helper.make_node("GlobalAveragePool", ["/add"], ["/pool"]),
        onnx.helper.make_node("Flatten", ["/pool"], ["/flat"]),
        onnx.helper.make_node("MatMul", ["/flat", "head_weight"], ["logits"]),
    ]
    kind = onnx.TensorProto.FLOAT
    imu = onnx.helper.make_tensor_value_info("imu", kind, [1, 6, 1, 32])
    logits = onnx.helper.make_tensor_value_info("logits", kind, [1, 4])
    graph = onnx.helper.make_graph(nodes, "student", [imu], [logits], constants)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)


def layers(model: Any, window: Floats) -> dict[str, Floats]:
    """Every intermediate tensor, in execution order."""
    shown = onnx.ModelProto.FromString(model.SerializeToString())
    names = [output for node in shown.graph.node for output in node.output if output]
    del shown.graph.output[:]
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(shown.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, {"imu": window[None, :, None]}), strict=True))


def optimised(model: Any, folder: Path) -> Any:
    """The same network after fusion: no tensor between convolution and ReLU is left."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / "fused.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(folder / "fused.onnx")


@pytest.fixture
def window() -> Floats:
    return np.random.default_rng(3).normal(0, 1, (6, 32)).astype(np.float32)


def test_a_fused_graph_does_not_diverge(window: Floats, tmp_path: Path) -> None:
    fused = optimised(network(), tmp_path)
    assert "/stem/Conv" not in layers(fused, window)
    assert first_divergence(layers(network(), window), layers(fused, window), 1e-3).startswith("no layer diverges")


@pytest.mark.parametrize(("broken", "before"), [("stem", "the input"), ("expand", "/stem/"), ("project", "/expand/")])
def test_a_corrupted_convolution_is_found_through_the_fusion(
    window: Floats, tmp_path: Path, broken: str, before: str
) -> None:
    fused = optimised(network(broken), tmp_path)
    line = first_divergence(layers(network(), window), layers(fused, window), 1e-3)
    assert f"first diverging layer /{broken}/" in line
    assert f"agreement up to {before}" in line


def test_a_corrupted_head_is_found_through_the_fusion(window: Floats, tmp_path: Path) -> None:
    fused = optimised(network("head"), tmp_path)
    line = first_divergence(layers(network(), window), layers(fused, window), 1e-3)
    assert "first diverging layer logits" in line
