"""The ONNX graph between training and every target: reading it and refusing what targets convert wrongly."""

from dataclasses import dataclass
from pathlib import Path

from factory.contracts.errors import ArtifactError, ExportError

INPUT, OUTPUT = "imu", "logits"


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOff:
    """Shape of a graph: input `imu` [batch, channels, 1, window], output `logits` [batch, classes]."""

    channels: int
    window: int
    classes: int
    batch: int = 1


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
        graph = onnx.load(path).graph
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: export the student again (factory export)") from error
    except DecodeError as error:
        raise ArtifactError(f"{path} is not an ONNX file: export the student again (factory export)") from error
    inputs, outputs = [_shape(value) for value in graph.input], [_shape(value) for value in graph.output]
    names = [value.name for value in graph.input], [value.name for value in graph.output]
    if names != ([INPUT], [OUTPUT]):
        raise ExportError(f"{path}: tensors are {names[0]} -> {names[1]}, expected ['imu'] -> ['logits']")
    match inputs[0], outputs[0]:
        case (int(batch), int(channels), 1, int(window)), (int(rows), int(classes)) if (
            batch and batch == rows and channels and window and classes
        ):
            return HandOff(channels=channels, window=window, classes=classes, batch=batch)
    raise ExportError(
        f"{path}: shapes are {inputs[0]} -> {outputs[0]}, expected (1, channels, 1, window) -> (1, classes), "
        "all fixed: build the network on Conv2d of kernel (1, k)"
    )


def _shape(value: "object") -> tuple[int, ...]:
    """Sizes of a graph tensor; 0 where dynamic."""
    return tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)  # type: ignore[attr-defined]
