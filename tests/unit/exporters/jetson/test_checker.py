"""Each rule of the checker, on a graph that keeps it and on one that breaks it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from exporters.jetson import checker
from exporters.jetson.checker import Device, GraphReport, Level, check_file, check_graph
from exporters.jetson.graphs import load
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from tests.unit.exporters.jetson.golden_graphs import (
    CASES,
    CONV,
    NODE,
    QDQ,
    RELU,
    Case,
    S,
    Z,
    branch,
    graph,
    loop,
    qdq,
    resize,
    scan,
    stored,
    weights,
)

ROOT = Path(__file__).parents[4]


def _rules(report: GraphReport) -> set[str]:
    return {diagnostic.rule for diagnostic in report.diagnostics}


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_a_graph_that_breaks_the_rule_is_found_with_node_and_remedy(case: Case) -> None:
    report = check_graph(case.breaks, case.device, case.precision, "bad.onnx")
    found = [diagnostic for diagnostic in report.diagnostics if diagnostic.rule == case.rule]
    assert found, [str(diagnostic) for diagnostic in report.diagnostics]
    assert ("graph" if case.whole else NODE) in {diagnostic.node for diagnostic in found}
    assert all(diagnostic.message and diagnostic.remedy for diagnostic in found)


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_a_graph_that_keeps_the_rule_is_not_found(case: Case) -> None:
    report = check_graph(case.keeps, case.device, case.kept_in or case.precision, "good.onnx")
    assert case.rule not in _rules(report), [str(diagnostic) for diagnostic in report.diagnostics]


def test_every_rule_in_the_code_has_its_graphs_and_its_line_in_the_document() -> None:
    sources = (path.read_text("utf-8") for path in Path(checker.__file__).parent.glob("*.py"))
    written = {rule for text in sources for rule in re.findall(r'(?:error|warning)\(\s*"([a-z]+\.[a-z_]+)"', text)}
    assert written == {case.rule for case in CASES}
    document = (ROOT / "docs/targets/tensorrt-checker.md").read_text("utf-8")
    assert {rule for rule in written if f"`{rule}`" not in document} == set()


TAKEN: dict[str, Any] = {name: np.array(value) for name, value in {"yes": True, "no": False}.items()}
CONSTANT_IF = "logits = If({}) "
QUANTISED_IF = (
    "r = Relu(imu) q = QuantizeLinear(r, s, z) h = ReduceMax<keepdims=0>(imu) c = Cast<to=9>(h) logits = If(c) "
)
PLAIN: dict[str, Any] = {"w": weights(4, 4, 1, 3), "k": np.array([2]), "axis": np.array(3), "b": weights(4)}


@pytest.mark.parametrize(
    ("rule", "refused", "accepted"),
    [
        ("operator.unsupported", branch("at = Hardmax(imu) a = Relu(at)"), branch("t = Softmax(imu) a = Relu(t)")),
        ("operator.unsupported", loop("at = Hardmax(x) y = Relu(at)"), loop("t = Softmax(x) y = Relu(t)")),
        ("operator.unsupported", scan("at = Hardmax(x) y = Relu(at)"), scan("t = Softmax(x) y = Relu(t)")),
        (
            "operator.unsupported",
            branch("at = Hardmax(imu) a = Relu(at)", condition=CONSTANT_IF.format("yes"), **TAKEN),
            branch("at = Hardmax(imu) a = Relu(at)", condition=CONSTANT_IF.format("no"), **TAKEN),
        ),
        (
            "type.double",
            branch("at = Cast<to=11>(imu) a = Cast<to=1>(at)"),
            branch("t = Cast<to=10>(imu) a = Cast<to=1>(t)"),
        ),
        (
            "operator.axes",
            graph("n = Size(imu) logits = CumSum(imu, n)"),
            graph("logits = CumSum(imu, axis)", **PLAIN),
        ),
        (
            "operator.axes",
            graph("s = Shape(imu) logits = ReduceSum(imu, s)"),
            graph("k = Constant<value = int64[1] {2}>() logits = ReduceSum(imu, k)"),
        ),
        (
            "operator.constant",
            graph("c = ReduceMax<axes=[0,2,3], keepdims=0>(imu) logits = InstanceNormalization(imu, c, b)", **PLAIN),
            graph("logits = InstanceNormalization(imu, b, b)", **PLAIN),
        ),
        (
            "operator.constant",
            graph("c = ReduceMax<axes=[0,2,3], keepdims=0>(imu) logits = InstanceNormalization(imu, b, c)", **PLAIN),
            graph("logits = InstanceNormalization(imu, b, b)", **PLAIN),
        ),
        (
            "operator.constant_form",
            graph("at = Constant<value_int=3>() logits = CumSum(imu, at)"),
            graph("c = Constant<value_int=0>() logits = CumSum(imu, c)"),
        ),
        (
            "operator.constant_form",
            graph('at = Constant<value_strings=["a"]>() logits = Tanh(imu)'),
            graph("c = Constant<value_float=2.0>() logits = Mul(imu, c)"),
        ),
        (
            "operator.resize",
            resize("tf_half_pixel_for_nn", "nearest", "floor"),
            resize("tf_half_pixel_for_nn", "nearest"),
        ),
        ("operator.resize", resize("half_pixel", scales=(2, 1, 1, 2)), resize("half_pixel", scales=(1, 2, 2, 2))),
        (
            "operator.resize",
            resize("half_pixel", "cubic", scales=(1, 2, 1, 2)),
            resize("half_pixel", "cubic", scales=(1, 1, 2, 2)),
        ),
        (
            "operator.einsum",
            graph('logits = Einsum<equation="abcc->abc">(imu)', imu="float[1,4,4,4]"),
            graph('logits = Einsum<equation="abcd->abdc">(imu)'),
        ),
        (
            "operator.einsum",
            graph('logits = Einsum<equation="abcd,abcd,abcd->ab">(imu, imu, imu)'),
            graph('logits = Einsum<equation="abcd,abcd->ab">(imu, imu)'),
        ),
        (
            "operator.einsum",
            graph('logits = Einsum<equation="abcd,c->abcd">(imu, b)', imu="float[1,4,1,16]", **PLAIN),
            graph('logits = Einsum<equation="abcd,b->abcd">(imu, b)', imu="float[1,4,1,16]", **PLAIN),
        ),
        (
            "operator.training",
            graph("h = ReduceMax<keepdims=0>(imu) mode = Cast<to=9>(h) logits = Dropout(imu, , mode)"),
            graph("logits = Dropout(imu)"),
        ),
        (
            "operator.training",
            graph("logits, mean, var = BatchNormalization<training_mode=1>(imu, b, b, b, b)", **PLAIN),
            graph("logits = BatchNormalization(imu, b, b, b, b)", **PLAIN),
        ),
        (
            "conv.kernel_shape",
            graph("r = Relu(b) logits = Conv(imu, w, r)", **PLAIN),
            graph("logits = Conv(imu, w, b)", **PLAIN),
        ),
        (
            "qdq.none",
            branch("a = Relu(imu)"),
            branch("q = QuantizeLinear(imu, s, z) a = DequantizeLinear(q, s, z)", s=S, z=Z),
        ),
        (
            "qdq.pair",
            branch("n = Cast<to=1>(q) a = Relu(n)", condition=QUANTISED_IF, s=S, z=Z),
            branch("n = DequantizeLinear(q, s, z) a = Relu(n)", condition=QUANTISED_IF, s=S, z=Z),
        ),
        (
            "qdq.depthwise_swish_end",
            qdq(
                then="at = Conv<kernel_shape=[1,3], group=4>(d, e) n2 = BatchNormalization(at, b, b, b, b) "
                "g = Sigmoid(n2) logits = Mul(g, n2)",
                v=stored(4, 1, 1, 3),
                b=weights(4),
            ),
            qdq(
                then="at = Conv<kernel_shape=[1,3], group=4>(d, e) logits = Relu(at)",
                v=stored(4, 1, 1, 3),
                b=weights(4),
            ),
        ),
    ],
)
def test_what_the_importer_refuses_is_an_error_and_what_it_takes_is_none(
    rule: str, refused: onnx.ModelProto, accepted: onnx.ModelProto
) -> None:
    bad = check_graph(refused, Device.GPU, Precision.INT8_STATIC, "m")
    assert rule in {error.rule for error in bad.errors}, [str(one) for one in bad.diagnostics]
    good = check_graph(accepted, Device.GPU, Precision.INT8_STATIC, "m")
    assert {error.rule for error in good.errors} - {"qdq.none"} == set(), [str(one) for one in good.errors]
    assert rule not in {error.rule for error in good.errors}


def test_the_size_of_a_result_that_nothing_reads_need_not_be_known() -> None:
    model = graph("logits, mask = Dropout(imu)", opset=7)
    assert check_graph(model, Device.GPU, Precision.FP16, "m").diagnostics == ()


@pytest.mark.parametrize(
    ("equation", "reason"),
    [("...d,de->...e", "an ellipsis"), ("abdd,de->abe", "a diagonal"), ("ABCD,DE->ABCE", "other letters than a to z")],
)
def test_an_einsum_is_refused_with_the_reason(equation: str, reason: str) -> None:
    model = graph(f'logits = Einsum<equation="{equation}">(imu, w)', w=weights(16, 3))
    report = check_graph(model, Device.GPU, Precision.FP16, "m")
    assert reason in next(error.message for error in report.errors if error.rule == "operator.einsum")


def test_int64_at_the_ends_is_cast_with_a_warning() -> None:
    model = graph("h = Cast<to=1>(imu) logits = ArgMax(h)", imu="int64[1,4]")
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    report = check_graph(model, Device.GPU, Precision.FP16, "m")
    assert [(one.rule, one.level) for one in report.diagnostics] == [("type.cast", Level.WARNING)] * 2
    assert report.errors == ()


def test_macs_in_a_branch_count_against_the_dlas_coverage() -> None:
    condition = "v = Conv(imu, w) h = ReduceMax<keepdims=0>(v) c = Cast<to=9>(h) logits = If(c) "
    model = branch("a = Conv(imu, w)", condition=condition, w=weights(4, 4, 1, 3))
    covered = check_graph(model, Device.DLA, Precision.FP16, "m").coverage
    assert covered is not None
    assert (covered.macs, covered.on_dla) == (2 * 14 * 4 * 4 * 3, 14 * 4 * 4 * 3)


def test_a_node_without_its_inputs_is_refused_by_name() -> None:
    model = graph("at = Conv(imu, w) logits = Relu(at)", w=weights(4, 4, 1, 3))
    del model.graph.node[0].input[1:]
    with pytest.raises(ArtifactError, match="m: named has 1 inputs, Conv takes at least 2"):
        check_graph(model, Device.GPU, Precision.FP16, "m")


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_a_plain_convolution_is_clean_for_the_gpu(precision: Precision) -> None:
    assert check_graph(CONV, Device.GPU, precision, "m").diagnostics == ()


def test_a_quantised_convolution_is_clean_for_the_gpu() -> None:
    assert check_graph(QDQ, Device.GPU, Precision.INT8_STATIC, "m").diagnostics == ()


def test_coverage_counts_the_macs_of_nodes_that_the_dla_takes() -> None:
    model = graph("a = Conv(imu, w) b = Softmax(a) logits = Conv(b, v)", w=weights(2, 4, 1, 3), v=weights(5, 2, 1, 1))
    covered = check_graph(model, Device.DLA, Precision.FP16, "m").coverage
    assert covered is not None
    assert (covered.macs, covered.on_dla, covered.parts) == (14 * 2 * 4 * 3 + 14 * 5 * 2, covered.macs, 2)
    assert (covered.per_cent, covered.on_gpu) == (100, ("Softmax -> b",))


def test_a_matrix_product_counts_against_the_coverage() -> None:
    model = graph("a = Conv(imu, w) logits = MatMul(a, v)", w=weights(4, 4, 1, 1), v=weights(16, 4))
    covered = check_graph(model, Device.DLA, Precision.FP16, "m").coverage
    assert covered is not None
    assert (covered.macs, covered.on_dla, covered.per_cent) == (512, 256, 50)


def _refusal(path: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        check_file(path, Device.GPU, Precision.FP32)
    return str(caught.value)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is missing" in _refusal(tmp_path / "none.onnx")
    assert "is a folder, expected an ONNX file" in _refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xff\xff\xff no protobuf", "is not an ONNX file"),
        (b'{"irVersion": "8", "graph": {"node": []}}', "is not an ONNX file"),
        (b"PK\x03\x04", "is not an ONNX file"),
        (onnx.ModelProto(ir_version=8).SerializeToString(), "holds no node"),
        (onnx.ModelProto(graph=RELU.graph).SerializeToString(), "names no opset"),
    ],
)
def test_bytes_that_are_no_graph_are_refused_with_the_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    for name in ("model.onnx", "model.json", "model.txt"):
        (tmp_path / name).write_bytes(content)
        assert reason in _refusal(tmp_path / name)


def test_a_graph_without_outputs_is_refused(tmp_path: Path) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(RELU)
    del model.graph.output[:]
    onnx.save(model, tmp_path / "m.onnx")
    assert "has no output" in _refusal(tmp_path / "m.onnx")


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    content = CONV.SerializeToString()
    for length in range(len(content)):
        (tmp_path / "cut.onnx").write_bytes(content[:length])
        assert "cut.onnx" in _refusal(tmp_path / "cut.onnx")


def test_weights_that_are_not_beside_the_graph_are_named(tmp_path: Path) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(CONV)
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    assert check_file(tmp_path / "m.onnx", Device.GPU, Precision.FP16).errors == ()
    (tmp_path / "m.data").unlink()
    assert "m.data" in _refusal(tmp_path / "m.onnx")


def test_a_constant_node_is_read_as_an_initialiser(tmp_path: Path) -> None:
    model = graph(
        "low = Constant<value = float {0.0}>() high = Constant<value_float = 6.0>() logits = Clip(imu, low, high)"
    )
    onnx.save(model, tmp_path / "m.onnx")
    assert [node.op_type for node in load(tmp_path / "m.onnx").graph.node] == ["Clip"]
    assert check_file(tmp_path / "m.onnx", Device.GPU, Precision.FP16).diagnostics == ()


def test_reports_survive_json() -> None:
    report = check_graph(RELU, Device.DLA, Precision.FP32, "m")
    assert GraphReport.model_validate_json(report.model_dump_json()) == report
