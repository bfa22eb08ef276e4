"""Labels and contract among an ONNX graph's properties."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from exporters.onnx import export_onnx
from exporters.onnx_embedded import CONTRACT, LABELS, describe_graph, read_embedded
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.window import SensorContract
from tests.unit.exporters.students import CHANNELS, WINDOW, normalisation, sensor_spec, student
from tests.unit.exporters.students import LABELS as NAMES

Properties = dict[str, str]


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """The hand-off graph of the small student; it has neither."""
    export_onnx(student(), CHANNELS, WINDOW, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def changed(graph: Path, change: Callable[[Properties], Properties]) -> Path:
    """The graph with contract and labels, after a change of its properties."""
    contract = SensorContract(
        name="tiny", window=sensor_spec(), normalisation=normalisation(), phone_obstacles=()
    ).model_dump_json()
    model = onnx.load(graph)
    describe_graph(model, contract)
    properties = change({entry.key: entry.value for entry in model.metadata_props})
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, graph)
    return graph


def test_a_graph_without_them_has_none(graph: Path) -> None:
    inside = read_embedded(graph)
    assert (inside.precision, inside.labels, inside.contract) == (Precision.FP32, None, None)


def test_labels_and_contract_are_read_and_other_properties_stay(graph: Path) -> None:
    inside = read_embedded(changed(graph, lambda properties: properties))
    assert inside.labels == NAMES
    assert inside.contract is not None
    assert inside.contract.window == sensor_spec()
    assert "float_front" in {entry.key for entry in onnx.load(graph).metadata_props}


@pytest.mark.parametrize("labels", [tuple(reversed(NAMES)), NAMES[:-1], (*NAMES[:-1], "run!")])
def test_labels_changed_against_the_contract_are_refused(graph: Path, labels: tuple[str, ...]) -> None:
    path = changed(graph, lambda properties: properties | {LABELS: "\n".join(labels)})
    with pytest.raises(ArtifactError, match=f"has the labels {', '.join(labels)}, its contract {', '.join(NAMES)}"):
        read_embedded(path)


@pytest.mark.parametrize("stripped", [LABELS, CONTRACT])
def test_one_without_the_other_is_refused(graph: Path, stripped: str) -> None:
    def change(properties: Properties) -> Properties:
        return {key: value for key, value in properties.items() if key != stripped}

    with pytest.raises(ArtifactError, match="missing or corrupt"):
        read_embedded(changed(graph, change))


def test_float16_constants_are_fp16(graph: Path) -> None:
    model = onnx.load(graph)
    model.graph.initializer[0].data_type = onnx.TensorProto.FLOAT16
    onnx.save(model, graph)
    assert read_embedded(graph).precision is Precision.FP16
