"""A static Maven repository, as Gradle and Maven read it from a folder or any web server.

    <repository>/<group, a folder a word>/<name>/maven-metadata.xml
    <repository>/<group, a folder a word>/<name>/<version>/<name>-<version>.aar, .pom, -sources.jar

Beside each file lie its checksums. A version appears whole, by one rename, and never changes.
"""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from filelock import FileLock

from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write, storage_errors
from factory.contracts.release import numbers_of

CHECKSUMS = ("md5", "sha1", "sha256", "sha512")
METADATA = "maven-metadata.xml"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, kw_only=True, slots=True)
class Coordinates:
    """Where an artifact stands: `group:name:version`, and of what type it is."""

    group: str
    name: str
    version: str
    type: str = "jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.name}:{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pom:
    """What a project file says.

    Attributes:
        at: Of the artifact.
        description: One line.
        licences: Name and remark of each.
        needs: Artifacts that come with it.
    """

    at: Coordinates
    description: str
    licences: Sequence[tuple[str, str]]
    needs: Sequence[Coordinates]

    def to_xml(self) -> str:
        """The project file."""
        licences = "".join(
            f"    <license>{_tag('name', name)}{_tag('comments', remark) if remark else ''}</license>\n"
            for name, remark in self.licences
        )
        needs = "".join(
            f"    <dependency>{_place(one)}{_tag('type', one.type)}{_tag('scope', 'compile')}</dependency>\n"
            for one in self.needs
        )
        return (
            f'{_XML}<project xmlns="http://maven.apache.org/POM/4.0.0">\n  <modelVersion>4.0.0</modelVersion>\n'
            f"  {_place(self.at)}\n  {_tag('packaging', self.at.type)}\n  {_tag('name', self.at.name)}\n"
            f"  {_tag('description', self.description)}\n"
            f"  <licenses>\n{licences}  </licenses>\n  <dependencies>\n{needs}  </dependencies>\n</project>\n"
        )


def deploy(repository: Path, at: Coordinates, files: Mapping[str, bytes], replace: bool = False) -> Path:
    """Add a version of an artifact to a repository; `announce` then lists it.

    Args:
        repository: Its folder; made if it is not there.
        at: Group, name and version.
        files: Content by what follows `<name>-<version>` in the file's name, for example `.aar`.
        replace: Replace what an interrupted publisher left under that version.

    Returns:
        The version's folder.

    Raises:
        ArtifactError: The version is there with other content.
        StorageError: The disk is full or not writable.
    """
    artifact = _folder(repository, at)
    final, part = artifact / at.version, artifact / f".{at.version}.part"
    with storage_errors(repository):
        artifact.mkdir(parents=True, exist_ok=True)
        with FileLock(artifact / ".lock"):
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for suffix, content in files.items():
                _write(part / f"{at.name}-{at.version}{suffix}", content)
            if replace:
                shutil.rmtree(final, ignore_errors=True)
            if final.is_dir():
                changed = not _same(part, final)
                shutil.rmtree(part)
                if changed:
                    raise ArtifactError(f"{at} is in {repository} already and never changes: raise its version")
            else:
                part.rename(final)
    return final


def announce(repository: Path, group: str, name: str, versions: Callable[[], Iterable[str]]) -> None:
    """List the versions of an artifact in its maven-metadata.xml, those of them that are there.

    Args:
        repository: Its folder.
        group: Of the artifact.
        name: Of the artifact.
        versions: Gives them; asked while no other publisher lists any, so that none is lost.

    Raises:
        StorageError: The disk is full or not writable.
    """
    artifact = _folder(repository, Coordinates(group=group, name=name, version=""))
    with storage_errors(repository), FileLock(artifact / ".lock"):
        there = sorted((one for one in versions() if (artifact / one).is_dir()), key=numbers_of)
        listed = "".join(f"      {_tag('version', one)}\n" for one in there)
        text = (
            f"{_XML}<metadata>\n  {_tag('groupId', group)}\n  {_tag('artifactId', name)}\n  <versioning>\n"
            f"    {_tag('latest', there[-1])}\n    {_tag('release', there[-1])}\n"
            f"    <versions>\n{listed}    </versions>\n"
            f"    {_tag('lastUpdated', f'{datetime.now(UTC):%Y%m%d%H%M%S}')}\n  </versioning>\n</metadata>\n"
        )
        _write(artifact / METADATA, text.encode())


def zipped(entries: Mapping[str, bytes], stored: Sequence[str] = ()) -> bytes:
    """A zip archive that is the same whenever it is made.

    Args:
        entries: Content by path.
        stored: Endings of names that are not compressed, so that an app can map the file.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, each in entries.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(tuple(stored)) else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, each)
    return content.getvalue()


def _folder(repository: Path, at: Coordinates) -> Path:
    return repository.joinpath(*at.group.split("."), at.name)


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    for kind in CHECKSUMS:
        with atomic_write(path.with_name(f"{path.name}.{kind}")) as temporary:
            temporary.write_text(hashlib.new(kind, content, usedforsecurity=False).hexdigest(), "ascii")


def _same(one: Path, other: Path) -> bool:
    content = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (one, other)]
    return content[0] == content[1]


def _tag(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>"


def _place(at: Coordinates) -> str:
    return _tag("groupId", at.group) + _tag("artifactId", at.name) + _tag("version", at.version)
