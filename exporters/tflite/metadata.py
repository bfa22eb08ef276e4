"""TFLite metadata (schema 1.1, identifier M001), as Android's metadata extractor reads it.

The metadata is a flatbuffer of its own in a buffer named TFLITE_METADATA, written here by its published schema
(tflite-support, metadata_schema.fbs); the files it names are appended to the model as a zip archive. Android's
reader takes only members that are STORED, not deflated.

A third member, model.sha256, holds the digest of all bytes ahead of the archive: LiteRT crashes on some graphs with a
single changed bit, so a runner looks at it before native code reads the graph.
"""

import hashlib
import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
from flatbuffers import encode, number_types
from flatbuffers.table import Table

from exporters.tflite.flatbuffer import add_metadata_entry, pack
from factory.contracts.errors import ArtifactError
from factory.contracts.files import BROKEN_ZIP
from factory.contracts.window import Quantity, WindowSpec

ENTRY = b"TFLITE_METADATA"
LABELS_FILE, CONTRACT_FILE = "labels.txt", "contract.json"
DIGEST_FILE = "model.sha256"
_IDENTIFIER = b"M001"
_PARSER_VERSION = "1.0.0"
_DESCRIPTIONS, _TENSOR_AXIS_LABELS = 1, 2
_FEATURE = 1
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_NO_ARCHIVE = (*BROKEN_ZIP, ValueError, OSError)
_ANDROID = {Quantity.ACCELEROMETER: "TYPE_ACCELEROMETER", Quantity.GYROSCOPE: "TYPE_GYROSCOPE"}

# Field numbers by the schema's order: a table's fields are numbered as they are declared.
_FILE = {"name": 0, "description": 1, "type": 2}
_TENSOR = {"name": 0, "description": 1, "dimensions": 2, "content": 3, "files": 6}
_GRAPH = {"name": 0, "description": 1, "inputs": 2, "outputs": 3}
_MODEL = {"name": 0, "description": 1, "version": 2, "graphs": 3, "license": 5, "files": 6, "parser": 7}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tensor:
    name: str
    description: str
    dimensions: tuple[str, ...]
    file: tuple[str, str, int] | None = None


def embed(model: Any, spec: WindowSpec, name: str, contract: bytes) -> bytes:
    """The finished file: the model's tree, its metadata, and the zip archive of labels, contract and digest.

    Args:
        model: Tree of a .tflite file with one input and one output; gets the metadata buffer.
        spec: Says units, axes and labels.
        name: Of the model.
        contract: contract.json, word for word.
    """
    add_metadata_entry(model, ENTRY, build(spec, name))
    packed = pack(model)
    archive = io.BytesIO()
    archive.write(packed)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_STORED) as files:
        files.writestr(zipfile.ZipInfo(LABELS_FILE, _ZIP_EPOCH), "\n".join(spec.labels))
        files.writestr(zipfile.ZipInfo(CONTRACT_FILE, _ZIP_EPOCH), contract)
        files.writestr(zipfile.ZipInfo(DIGEST_FILE, _ZIP_EPOCH), hashlib.sha256(packed).hexdigest())
    return archive.getvalue()


