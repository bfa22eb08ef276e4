"""Reading what this project wrote as JSON: a file of another content is one line, never a traceback."""

from pathlib import Path

from pydantic import ValidationError

from factory.contracts.errors import ArtifactError
from factory.contracts.recipe import ContractT, explain

_REMEDY = "build it again"


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
