"""A digest at the end of a .pte, checked before the runtime sees the file.

ExecuTorch trusts the delegate's data it is given: one changed bit can make it read where nothing is and end the
process. Its loader ignores what stands behind the program, on phones too.
"""

import hashlib

from factory.contracts.errors import ArtifactError

_MARK = b"SMLDIST1"
_LENGTH = len(_MARK) + hashlib.sha256().digest_size


def append_checksum(program: bytes) -> bytes:
    """The program, a mark, and the SHA-256 of the program."""
    return program + _MARK + hashlib.sha256(program).digest()


def require_checksum(content: bytes, where: str) -> None:
    """Refuse a file that is not exactly as it was written.

    Raises:
        ArtifactError: No mark, or another digest; names `where`.
    """
    program, trailer = content[:-_LENGTH], content[-_LENGTH:]
    if not trailer.startswith(_MARK):
        raise ArtifactError(f"{where} does not end in its digest: truncated, or not ours: build the target again")
    if trailer[len(_MARK) :] != hashlib.sha256(program).digest():
        raise ArtifactError(f"{where} was changed after it was written: build the target again")
