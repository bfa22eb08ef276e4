"""What this client saw of each store, so that an older state of it is not taken for the present one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from pydantic import ValidationError

from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write, storage_errors
from factory.contracts.release import Entry, Index, Seen, SeenModel, numbers_of

_FILE = "seen.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """The folder that holds seen.json."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / _FILE

    def of(self, store: str, name: str) -> SeenModel | None:
        """What was seen of a model of a store; None if nothing was.

        Raises:
            ArtifactError: The file is damaged.
        """
        return self._read().models.get(f"{store} {name}")

    def remember(self, store: str, index: Index, entry: Entry, key: str | None) -> None:
        """Note the latest version, the release that was read, and the key it was checked against.

        Raises:
            ArtifactError: The file is damaged, or another process saw a newer state meanwhile.
            StorageError: It cannot be written.
        """
        with self._alone():
            seen, label = self._read(), f"{store} {index.name}"
            before = seen.models.get(label)
            self.require_not_older(store, index, before)
            releases = {**(before.releases if before else {}), entry.version: entry.release}
            now = SeenModel(latest=index.latest.version, releases=releases, key=key)
            with atomic_write(self.path) as temporary:
                text = Seen(models={**seen.models, label: now}).model_dump_json(indent=1)
                temporary.write_text(text + "\n", "utf-8")

    def require_not_older(self, store: str, index: Index, before: SeenModel | None) -> None:
        """Refuse a state of a store that is older than one seen before.

        Raises:
            ArtifactError: `latest` went back, or a version that was pulled is gone or another.
        """
        if before is None:
            return
        remedy = f"ask its publisher; if the store was made anew, remove '{store} {index.name}' from {self.path}"
        if numbers_of(index.latest.version) < numbers_of(before.latest):
            raise ArtifactError(
                f"{store}: the latest {index.name} is {index.latest.version}, {before.latest} was seen before, so this "
                f"is an older state of the store: {remedy}"
            )
        now = {entry.version: entry.release for entry in index.versions}
        for version, release in before.releases.items():
            if now.get(version) != release:
                raise ArtifactError(
                    f"{store}: {index.name} {version} is not what was pulled before, versions never change: {remedy}"
                )

    def _read(self) -> Seen:
        try:
            return Seen.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Seen()
        except ValidationError as error:
            raise ArtifactError(f"{self.path} is damaged: remove it if you trust your stores") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with storage_errors(self.path):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".seen.lock"):
                yield


def user_memory() -> Memory:
    """That of this user."""
    import platformdirs

    return Memory(folder=Path(platformdirs.user_data_dir("smldist-factory")))
