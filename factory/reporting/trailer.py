"""The last line of report.html: hashes of the page above it and of the manifest that it was made from."""

import hashlib
from pathlib import Path

from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Manifest

_TRAILER = "<!-- sha256: "


def require_report(path: Path, manifest: Manifest) -> None:
    """Refuse a report that was edited, or that is of another manifest.

    Raises:
        ArtifactError: Missing or changed; names the command that writes it again.
    """
    remedy = f"write it again with factory report {path.parent}"
    try:
        page, _, end = path.read_bytes().decode("utf-8").rpartition(_TRAILER)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: {remedy}") from error
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path} is corrupt, not UTF-8: {remedy}") from error
    if _TRAILER + end != trailer(page, manifest):
        raise ArtifactError(f"{path} was edited, or is of another manifest: {remedy}")


def trailer(page: str, manifest: Manifest) -> str:
    """A comment that ends the page: what it was made from, and the hash of all above it.

    A field that a later release of this tool adds changes it only where it is used.
    """
    made_from = hashlib.sha256(manifest.model_dump_json(exclude_defaults=True).encode()).hexdigest()
    return f"{_TRAILER}manifest {made_from} page {hashlib.sha256(page.encode()).hexdigest()} -->\n"
