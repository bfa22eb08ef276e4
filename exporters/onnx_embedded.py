"""What an ONNX graph, or a file made of one, says of itself: contract and labels among its properties."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import Embedded
from factory.contracts.window import SensorContract

if TYPE_CHECKING:
    from onnx import ModelProto

CONTRACT, LABELS = "contract.json", "labels.txt"
"""Keys of the properties (metadata_props); labels are separated by line feeds."""


def describe_graph(model: "ModelProto", contract: str) -> None:
    """Add the contract and its labels to a graph's properties, in place."""
    labels = SensorContract.model_validate_json(contract).window.labels
    for key, value in ((CONTRACT, contract), (LABELS, "\n".join(labels))):
        model.metadata_props.add(key=key, value=value)


def read_embedded(path: Path) -> Embedded:
    """Precision of an ONNX file's tensors, and labels and contract where its properties have them.

    Raises:
        ArtifactError: The file is missing or not ONNX, or says two things.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(path)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: build the target again") from error
    except DecodeError as error:
        raise ArtifactError(f"{path} is not an ONNX file: build the target again") from error
    properties = {entry.key: entry.value for entry in model.metadata_props}
    return embedded_of(_held(model), properties, path)


def embedded_of(precision: Precision | None, properties: Mapping[str, str], path: Path) -> Embedded:
    """What a file's properties say, together with its precision.

    Raises:
        ArtifactError: The contract is corrupt, or one of the two is missing, or their labels differ.
    """
    if not {CONTRACT, LABELS}.intersection(properties):
        return Embedded(precision=precision, labels=None, contract=None)
    try:
        labels = tuple(properties[LABELS].split("\n"))
        contract = SensorContract.model_validate_json(properties[CONTRACT])
    except (KeyError, ValueError) as error:
        raise ArtifactError(
            f"{path}: its {CONTRACT} or {LABELS} is missing or corrupt: build the target again"
        ) from error
    return Embedded(precision=precision, labels=labels, contract=contract).consistent(str(path))


def _held(model: "ModelProto") -> Precision:
    kinds = {node.op_type for node in model.graph.node}
    if "QuantizeLinear" in kinds:
        return Precision.INT8_STATIC
    if "DequantizeLinear" in kinds:
        return Precision.INT8_DYNAMIC
    float16 = any(tensor.data_type == tensor.FLOAT16 for tensor in model.graph.initializer)
    return Precision.FP16 if float16 else Precision.FP32
