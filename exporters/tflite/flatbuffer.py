"""Reading and rewriting .tflite files by their schema; no interpreter, no TensorFlow."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from factory.contracts.artifact import Quantisation, TensorInfo
from factory.contracts.errors import ArtifactError, MissingToolError

IDENTIFIER = b"TFL3"
_ALIGNMENT = 16
_DTYPES: dict[int, Literal["float32", "float16", "int32", "int8"]] = {
    0: "float32",
    1: "float16",
    2: "int32",
    9: "int8",
}
_INT8 = 9
_LAYOUTS = {"imu": "1, 1, time, channel", "logits": "1, class"}
_UNREADABLE = (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)


class _CompactBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Starts each constant at a multiple of 16 bytes, as the schema's force_align asks; writes equal vectors once.

    The generated Python code ignores that attribute; kernels that read an unaligned constant in place may fault.
    Shapes, scales and zero points are no constants: they need their elements' alignment alone.
    """

    head: int
    Bytes: bytearray

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802 - overrides
        payload = x.tobytes()
        key = (x.dtype.str, payload)
        if key not in self._written:
            self._written[key] = self._write(x, payload)
        return self._written[key]

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        key = ("string", s.encode(encoding, errors) if isinstance(s, str) else s)
        if key not in self._written:
            self._written[key] = int(super().CreateString(s, encoding, errors))
        return self._written[key]

    def _write(self, x: NDArray[Any], payload: bytes) -> int:
        self.StartVector(x.itemsize, x.size, _ALIGNMENT if x.dtype == np.uint8 else x.itemsize)
        self.head = self.head - len(payload)
        self.Bytes[self.head : self.head + len(payload)] = payload
        self.vectorNumElems = x.size
        return int(self.EndVector())


def schema() -> Any:
    """The generated TFLite schema module.

    Raises:
        MissingToolError: ai-edge-litert is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated
    except ModuleNotFoundError as error:
        raise MissingToolError("LiteRT is missing: pip install 'smldist-factory[litert]'") from error
    return schema_py_generated


def parse(content: bytes, where: str) -> Any:
    """A model as a tree of mutable objects (schema's ModelT).

    Raises:
        ArtifactError: Not a .tflite file, or a broken one.
    """
    if content[4:8] != IDENTIFIER:
        raise ArtifactError(f"{where} is not a .tflite file: build the target again")
    try:
        model = schema().ModelT.InitFromPackedBuf(content, 0)
        if not (model.subgraphs and model.subgraphs[0].tensors and model.buffers):
            raise ValueError("no graph inside")
    except _UNREADABLE as error:
        raise ArtifactError(f"{where} is corrupt ({error}): build the target again") from error
    return model


def pack(model: Any) -> bytes:
    """The file of a model tree; constants aligned, equal vectors written once."""
    builder = _CompactBuilder(1 << 16)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def describe(path: Path) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Inputs and outputs of a file by the names of its signature.

    Raises:
        ArtifactError: Corrupt, or without a signature.
    """
    model = parse(path.read_bytes(), str(path))
    try:
        signature, tensors = model.signatureDefs[0], model.subgraphs[0].tensors
        inputs = tuple(_info(tensors[t.tensorIndex], t.name.decode()) for t in signature.inputs)
        outputs = tuple(_info(tensors[t.tensorIndex], t.name.decode()) for t in signature.outputs)
    except _UNREADABLE as error:
        raise ArtifactError(f"{path} has no readable signature: build the target again") from error
    return inputs, outputs


def quantised_tensors(model: Any) -> tuple[TensorInfo, ...]:
    """Every int8 tensor, weights and activations. A bias's scale is the product of its input's and weight's."""
    tensors = model.subgraphs[0].tensors
    return tuple(_info(tensor, tensor.name.decode()) for tensor in tensors if tensor.type == _INT8)


def execution_order(model: Any) -> list[int]:
    """Indices of the tensors that operators compute from the input, in order; constants unfolded are left out."""
    graph = model.subgraphs[0]
    live, order = set(graph.inputs), []
    for operator in graph.operators:
        if live.intersection(operator.inputs):
            order += [int(index) for index in operator.outputs]
            live.update(operator.outputs)
    return order


def float_front(model: Any, weighted: int) -> list[str]:
    """Outputs of the operators from the input up to the `weighted`-th convolution and what belongs to it.

    The next convolution ends the front, and so does the pad or the pooling in front of it.

    Args:
        model: Of the float file.
        weighted: Convolutions and matrix products in the front.
    """
    kinds = schema().BuiltinOperator
    heavy = (kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D, kinds.FULLY_CONNECTED)
    graph = model.subgraphs[0]
    names: list[str] = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        if weighted == 0 and code in (*heavy, kinds.PAD, kinds.PADV2, kinds.MEAN):
            break
        weighted -= code in heavy
        names += [graph.tensors[index].name.decode() for index in operator.outputs]
    return names


def float_head(model: Any) -> list[str]:
    """Outputs of a head that XNNPACK takes in float alone; empty for a head of matrix products and ReLUs.

    Quantised, a reciprocal root (cosine head) or a softmax (Hopfield head) would split the graph.
    """
    kinds = schema().BuiltinOperator
    graph = model.subgraphs[0]
    codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in graph.operators]
    pooled = max((index for index, code in enumerate(codes) if code == kinds.MEAN), default=len(codes))
    if not {kinds.RSQRT, kinds.SQRT, kinds.DIV, kinds.SOFTMAX}.intersection(codes[pooled:]):
        return []
    return [
        graph.tensors[index].name.decode() for operator in graph.operators[pooled + 1 :] for index in operator.outputs
    ]


def floats_ahead_of_quantize(model: Any) -> list[str]:
    """Outputs of the operators ahead of the first Quantize; all of them where there is none."""
    quantize, graph, names = schema().BuiltinOperator.QUANTIZE, model.subgraphs[0], []
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode == quantize:
            break
        names += [graph.tensors[index].name.decode() for index in operator.outputs]
    return names


def add_metadata_entry(model: Any, name: bytes, content: bytes) -> None:
    """Store `content` in a buffer of its own, listed under `name`."""
    generated = schema()
    buffer, entry = generated.BufferT(), generated.MetadataT()
    buffer.data = np.frombuffer(content, np.uint8)
    entry.name, entry.buffer = name, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]


def metadata_entry(model: Any, name: bytes) -> bytes | None:
    """The content stored under `name`; None if there is none."""
    for entry in model.metadata or []:
        if entry.name == name:
            return bytes(model.buffers[entry.buffer].data)
    return None


def _info(tensor: Any, name: str) -> TensorInfo:
    return TensorInfo(
        name=name,
        shape=tuple(int(size) for size in _listed(tensor.shape)),
        dtype=_DTYPES[tensor.type],
        layout=_LAYOUTS.get(name, "as stored"),
        quantisation=_quantisation(tensor.quantization),
    )


def _quantisation(parameters: Any) -> Quantisation | None:
    scales = _listed(parameters.scale) if parameters is not None else []
    if not len(scales):
        return None
    return Quantisation(
        scale=tuple(float(scale) for scale in scales),
        zero_point=tuple(int(zero) for zero in _listed(parameters.zeroPoint)),
        axis=int(parameters.quantizedDimension) if len(scales) > 1 else None,
    )


def _listed(values: Sequence[Any] | NDArray[Any] | None) -> Sequence[Any] | NDArray[Any]:
    return [] if values is None else values
