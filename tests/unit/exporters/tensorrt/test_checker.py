"""Each rule of the checker, on a graph that keeps it and on one that breaks it."""

import re
from pathlib import Path

import onnx
import pytest

from exporters.tensorrt import checker
from exporters.tensorrt.checker import Device, GraphReport, check_file, check_graph
from exporters.tensorrt.graphs import load
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from tests.unit.exporters.tensorrt.golden_graphs import CASES, CONV, NODE, QDQ, RELU, Case, graph, weights

ROOT = Path(__file__).parents[4]


def _rules(report: GraphReport) -> set[str]:
    return {finding.rule for finding in report.findings}


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_a_graph_that_breaks_the_rule_is_found_with_node_and_remedy(case: Case) -> None:
    report = check_graph(case.breaks, case.device, case.precision, "bad.onnx")
    found = [finding for finding in report.findings if finding.rule == case.rule]
    assert found, [str(finding) for finding in report.findings]
    assert ("graph" if case.whole else NODE) in {finding.node for finding in found}
    assert all(finding.message and finding.remedy for finding in found)


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_a_graph_that_keeps_the_rule_is_not_found(case: Case) -> None:
    report = check_graph(case.keeps, case.device, case.kept_in or case.precision, "good.onnx")
    assert case.rule not in _rules(report), [str(finding) for finding in report.findings]


def test_every_rule_in_the_code_has_its_graphs_and_its_line_in_the_document() -> None:
    sources = (path.read_text("utf-8") for path in Path(checker.__file__).parent.glob("*.py"))
    written = {rule for text in sources for rule in re.findall(r'(?:error|warning)\(\s*"([a-z]+\.[a-z_]+)"', text)}
    assert written == {case.rule for case in CASES}
    document = (ROOT / "docs/targets/tensorrt-checker.md").read_text("utf-8")
    assert {rule for rule in written if f"`{rule}`" not in document} == set()


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_a_plain_convolution_is_clean_for_the_gpu(precision: Precision) -> None:
    assert check_graph(CONV, Device.GPU, precision, "m").findings == ()


def test_a_quantised_convolution_is_clean_for_the_gpu() -> None:
    assert check_graph(QDQ, Device.GPU, Precision.INT8_STATIC, "m").findings == ()


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


def test_a_file_that_is_missing_or_no_onnx_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="missing"):
        check_file(tmp_path / "none.onnx", Device.GPU, Precision.FP32)
    (tmp_path / "no.onnx").write_bytes(b"\xff\xff\xff no protobuf")
    with pytest.raises(ArtifactError, match="not an ONNX file"):
        check_file(tmp_path / "no.onnx", Device.GPU, Precision.FP32)


def test_a_constant_node_is_read_as_an_initialiser(tmp_path: Path) -> None:
    model = graph(
        "low = Constant<value = float {0.0}>() high = Constant<value = float {6.0}>() logits = Clip(imu, low, high)"
    )
    onnx.save(model, tmp_path / "m.onnx")
    assert [node.op_type for node in load(tmp_path / "m.onnx").graph.node] == ["Clip"]
    assert check_file(tmp_path / "m.onnx", Device.GPU, Precision.FP16).findings == ()


def test_reports_survive_json() -> None:
    report = check_graph(RELU, Device.DLA, Precision.FP32, "m")
    assert GraphReport.model_validate_json(report.model_dump_json()) == report
