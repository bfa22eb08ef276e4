"""factory check-onnx, as a command of its own."""

import json
from pathlib import Path

import onnx
import pytest
import typer
from typer.testing import CliRunner

from factory.cli.app import run
from factory.cli.check_onnx import check_onnx
from factory.contracts.errors import ArtifactError, ExportError
from tests.unit.exporters.jetson.golden_graphs import CONV, QDQ, graph

APP = typer.Typer()
APP.command()(check_onnx)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    onnx.save(CONV, tmp_path / "clean.onnx")
    return tmp_path / "clean.onnx"


def test_a_clean_graph_says_so(clean: Path) -> None:
    result = CliRunner().invoke(APP, [str(clean)])
    assert (result.exit_code, result.stdout) == (0, "clean.onnx, gpu fp16: 0 errors, 0 warnings\n")


def test_the_dlas_coverage_is_printed(clean: Path) -> None:
    result = CliRunner().invoke(APP, [str(clean), "--device", "dla"])
    assert "DLA: 100.0 % of 768 MACs in 1 parts; on the GPU: nothing" in result.stdout


def test_an_error_names_node_and_remedy_and_fails(tmp_path: Path) -> None:
    onnx.save(graph("logits = Hardmax(imu)"), tmp_path / "bad.onnx")
    result = CliRunner().invoke(APP, [str(tmp_path / "bad.onnx")])
    assert isinstance(result.exception, ExportError)
    assert "error   operator.unsupported  named" in result.stdout
    assert "TensorRT 8.5 has no Hardmax: write it by other operators" in result.stdout


def test_json_holds_the_whole_report(tmp_path: Path) -> None:
    onnx.save(QDQ, tmp_path / "q.onnx")
    result = CliRunner().invoke(APP, [str(tmp_path / "q.onnx"), "--precision", "int8", "--json"])
    assert json.loads(result.stdout)["diagnostics"] == []


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert isinstance(CliRunner().invoke(APP, [str(tmp_path / "none.onnx")]).exception, ArtifactError)


def test_a_folder_is_refused_in_one_line_with_the_exit_code_of_a_file_that_is_no_artifact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check-onnx", str(tmp_path)]) == 9
    assert "is a folder, expected an ONNX file" in " ".join(capsys.readouterr().err.split())


def test_bytes_that_are_no_graph_are_refused_and_not_said_to_have_no_errors(tmp_path: Path) -> None:
    for content in (b"", b'{"graph": {}}', onnx.ModelProto(ir_version=8).SerializeToString()):
        (tmp_path / "m.onnx").write_bytes(content)
        result = CliRunner().invoke(APP, [str(tmp_path / "m.onnx")])
        assert isinstance(result.exception, ArtifactError)
        assert "errors" not in result.stdout


def test_json_names_rule_level_and_node(tmp_path: Path) -> None:
    onnx.save(graph("logits = Hardmax(imu)"), tmp_path / "bad.onnx")
    (said,) = json.loads(CliRunner().invoke(APP, [str(tmp_path / "bad.onnx"), "--json"]).stdout)["diagnostics"]
    assert (said["rule"], said["level"], said["node"]) == ("operator.unsupported", "error", "named")
