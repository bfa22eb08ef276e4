from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from exporters.handoff import read_handoff
from exporters.onnx import export_onnx
from factory.contracts.errors import ArtifactError, ExportError
from factory.contracts.front import first_in_int8, float_front
from factory.contracts.recipe import BlockKind
from tests.unit.exporters.students import CHANNELS, WINDOW, student, unfolded_student


def _graph(path: Path, shape: list[int]) -> Path:
    node = helper.make_node("Flatten", ["imu"], ["logits"])
    given = helper.make_tensor_value_info("imu", TensorProto.FLOAT, shape)
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 768])
    graph = helper.make_graph([node], "g", [given], [result])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_an_input_of_three_axes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"expected \(1, channels, 1, window\)"):
        read_handoff(_graph(tmp_path / "three.onnx", [1, 6, 128]))


def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"\xff\xff\xff not protobuf")
    with pytest.raises(ArtifactError, match="not an ONNX file"):
        read_handoff(tmp_path / "no.onnx")


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        export_onnx(student(), CHANNELS, WINDOW, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    model = onnx.load(tmp_path / "a")
    assert model.ir_version <= 8
    assert [entry.version for entry in model.opset_import] == [17]


def test_the_graph_names_the_front_that_int8_files_keep_in_float(tmp_path: Path) -> None:
    export_onnx(student(), CHANNELS, WINDOW, tmp_path / "m.onnx")
    handoff = read_handoff(tmp_path / "m.onnx")
    assert handoff.front.startswith("/stages.0/")
    assert handoff.front_weighted == 6


def test_a_front_that_no_node_computes_is_refused(tmp_path: Path) -> None:
    export_onnx(student(), CHANNELS, WINDOW, tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    model.metadata_props[0].value = "elsewhere"
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(ExportError, match="no node computes 'elsewhere'"):
        read_handoff(tmp_path / "m.onnx")


def test_a_network_in_training_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="training mode"):
        export_onnx(student().train(), CHANNELS, WINDOW, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_int8_begins_behind_the_first_stage_of_a_mobilenet_or_at_the_last_convolution() -> None:
    names = [name for name, _ in student().named_modules()]
    assert float_front(names) == ("normalise", "stem", "stages.0")
    assert first_in_int8(names) == "stages.1"
    assert first_in_int8(name for name in names if not name.startswith("stages.1")) == "last"
    assert first_in_int8(["layer1", "layer2"]) is None


@pytest.mark.parametrize("block", ["plain", "residual"])
def test_int8_begins_behind_the_stem_of_plain_convolutions(block: BlockKind) -> None:
    names = [name for name, _ in unfolded_student(block=block).named_modules()]
    assert float_front(names) == ("normalise", "stem")
    assert first_in_int8(names) == "stages.0"
