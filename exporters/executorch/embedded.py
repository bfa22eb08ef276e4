"""What a .pte file says of itself: precision by the tensors of XNNPACK's graph, contract by its own method.

XNNPACK's part of a .pte is a flatbuffer of its own (executorch/backends/xnnpack/serialization: runtime_schema.fbs, and
the header in xnnpack_graph_serialize.py). ExecuTorch has no reader of it in Python; what is read here is its values'
types.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from flatbuffers import encode, number_types
from flatbuffers.table import Table

from exporters.executorch.runner import ExecuTorchRunner
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import Embedded
from factory.contracts.window import SensorContract

_MAGIC, _MAGIC_AT = b"XH00", 4
_GRAPH_OFFSET = struct.Struct("<I")
_GRAPH_OFFSET_AT = 10
_FP16, _QINT8, _QCINT8 = 2, 3, 6
_QUANTISED_VALUE = 2
# Field numbers by the schema's order.
_GRAPH_VALUES, _UNION_TYPE, _UNION_VALUE, _QUANTISED_TENSOR = 2, 0, 1, 0
_TENSOR_TYPE, _TENSOR_CONSTANT = 0, 3


def held_precision(program: bytes) -> Precision | None:
    """What the values of XNNPACK's graph are; None where XNNPACK has no part in the program.

    Raises:
        ValueError: The graph cannot be read.
    """
    start = program.find(_MAGIC)
    if start < 0:
        return None
    try:
        values = list(_values(program, start - _MAGIC_AT))
    except (struct.error, IndexError, TypeError) as error:
        raise ValueError(f"XNNPACK's graph is corrupt ({error})") from error
    if any(kind == _QINT8 and not constant for kind, constant in values):
        return Precision.INT8_STATIC
    kinds = {kind for kind, _ in values}
    if kinds & {_QINT8, _QCINT8}:
        return Precision.INT8_DYNAMIC
    return Precision.FP16 if _FP16 in kinds else Precision.FP32


def read_embedded(path: Path) -> Embedded:
    """Precision and contract inside a file; its labels are the contract's.

    Raises:
        ArtifactError: The file is missing, corrupt or changed, or has no contract.
    """
    with ExecuTorchRunner(path) as runner:
        text = runner.contract()
    try:
        contract = SensorContract.model_validate_json(text)
        return Embedded(precision=held_precision(path.read_bytes()), labels=contract.window.labels, contract=contract)
    except ValueError as error:
        raise ArtifactError(f"{path} is corrupt ({str(error)[:200]}): build the target again") from error


def _values(program: bytes, start: int) -> Iterator[tuple[int, bool]]:
    """Type of each value of the graph, and whether it is a constant."""
    (offset,) = _GRAPH_OFFSET.unpack_from(program, start + _GRAPH_OFFSET_AT)
    graph = program[start + offset :]
    root = Table(graph, encode.Get(number_types.UOffsetTFlags.packer_type, graph, 0))
    place = _field(root, _GRAPH_VALUES)
    first, count = root.Vector(place), root.VectorLen(place)
    for index in range(count):
        value = Table(graph, root.Indirect(first + 4 * index))
        kind = value.Get(number_types.Uint8Flags, value.Pos + _field(value, _UNION_TYPE))
        tensor = Table(graph, value.Indirect(value.Pos + _field(value, _UNION_VALUE)))
        if kind == _QUANTISED_VALUE:
            tensor = Table(graph, tensor.Indirect(tensor.Pos + _field(tensor, _QUANTISED_TENSOR)))
        yield (
            tensor.GetSlot(4 + 2 * _TENSOR_TYPE, 0, number_types.Int16Flags),
            bool(tensor.GetSlot(4 + 2 * _TENSOR_CONSTANT, 0, number_types.Uint32Flags)),
        )


def _field(table: Table, number: int) -> int:
    """Where a field lies, from the table's start; 0 if it is left out."""
    return int(table.Offset(4 + 2 * number))
