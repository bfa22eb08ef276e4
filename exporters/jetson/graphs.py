"""ONNX graphs in memory: reading, looking things up, fixing the batch, writing."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.errors import ArtifactError, ExportError
from factory.contracts.files import atomic_write

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators that multiply by weights."""
_NUMBERS = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
"""Forms of a constant beside `value`, and their types."""
_AGAIN = "check the path, or build the target again"


def load(path: Path) -> "ModelProto":
    """Read a graph; constants that are nodes become initialisers.

    Raises:
        ArtifactError: As `read`.
    """
    model = read(path)
    _store_constants(model.graph)
    return model


def read(path: Path) -> "ModelProto":
    """Read a graph as it is stored. TensorRT reads binary ONNX alone, whatever the file is called.

    Raises:
        ArtifactError: Missing, a folder, cut off, not ONNX, or without anything to compute.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        content = path.read_bytes()
        model = onnx.load_model_from_string(content)
        onnx.load_external_data_for_model(model, str(path.parent))
    except IsADirectoryError as error:
        raise ArtifactError(f"{path} is a folder, expected an ONNX file: name a file in it") from error
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: check the path, or build the target again") from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}): check the path and its permissions") from error
    except DecodeError as error:
        raise ArtifactError(f"{path} is not an ONNX file, or was cut off: {_AGAIN}") from error
    except onnx.checker.ValidationError as error:
        raise ArtifactError(f"{path}: {_one_line(error)}: put the file of its weights beside it") from error
    if lacking := _lacking(model, content):
        raise ArtifactError(f"{path} {lacking}, expected a whole ONNX graph: {_AGAIN}")
    return model


def _lacking(model: "ModelProto", content: bytes) -> str:
    """What a file lacks that decodes and yet is no graph: other formats, and files cut off between two fields."""
    if not content:
        return "is empty"
    if not model.graph.node:
        return "holds no node"
    if not model.graph.output:
        return "has no output"
    return "" if model.opset_import else "names no opset"


def save(model: "ModelProto", path: Path) -> None:
    """Check a graph and write it; the same graph gives the same bytes.

    Raises:
        ExportError: onnx.checker refused; says why.
        StorageError: The disk is full or not writable.
    """
    import onnx

    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"jetson, {path.name}: onnx.checker refused the graph: {_one_line(error)}") from error
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def with_batch(model: "ModelProto", batch: int) -> "ModelProto":
    """A copy for `batch` windows at a time; every other size stays."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    for value in (*copy.graph.input, *copy.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    return copy


def constants(graph: "GraphProto") -> dict[str, NDArray[Any]]:
    """Every initialiser by its name."""
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def constant_tensor(node: "NodeProto") -> "TensorProto | None":
    """What a Constant node holds; None where it is sparse or text, or the node another."""
    from onnx import numpy_helper

    given = attributes(node) if node.op_type == "Constant" else {}
    if (stored := given.get("value")) is not None:
        return stored  # type: ignore[no-any-return]
    value = next((np.array(given[name], kind) for name, kind in _NUMBERS.items() if name in given), None)
    return None if value is None else numpy_helper.from_array(value)


def shapes(model: "ModelProto") -> dict[str, tuple[int, ...]]:
    """Every tensor's sizes, by inference; 0 where a size is not fixed."""
    import onnx

    return stated_shapes(onnx.shape_inference.infer_shapes(model).graph)


def stated_shapes(graph: "GraphProto") -> dict[str, tuple[int, ...]]:
    """The sizes that a graph states; 0 where a size is not fixed."""
    found = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.type.tensor_type.HasField("shape"):
            found[value.name] = tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
    return found


def attributes(node: "NodeProto") -> dict[str, Any]:
    """A node's attributes as Python values."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def producers(graph: "GraphProto") -> dict[str, "NodeProto"]:
    """The node behind each computed tensor."""
    return {name: node for node in graph.node for name in node.output}


def consumers(graph: "GraphProto", tensor: str) -> list["NodeProto"]:
    """The nodes that read a tensor, in execution order."""
    return [node for node in graph.node if tensor in node.input]


def head_start(graph: "GraphProto") -> int:
    """Index of the first node after the pooled features; the number of nodes where nothing is pooled."""
    pooled = [index for index, node in enumerate(graph.node) if node.op_type == "GlobalAveragePool"]
    return pooled[-1] + 1 if pooled else len(graph.node)


def _store_constants(graph: "GraphProto") -> None:
    """TensorRT makes both a constant layer; initialisers are simpler to look up and change."""
    kept = []
    for node in graph.node:
        if (value := constant_tensor(node)) is None:
            kept.append(node)
        else:
            tensor = graph.initializer.add()
            tensor.CopyFrom(value)
            tensor.name = node.output[0]
    del graph.node[:]
    graph.node.extend(kept)


def scalar(value: NDArray[Any] | None) -> float | None:
    """The value of a constant of one element."""
    return float(np.ravel(value)[0]) if value is not None and value.size == 1 else None


def store(graph: "GraphProto", name: str, value: NDArray[Any]) -> str:
    """Add an initialiser; its name."""
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
    return name


def drop_unread(graph: "GraphProto") -> None:
    """Remove the initialisers that no node reads."""
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