def require_digest(content: bytes, where: str) -> None:
    """Refuse a graph that is not the one its file was written with. A file without a digest is taken as it is.

    Raises:
        ArtifactError: Graph or archive were changed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as files:
            members = files.infolist()
            if DIGEST_FILE not in files.namelist():
                return
            expected = files.read(DIGEST_FILE).decode()
    except _NO_ARCHIVE as error:
        if DIGEST_FILE.encode() not in content:
            return
        raise ArtifactError(f"{where} is corrupt ({error}): build the target again") from error
    graph = content[: min(member.header_offset for member in members)]
    if hashlib.sha256(graph).hexdigest() != expected:
        raise ArtifactError(f"{where} was changed after it was written: build the target again")


def build(spec: WindowSpec, name: str) -> bytes:
    """The metadata flatbuffer of a model with input imu and output logits."""
    builder = flatbuffers.Builder(1024)
    graph = _table(
        builder,
        10,
        {
            _GRAPH["name"]: builder.CreateString("main"),
            _GRAPH["inputs"]: _vector(builder, [_tensor(builder, _input(spec))]),
            _GRAPH["outputs"]: _vector(builder, [_tensor(builder, _output(spec))]),
        },
    )
    contract = _file(builder, CONTRACT_FILE, "Sensor contract: channels, units, rate, window, labels", _DESCRIPTIONS)
    model = _table(
        builder,
        8,
        {
            _MODEL["name"]: builder.CreateString(name),
            _MODEL["description"]: builder.CreateString(_summary(spec)),
            _MODEL["version"]: builder.CreateString("1"),
            _MODEL["graphs"]: _vector(builder, [graph]),
            _MODEL["files"]: _vector(builder, [contract]),
            _MODEL["parser"]: builder.CreateString(_PARSER_VERSION),
        },
    )
    builder.Finish(model, _IDENTIFIER)
    return bytes(builder.Output())


def label_file(content: bytes) -> str | None:
    """The file that metadata name as the labels of the first output; None if they name none, or cannot be read.

    Args:
        content: As `build` makes it.
    """
    if content[4:8] != _IDENTIFIER:
        return None
    try:
        root = Table(content, encode.Get(number_types.UOffsetTFlags.packer_type, content, 0))
        output = _tables(_tables(root, _MODEL["graphs"])[0], _GRAPH["outputs"])[0]
        for file in _tables(output, _TENSOR["files"]):
            if file.GetSlot(4 + 2 * _FILE["type"], 0, number_types.Int8Flags) == _TENSOR_AXIS_LABELS:
                return str(file.String(file.Pos + file.Offset(4 + 2 * _FILE["name"])).decode())
    except (struct.error, IndexError, TypeError, ValueError):
        return None
    return None


def _tables(table: Any, field: int) -> list[Any]:
    """The tables of a field that is a vector of them."""
    place = table.Offset(4 + 2 * field)
    if not place:
        return []
    first = table.Vector(place)
    return [Table(table.Bytes, table.Indirect(first + 4 * index)) for index in range(table.VectorLen(place))]


def _summary(spec: WindowSpec) -> str:
    return (
        f"Human activity recognition: {len(spec.labels)} classes from windows of {spec.length} samples "
        f"({spec.window_s:.2f} s at {spec.rate_hz:g} Hz), {len(spec.channels)} channels"
    )


def _input(spec: WindowSpec) -> _Tensor:
    channels = ", ".join(
        f"{channel.name} {channel.unit}"
        + (f" ({_ANDROID[channel.quantity]})" if channel.quantity in _ANDROID else "")
        + (" with gravity" if channel.gravity else "")
        for channel in spec.channels
    )
    return _Tensor(
        name="imu",
        description=f"Raw SI values; normalisation is inside the model, do not normalise. Channels: {channels}. "
        f"Axes: {spec.axes}",
        dimensions=("batch", "one", "time", "channel"),
    )


def _output(spec: WindowSpec) -> _Tensor:
    return _Tensor(
        name="logits",
        description="Unnormalised score of each class; softmax gives probabilities",
        dimensions=("batch", "class"),
        file=(LABELS_FILE, "Class names in the order of the logits", _TENSOR_AXIS_LABELS),
    )


def _tensor(builder: Any, tensor: _Tensor) -> int:
    fields = {
        _TENSOR["name"]: builder.CreateString(tensor.name),
        _TENSOR["description"]: builder.CreateString(tensor.description),
        _TENSOR["dimensions"]: _vector(builder, [builder.CreateString(axis) for axis in tensor.dimensions]),
        _TENSOR["content"]: _feature_content(builder),
    }
    if tensor.file is not None:
        fields[_TENSOR["files"]] = _vector(builder, [_file(builder, *tensor.file)])
    return _table(builder, 7, fields)


def _feature_content(builder: Any) -> int:
    """Content of the kind FeatureProperties: a plain tensor, neither image nor audio."""
    properties = _table(builder, 0, {})
    builder.StartObject(3)
    builder.PrependUint8Slot(0, _FEATURE, 0)
    builder.PrependUOffsetTRelativeSlot(1, properties, 0)
    return int(builder.EndObject())


def _file(builder: Any, name: str, description: str, kind: int) -> int:
    name_at, description_at = builder.CreateString(name), builder.CreateString(description)
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(_FILE["name"], name_at, 0)
    builder.PrependUOffsetTRelativeSlot(_FILE["description"], description_at, 0)
    builder.PrependInt8Slot(_FILE["type"], kind, 0)
    return int(builder.EndObject())


def _table(builder: Any, slots: int, fields: dict[int, int]) -> int:
    builder.StartObject(slots)
    for slot, offset in fields.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
