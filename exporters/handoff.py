"""The ONNX graph between training and every target: reading it and refusing what targets convert wrongly."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory.contracts.errors import ArtifactError, ExportError
from factory.contracts.window import SensorContract

if TYPE_CHECKING:
    from onnx import ModelProto

INPUT, OUTPUT = "imu", "logits"
FRONT = "float_front"
"""Key in the graph's metadata: the tensor that leaves the part which int8 files keep in float (docs/adr/0003)."""
WEIGHTED = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOff:
    """What a graph says: input `imu` [batch, channels, 1, window], output `logits` [batch, classes].

    Attributes:
        channels: C.
        window: T, samples.
        classes: K.
        batch: N, fixed.
        front: The last tensor of the front that int8 files keep in float; empty if the graph names none.
        front_weighted: Convolutions and matrix products of that front.
    """

    channels: int
    window: int
    classes: int
    batch: int = 1
    front: str = ""
    front_weighted: int = 0


def read_handoff(path: Path) -> HandOff:
    """Check the hand-off graph and say its shape.

    Raises:
        ArtifactError: The file is missing or not ONNX.
        ExportError: Names, ranks or sizes are not the hand-off's. An input [1, C, T] is refused because
            onnx2tf converts it without a word into a graph that computes something else.
    """
    shape = read_shape(path)
    if shape.batch != 1:
        raise ExportError(f"{path}: the batch is {shape.batch}, expected 1: export the student again (factory export)")
    return shape


def read_shape(path: Path) -> HandOff:
    """Shape of a graph made from the hand-off; its batch may be any fixed number.

    Raises:
        ArtifactError: The file is missing or not ONNX.
        ExportError: Names, ranks or sizes are not the hand-off's.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(path)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: export the student again (factory export)") from error
    except DecodeError as error:
        raise ArtifactError(f"{path} is not an ONNX file: export the student again (factory export)") from error
    graph = model.graph
    inputs, outputs = [_shape(value) for value in graph.input], [_shape(value) for value in graph.output]
    names = [value.name for value in graph.input], [value.name for value in graph.output]
    if names != ([INPUT], [OUTPUT]):
        raise ExportError(f"{path}: tensors are {names[0]} -> {names[1]}, expected ['imu'] -> ['logits']")
    match inputs[0], outputs[0]:
        case (int(batch), int(channels), 1, int(window)), (int(rows), int(classes)) if (
            batch and batch == rows and channels and window and classes
        ):
            front = _front(model)
            ahead = graph.node[: front_length(model)] if front else []
            return HandOff(
                channels=channels,
                window=window,
                classes=classes,
                batch=batch,
                front=front or "",
                front_weighted=sum(node.op_type in WEIGHTED for node in ahead),
            )
    raise ExportError(
        f"{path}: shapes are {inputs[0]} -> {outputs[0]}, expected (1, channels, 1, window) -> (1, classes), "
        "all fixed: build the network on Conv2d of kernel (1, k)"
    )


def read_contract(build: Path) -> bytes:
    """A build's contract.json, word for word: what files carry with them.

    Raises:
        ArtifactError: It is missing or corrupt.
    """
    path = build / "contract.json"
    try:
        content = path.read_bytes()
        SensorContract.model_validate_json(content)
    except (FileNotFoundError, ValueError) as error:
        raise ArtifactError(f"{path} is missing or corrupt: run factory export") from error
    return content


def front_length(model: "ModelProto") -> int:
    """Number of nodes up to the tensor that a hand-off graph names as the end of its float front.

    Raises:
        ExportError: It names none, or one that no node computes.
    """
    front = _front(model)
    for count, node in enumerate(model.graph.node, 1):
        if front in node.output:
            return count
    problem = (
        f"no node computes '{front}', its {FRONT}" if front else f"{FRONT} is None, expected the name of a tensor in it"
    )
    raise ExportError(f"the hand-off graph cannot be quantised: {problem}: export the student again (factory export)")


def _front(model: "ModelProto") -> str | None:
    """The tensor named as the end of the float front."""
    return next((entry.value for entry in model.metadata_props if entry.key == FRONT), None)


def _shape(value: "object") -> tuple[int, ...]:
    """Sizes of a graph tensor; 0 where dynamic."""
    return tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)  # type: ignore[attr-defined]
