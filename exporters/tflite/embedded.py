"""What a .tflite file says of itself: precision by its tensors, labels and contract by its archive."""

import io
import zipfile
from pathlib import Path
from typing import Any

from exporters.tflite import flatbuffer, metadata
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import Embedded
from factory.contracts.files import BROKEN_ZIP
from factory.contracts.stored import parse_json
from factory.contracts.window import SensorContract

_FLOAT16, _INT8 = 1, 9


def held_precision(model: Any) -> Precision:
    """What a model's tensors are. int8 that an operator computes is static; int8 of weights alone is dynamic.

    Args:
        model: From `flatbuffer.parse`.
    """
    graph = model.subgraphs[0]
    computed = {int(index) for operator in graph.operators for index in operator.outputs}
    kinds = [tensor.type for tensor in graph.tensors]
    if any(kinds[index] == _INT8 for index in computed):
        return Precision.INT8_STATIC
    if _INT8 in kinds:
        return Precision.INT8_DYNAMIC
    return Precision.FP16 if _FLOAT16 in kinds else Precision.FP32


def read_embedded(path: Path) -> Embedded:
    """Precision, labels and contract inside a file.

    Raises:
        ArtifactError: The file is missing, corrupt or changed; labels or contract are missing in it, or contradict
            each other: labels.txt, the label file that the metadata names, and the contract must have the same.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: build the target again") from error
    metadata.require_digest(content, str(path))
    model = flatbuffer.parse(content, str(path))
    named = metadata.label_file(flatbuffer.metadata_entry(model, metadata.ENTRY) or b"")
    if named is None:
        raise ArtifactError(f"{path}: its metadata name no label file: build the target again")
    members = _members(content, str(path), {named, metadata.LABELS_FILE, metadata.CONTRACT_FILE})
    labels, twice = (tuple(members[name].splitlines()) for name in (metadata.LABELS_FILE, named))
    if labels != twice:
        raise ArtifactError(
            f"{path}: {named}, which its metadata name, has the labels {', '.join(twice)}, {metadata.LABELS_FILE} has "
            f"{', '.join(labels)}: build the target again"
        )
    try:
        contract = parse_json(SensorContract, members[metadata.CONTRACT_FILE], f"{path}: its {metadata.CONTRACT_FILE}")
    except ValueError as error:
        raise ArtifactError(f"{path}: its {metadata.CONTRACT_FILE} is corrupt: build the target again") from error
    return Embedded(precision=held_precision(model), labels=labels, contract=contract).consistent(str(path))


def _members(content: bytes, where: str, names: set[str]) -> dict[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as files:
            if missing := sorted(names.difference(files.namelist())):
                raise ArtifactError(f"{where} holds no {', '.join(missing)}: build the target again")
            return {name: files.read(name).decode() for name in names}
    except (*BROKEN_ZIP, ValueError) as error:
        raise ArtifactError(f"{where} has no readable archive ({error}): build the target again") from error
