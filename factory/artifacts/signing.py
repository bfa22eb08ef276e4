"""Ed25519 signatures of a store's documents, by the package `cryptography` (extra `sign`).

docs/adr/0010-a-store-of-models.md says what a signature protects and what not.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.files import storage_errors
from factory.contracts.release import Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_INSTALL = "pip install 'smldist-factory[sign]'"
_HEX = re.compile(r"[0-9a-f]{64}")


def new_key(path: Path) -> str:
    """Write a new private key as PEM, readable by its owner only.

    Returns:
        The public key, hexadecimal: what clients pin.

    Raises:
        ArtifactError: The file is there already.
        MissingToolError: cryptography is not installed.
    """
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if path.exists():
        raise ArtifactError(f"{path} is there already: a key is never replaced, choose another file")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(content)
    return _public(key)


def sign(content: bytes, key: Path) -> Signature:
    """Sign bytes with the private key in a PEM file.

    Raises:
        ArtifactError: No such file, or no Ed25519 key in it.
        MissingToolError: cryptography is not installed.
    """
    private = _load(key)
    return Signature(key=_public(private), value=private.sign(content).hex())


def public_key(text: str) -> str:
    """The public key, hexadecimal, of a text that is one, of a file that holds one, or of a PEM file of either kind.

    Raises:
        ArtifactError: Neither.
        MissingToolError: cryptography is not installed.
    """
    _require()
    if _HEX.fullmatch(text.strip().lower()):
        return text.strip().lower()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    path = Path(text)
    if not path.is_file():
        raise ArtifactError(f"{text} is no key: give 64 hexadecimal digits, or a file of them or in PEM")
    content = path.read_bytes()
    digits = content.decode("ascii", errors="replace").strip().lower()
    if _HEX.fullmatch(digits):
        return digits
    if b"PRIVATE KEY" in content:
        return _public(_load(path))
    try:
        key = load_pem_public_key(content)
    except ValueError as error:
        raise ArtifactError(f"{path} holds no key in PEM ({error}): make one with factory key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ArtifactError(f"{path} holds no Ed25519 key: make one with factory key")
    return key.public_bytes_raw().hex()


def require_signature(content: bytes, signature: Signature | None, trusted: str, where: str) -> None:
    """Let only what the trusted key signed pass.

    Args:
        content: What was signed.
        signature: As the document carries it.
        trusted: Public key, hexadecimal.
        where: Names the document.

    Raises:
        ArtifactError: Not signed, by another key, or the signature is of other content.
        MissingToolError: cryptography is not installed.
    """
    _require()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if signature is None:
        raise ArtifactError(f"{where} is not signed, expected key {trusted[:16]}...: do not use this store")
    if signature.key != trusted:
        raise ArtifactError(
            f"{where} is signed by key {signature.key[:16]}..., expected {trusted[:16]}...: do not use it, or ask the "
            "publisher whether the key was changed"
        )
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(trusted)).verify(bytes.fromhex(signature.value), content)
    except (InvalidSignature, ValueError) as error:
        raise ArtifactError(f"{where} was changed after it was signed: do not use this store") from error


def _load(path: Path) -> "Ed25519PrivateKey":
    _require()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}): make a key with factory key") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ArtifactError(f"{path} holds no unencrypted private key in PEM: make one with factory key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ArtifactError(f"{path} holds no Ed25519 key: make one with factory key")
    return key


def _public(key: "Ed25519PrivateKey") -> str:
    return key.public_key().public_bytes_raw().hex()


def _require() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise MissingToolError(f"signatures need the package cryptography: {_INSTALL}") from error
