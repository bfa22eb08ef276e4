"""A store's JSON documents as bytes: one form for each content, so that any changed byte is found."""

import hashlib
import json
from pathlib import Path
from typing import TypeVar

from factory.artifacts.signing import require_signature, sign
from factory.contracts.errors import ArtifactError
from factory.contracts.release import Document
from factory.contracts.stored import parse_json

DocumentT = TypeVar("DocumentT", bound=Document)
_REMEDY = "do not use this store; ask its publisher, or publish again"


def sealed(document: Document, key: Path | None = None) -> bytes:
    """The document's bytes, with a checksum and, given a private key, a signature.

    Raises:
        ArtifactError: The key cannot be used.
        MissingToolError: There is a key, but not the package for it.
    """
    bare = document.model_copy(update={"checksum": "", "signature": None})
    signature = sign(_content(bare), key) if key is not None else None
    signed = bare.model_copy(update={"signature": signature})
    return _rendered(signed.model_copy(update={"checksum": _checksum(signed)}))


def unsealed(kind: type[DocumentT], content: bytes, where: str, trusted: str | None = None) -> DocumentT:
    """Read a document and check it.

    Args:
        kind: What it is.
        content: The file.
        where: Names it.
        trusted: Public key that must have signed it; None takes any or no signature.

    Raises:
        ArtifactError: Not JSON, wrong keys, another checksum, or no valid signature of the trusted key.
    """
    document = parse_json(kind, content, where, _REMEDY)
    if document.checksum != _checksum(document) or _rendered(document) != content:
        raise ArtifactError(f"{where} was changed, its checksum is another: {_REMEDY}")
    if trusted is not None:
        bare = document.model_copy(update={"checksum": "", "signature": None})
        require_signature(_content(bare), document.signature, trusted, where)
    return document


def _checksum(document: Document) -> str:
    return hashlib.sha256(_content(document.model_copy(update={"checksum": ""}))).hexdigest()


def _content(document: Document) -> bytes:
    values = document.model_dump(mode="json")
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _rendered(document: Document) -> bytes:
    return (document.model_dump_json(indent=1) + "\n").encode("utf-8")
