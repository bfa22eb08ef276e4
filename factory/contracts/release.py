"""What a store holds of published models: the index of a model, its releases, and what a client remembers.

A store is a folder (or the same folder behind a web server):

    <store>/store.json                       names of all models
    <store>/<name>/index.json                every version and the latest one
    <store>/<name>/<version>/release.json    the files of one version with their hashes
    <store>/<name>/<version>/README.md       its model card
    <store>/blobs/<2 digits>/<sha256>        every other file, by its content
"""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError

CATALOGUE = "store.json"
INDEX = "index.json"
RELEASE = "release.json"
CARD = "README.md"
MANIFEST = "manifest.json"
CONTRACT = "contract.json"
_NUMBER = r"(?:0|[1-9][0-9]{0,5})"
VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

Name = Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
Version = Annotated[str, Field(pattern=rf"^{VERSION.pattern}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
InnerPath = Annotated[
    str, Field(max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$")
]
"""Relative, forward slashes; no part begins with a dot, so it can neither leave its folder nor be hidden."""


class Signature(Contract):
    """Ed25519 over the document's content without signature and checksum."""

    key: str = Field(pattern=r"^[0-9a-f]{64}$", description="public key, hexadecimal")
    value: str = Field(pattern=r"^[0-9a-f]{128}$", description="hexadecimal")


class Document(Contract):
    """A JSON file of a store that carries its own checksum and perhaps a signature."""

    checksum: str = Field(default="", description="SHA-256 of everything else in it")
    signature: Signature | None = None


class Catalogue(Document):
    """store.json: a web server lists no folders."""

    kind: Literal["store"] = "store"
    schema_version: Literal[1] = 1
    models: tuple[Name, ...] = ()


class Entry(Contract):
    """One version of a model, as its index lists it."""

    version: Version
    created: str = Field(description="UTC, ISO 8601")
    contract: Sha256 = Field(description="of the sensor contract: equal hashes feed alike")
    release: Sha256 = Field(description="of release.json, byte for byte")
    size_bytes: int = Field(gt=0, le=16_000_000, description="of release.json")


class Index(Document):
    """index.json: the versions of one model, oldest number first."""

    kind: Literal["index"] = "index"
    schema_version: Literal[1] = 1
    name: Name
    versions: tuple[Entry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        numbers = [numbers_of(entry.version) for entry in self.versions]
        if numbers != sorted(set(numbers)):
            raise ValueError("versions do not rise, or one stands twice")
        return self

    @property
    def latest(self) -> Entry:
        """The highest version."""
        return self.versions[-1]

    def find(self, version: str | None) -> Entry:
        """The entry of a version; None is the latest.

        Raises:
            ArtifactError: There is no such version; lists the last ones.
        """
        if version is None:
            return self.latest
        for entry in self.versions:
            if entry.version == version:
                return entry
        there = ", ".join(entry.version for entry in self.versions[-5:])
        raise ArtifactError(f"{self.name} has no version {version}: choose one of {there}")


class ReleaseFile(Contract):
    """One file of a release."""

    path: InnerPath
    sha256: Sha256
    size_bytes: int = Field(ge=0)


class Release(Document):
    """release.json: one version of a model, never changed once published."""

    kind: Literal["release"] = "release"
    schema_version: Literal[1] = 1
    name: Name
    version: Version
    created: str = Field(description="UTC, ISO 8601")
    terms: str = Field(description="of the recordings it was made from")
    commercial_use: bool = Field(description="False where those terms forbid it")
    files: tuple[ReleaseFile, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        paths = [file.path for file in self.files]
        if len({path.lower() for path in paths}) != len(paths):
            raise ValueError("two files have the same path")
        folders = {"/".join(path.split("/")[:depth]) for path in paths for depth in range(1, path.count("/") + 1)}
        if both := sorted(folders & set(paths)):
            raise ValueError(f"{both[0]} is a file and a folder")
        return self

    def file(self, path: str) -> ReleaseFile:
        """The file of that path.

        Raises:
            ArtifactError: The release has none.
        """
        for file in self.files:
            if file.path == path:
                return file
        raise ArtifactError(f"{self.name} {self.version} holds no {path}: publish it again as a new version")

    def place(self, file: ReleaseFile) -> str:
        """Where a file of it lies in the store; the card lies in the open."""
        return f"{self.name}/{self.version}/{CARD}" if file.path == CARD else blob(file.sha256)


class Pulled(Contract):
    """pulled.json: what a pull wrote into a folder, and from where."""

    store: str
    name: Name
    version: Version
    files: tuple[ReleaseFile, ...]


class SeenModel(Contract):
    """What a client saw of one model of one store."""

    latest: Version
    releases: dict[str, Sha256] = Field(default_factory=dict, description="version to hash of its release.json")
    key: str | None = Field(default=None, description="public key that its documents must be signed with")


class Seen(Contract):
    """seen.json: what this client saw, by '<store> <name>'."""

    models: dict[str, SeenModel] = Field(default_factory=dict)


def blob(sha256: str) -> str:
    """Where a store keeps content."""
    return f"blobs/{sha256[:2]}/{sha256}"


def numbers_of(version: str) -> tuple[int, int, int]:
    """Major, minor and patch number of a version, in this order.

    Raises:
        ArtifactError: It is not three numbers.
    """
    if not VERSION.fullmatch(version):
        raise ArtifactError(f"'{version}' is not a version: write three numbers, such as 1.2.0")
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def split_reference(reference: str) -> tuple[str, str | None]:
    """Name and version of NAME[@VERSION]; no version is the latest.

    Raises:
        ArtifactError: It is neither.
    """
    name, at, version = reference.partition("@")
    if not NAME.fullmatch(name):
        raise ArtifactError(f"'{reference}' does not name a model: write NAME or NAME@1.2.0, lower case")
    if not at or version == "latest":
        return name, None
    numbers_of(version)
    return name, version
