"""The stages of a build, keyed by content: a second build redoes only what changed.

A stage's key is the SHA-256 of everything that decides its outputs: the recipe's parts it reads, hashes of
what earlier stages wrote, tool versions and a hash of its own code (factory/contracts/code.py).
`.stages/<name>.json` is written last, so a killed stage has no record and runs again; `.stages/<name>.started`
lets it go on where it was if its key is still the same. One process at a time holds a build folder.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.files import atomic_write, sha256_file, storage_errors
from factory.contracts.manifest import BuildFile
from factory.contracts.progress import Progress

ResultT = TypeVar("ResultT", bound=Contract)
STAGES = ".stages"


class Nothing(Contract):
    """Result of a stage whose outputs say it all."""


class StageRecord(Contract):
    """`.stages/<name>.json`: what a finished stage was made from, and what it wrote."""

    name: str
    key: str
    outputs: tuple[BuildFile, ...]
    result: dict[str, Any]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage(Generic[ResultT]):
    """One step of a build.

    Attributes:
        name: Lower case, a file name.
        inputs: Everything that decides the outputs, as JSON values.
        outputs: Files it writes, relative to the build folder, forward slashes.
        result: Contract of the value it returns; kept in the record.
        named: Further outputs, known only from the result.
        folder: Sub-folder the stage owns alone; emptied unless an interrupted run of the same key left it.
    """

    name: str
    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    result: type[ResultT]
    named: Callable[[ResultT], tuple[str, ...]] | None = None
    folder: str | None = None

    @property
    def key(self) -> str:
        """SHA-256 of the inputs as canonical JSON, hexadecimal."""
        return content_key(self.inputs)


def content_key(value: Any) -> str:
    """SHA-256 of a JSON value, the same whatever the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


class StageStore:
    """Runs stages in one build folder; make one with `open_store`."""

    def __init__(self, build: Path, progress: Progress) -> None:
        self.build = build
        self._progress = progress

    def run(self, stage: Stage[ResultT], work: Callable[[], ResultT]) -> ResultT:
        """The stage's result: from its record if nothing changed, else from `work`.

        Raises:
            ArtifactError: `work` did not write what the stage promises.
            StorageError: The disk is full or not writable.
        """
        with storage_errors(self.build):
            record = self.current(stage)
            if record is not None:
                self._started(stage).unlink(missing_ok=True)
                self._progress.say(f"{stage.name}: up to date")
                return stage.result.model_validate(record.result)
            self._begin(stage)
            self._progress.say(f"{stage.name} ...")
            start = time.monotonic()
            result = work()
            self._finish(stage, result, time.monotonic() - start)
            return result

    def current(self, stage: Stage[ResultT]) -> StageRecord | None:
        """The record of a finished run with the same key whose outputs are all untouched, else None."""
        record = self.record(stage.name)
        if record is None or record.key != stage.key or not {o.path for o in record.outputs} >= set(stage.outputs):
            return None
        if not all(_untouched(self.build, output) for output in record.outputs):
            self._progress.say(f"{stage.name}: a file was changed or is missing, made again")
            return None
        try:
            stage.result.model_validate(record.result)
        except ValidationError:
            return None
        return record

    def record(self, name: str) -> StageRecord | None:
        """What a stage's last finished run recorded; None if there is none or it cannot be read."""
        try:
            return StageRecord.model_validate_json(self._record(name).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def hashes(self, name: str) -> dict[str, str]:
        """SHA-256 of each output of a finished stage, for the key of the next one.

        Raises:
            ArtifactError: The stage has not finished.
        """
        return {output.path: output.sha256 for output in self._finished(name).outputs}

    def result(self, name: str, kind: type[ResultT]) -> ResultT:
        """What a finished stage returned.

        Raises:
            ArtifactError: The stage has not finished.
        """
        return kind.model_validate(self._finished(name).result)

    def _finished(self, name: str) -> StageRecord:
        record = self.record(name)
        if record is None:
            raise ArtifactError(f"{self.build}: stage '{name}' has not finished: run factory build")
        return record

    def _begin(self, stage: Stage[ResultT]) -> None:
        started = self._started(stage)
        goes_on = started.exists() and started.read_text("ascii", errors="replace") == stage.key
        self._record(stage.name).unlink(missing_ok=True)
        if not goes_on:
            started.unlink(missing_ok=True)
            for output in stage.outputs:
                (self.build / output).unlink(missing_ok=True)
            if stage.folder is not None:
                shutil.rmtree(self.build / stage.folder, ignore_errors=True)
            with atomic_write(started) as temporary:
                temporary.write_text(stage.key, "ascii")
        if stage.folder is not None:
            (self.build / stage.folder).mkdir(parents=True, exist_ok=True)

    def _finish(self, stage: Stage[ResultT], result: ResultT, seconds: float) -> None:
        outputs = stage.outputs + (stage.named(result) if stage.named is not None else ())
        missing = [output for output in outputs if not (self.build / output).is_file()]
        if missing:
            raise ArtifactError(f"stage '{stage.name}' wrote no {', '.join(missing)}: run with --debug and report it")
        record = StageRecord(
            name=stage.name,
            key=stage.key,
            outputs=tuple(describe_file(self.build, output) for output in outputs),
            result=result.model_dump(mode="json"),
            seconds=seconds,
        )
        with atomic_write(self._record(stage.name)) as temporary:
            temporary.write_text(record.model_dump_json(indent=1), "utf-8")
        self._started(stage).unlink(missing_ok=True)

    def _record(self, name: str) -> Path:
        return self.build / STAGES / f"{name}.json"

    def _started(self, stage: Stage[ResultT]) -> Path:
        return self.build / STAGES / f"{stage.name}.started"


@contextmanager
def open_store(build: Path, progress: Progress) -> Iterator[StageStore]:
    """Hold a build folder, make it if need be, and clear away what a killed process left.

    Raises:
        StorageError: Another build holds it, it is not a build folder, or it cannot be written.
    """
    if build.exists() and not build.is_dir():
        raise StorageError(f"{build} is a file, expected a folder: choose another --out")
    if build.is_dir() and any(build.iterdir()) and not (build / STAGES).is_dir():
        raise StorageError(f"{build} holds files that no build wrote: choose an empty or new folder with --out")
    with storage_errors(build):
        (build / STAGES).mkdir(parents=True, exist_ok=True)
    owner = build / STAGES / "owner"
    lock = FileLock(build / STAGES / "lock", timeout=0)
    try:
        with storage_errors(build):
            lock.acquire()
    except Timeout as error:
        pid = owner.read_text("ascii", errors="replace").strip() if owner.exists() else "unknown"
        raise StorageError(
            f"{build} is in use by another build (process {pid}): wait for it, or choose another --out"
        ) from error
    try:
        with atomic_write(owner) as temporary:
            temporary.write_text(str(os.getpid()), "ascii")
        remove_leftovers(build)
        yield StageStore(build, progress)
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def remove_leftovers(build: Path) -> None:
    """Delete the temporary files (`.name.pid.part`) that killed processes left in a build folder."""
    for leftover in list(build.rglob(".*.part")):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def describe_file(build: Path, path: str) -> BuildFile:
    """Hash and size of a file of a build."""
    file = build / path
    return BuildFile(path=path, sha256=sha256_file(file), size_bytes=file.stat().st_size)


def _untouched(build: Path, output: BuildFile) -> bool:
    file = build / output.path
    if not file.is_file() or file.stat().st_size != output.size_bytes:
        return False
    return sha256_file(file) == output.sha256
