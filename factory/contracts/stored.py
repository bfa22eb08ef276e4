"""What this project keeps as JSON: written whole or not at all, and read so that other content is one line."""

from pathlib import Path

from pydantic import ValidationError

from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write
from factory.contracts.recipe import ContractT, explain

_REMEDY = "build it again"


def write_json(value: Contract, path: Path) -> None:
    """Write a contract, whole or not at all; `read_json` reads it.

    Raises:
        StorageError: The disk is full or not writable.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(value.model_dump_json(indent=1) + "\n", "utf-8")


def read_json(kind: type[ContractT], path: Path, remedy: str = _REMEDY) -> ContractT:
    """The contract that a JSON file holds.

    Raises:
        ArtifactError: Missing, not readable, not JSON, or with wrong keys; names file, key and `remedy`.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: {remedy}") from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    return parse_json(kind, content, str(path), remedy)


def parse_json(kind: type[ContractT], content: bytes | str, where: str, remedy: str = _REMEDY) -> ContractT:
    """The contract that JSON text holds.

    Raises:
        ArtifactError: Not JSON, or with wrong keys; names `where`, the key and `remedy`.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise ArtifactError(f"{where} is corrupt, {explain(error):.300}: {remedy}") from error
