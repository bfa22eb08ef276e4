"""The cache gives back what was prepared, notices damage, and outlives a kill."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.progress import Silent, Task
from factory.contracts.recipe import DataRecipe
from factory.data import cache as module
from factory.data import prepare
from factory.data.cache import ARRAYS, WindowWriter, content_hashes, load_or_build

RECIPE = DataRecipe(source="watch")


class Lines:
    """Keeps what is said, and the names of bars."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bars: list[str] = []

    @contextmanager
    def track(self, task: str, total: int | None, unit: str) -> Iterator[Task]:
        self.bars.append(task)
        yield Silent()

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """The folder of the prepared watch recordings."""
    windows = prepare(RECIPE, None, tmp_path, Silent())
    return tmp_path / "windows" / windows.content_hash


def test_second_run_reads_the_cache_memory_mapped(prepared: Path) -> None:
    heard = Lines()
    windows = prepare(RECIPE, None, prepared.parents[1], heard)
    assert isinstance(windows.x, np.memmap)
    assert not windows.x.flags.writeable
    assert heard.bars == heard.lines == []


def test_other_settings_get_another_key(prepared: Path) -> None:
    cache = prepared.parents[1]
    keys = {
        prepare(RECIPE.model_copy(update=change), None, cache, Silent()).content_hash
        for change in ({}, {"hop": 32}, {"purity": 0.9}, {"channels": ("acc_x",)}, {"labels": ("row", "abduction")})
    }
    assert len(keys) == 5


def test_windows_of_other_code_are_cut_again(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepare(RECIPE, None, prepared.parents[1], Silent())
    meta = prepared / "meta.json"
    written = meta.stat().st_mtime_ns
    monkeypatch.setattr("factory.data.preparation.cutting_code", lambda: "other")
    after = prepare(RECIPE, None, prepared.parents[1], Silent())
    assert meta.stat().st_mtime_ns > written
    assert json.loads(meta.read_text())["code"] == "other"
    assert (after.content_hash, after.digest) == (before.content_hash, before.digest), "equal windows, equal keys"


def flip(path: Path, place: int = -10) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 128  # not ASCII any more, where the file is text
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4])


def wrong_header(path: Path) -> None:
    flip(path, 20)


@pytest.mark.parametrize("name", [*(f"{array}.npy" for array in ARRAYS), "meta.json"])
@pytest.mark.parametrize("damage", [flip, cut_short, wrong_header, Path.unlink])
@pytest.mark.parametrize("full", [True, False])
def test_damaged_file_is_told_and_prepared_again(
    prepared: Path, name: str, damage: "object", full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(damage)
    before = np.array(prepare(RECIPE, None, prepared.parents[1], Silent()).x)
    if not full:
        monkeypatch.setattr(module, "FULL_HASH_BELOW", 0)
    damage(prepared / name)
    heard = Lines()
    windows = prepare(RECIPE, None, prepared.parents[1], heard)
    assert len(heard.lines) == 1
    assert "cannot be used" in heard.lines[0]
    assert np.array_equal(windows.x, before)


def test_pickle_in_place_of_an_array_is_never_loaded(prepared: Path) -> None:
    np.save(prepared / "y.npy", np.array([{"a": 1}], object), allow_pickle=True)
    heard = Lines()
    prepare(RECIPE, None, prepared.parents[1], heard)
    assert "cannot be used" in heard.lines[0]


def test_cache_that_cannot_be_read_back_is_an_error(tmp_path: Path) -> None:
    sample = prepare(RECIPE, None, tmp_path, Silent())

    def build(folder: Path) -> module.Meta:
        stored = tmp_path / "windows" / sample.content_hash / "meta.json"
        return module.Meta.model_validate_json(stored.read_bytes()).model_copy(
            update={"key": "k", "code": "c"}
        )  # and no arrays

    with pytest.raises(ArtifactError, match="cannot be read back after writing"):
        load_or_build(tmp_path, "k", "c", build, Silent())


def test_failed_preparation_leaves_nothing(tmp_path: Path) -> None:
    def build(folder: Path) -> module.Meta:
        (folder / "x.npy").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_or_build(tmp_path, "k", "c", build, Silent())
    assert [path.name for path in (tmp_path / "windows").iterdir() if path.suffix != ".lock"] == []


_KILLED = """
import sys, time
from pathlib import Path
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe
from factory.data import prepare
from factory.data.cache import WindowWriter

class Slow(WindowWriter):
    def append(self, *arguments):
        super().append(*arguments)
        print("writing", flush=True)
        time.sleep(60)

import factory.data.preparation as module
module.WindowWriter = Slow
prepare(DataRecipe(source="watch"), None, Path(sys.argv[1]), Silent())
"""


def test_next_run_succeeds_after_kill_nine(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        os.kill(process.pid, signal.SIGKILL)
    assert len(list((tmp_path / "windows").glob(".*"))) == 1, "the killed run should have been half way"
    windows = prepare(RECIPE, None, tmp_path, Silent())
    assert len(windows.y) > 1000
    assert not list((tmp_path / "windows").glob(".*"))


def test_second_process_waits_for_the_first(tmp_path: Path) -> None:
    sample = prepare(RECIPE, None, tmp_path, Silent())
    stored = tmp_path / "windows" / sample.content_hash
    built: list[int] = []

    def build(folder: Path) -> module.Meta:
        built.append(1)
        time.sleep(1.5)
        for path in stored.glob("*.npy"):
            (folder / path.name).write_bytes(path.read_bytes())
        meta = module.Meta.model_validate_json((stored / "meta.json").read_bytes())
        return meta.model_copy(update={"key": "k", "code": "c"})

    heard = Lines()
    first = threading.Thread(target=lambda: load_or_build(tmp_path, "k", "c", build, Silent()))
    first.start()
    while not built:
        time.sleep(0.01)
    load_or_build(tmp_path, "k", "c", build, heard)
    first.join()
    assert built == [1]
    assert heard.lines == ["another process prepares the same windows: waiting for it"]


def test_written_windows_are_plain_npy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1234, 3, 8)).astype(np.float32)
    with WindowWriter(tmp_path, 3, 8) as writer:
        writer.append(x[:1], np.zeros(1, np.int64), np.zeros(1, np.int64), 0, "a")
        writer.append(x[1:], np.ones(1233, np.int64), np.arange(1233), 1, "longer name")
        writer.close()
    assert np.array_equal(np.load(tmp_path / "x.npy", allow_pickle=False), x)
    assert np.load(tmp_path / "subject.npy", allow_pickle=False)[[0, 1]].tolist() == ["a", "longer name"]


def test_unchanged_files_are_not_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.txt"
    path.write_text("one")
    os.utime(path, (1e9, 1e9))
    first = content_hashes([path], tmp_path, tmp_path / "cache")
    monkeypatch.setattr(module, "sha256_file", lambda _: pytest.fail("read again"))
    assert content_hashes([path], tmp_path, tmp_path / "cache") == first


def test_changed_file_and_damaged_index_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text("one")
    os.utime(path, (1e9, 1e9))
    first = content_hashes([path], tmp_path, tmp_path)
    path.write_text("two")
    assert content_hashes([path], tmp_path, tmp_path) != first
    (tmp_path / "hashes.json").write_text("{")
    path.write_text("one")
    assert content_hashes([path], tmp_path, tmp_path) == first


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB; skipped where mounting is not allowed."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_is_a_storage_error_and_leaves_nothing_half_written(tiny_disk: Path) -> None:
    with pytest.raises(StorageError, match="no space left"):
        prepare(RECIPE, None, tiny_disk, Silent())
    assert not list((tiny_disk / "windows").glob(".*"))
    assert not list(tiny_disk.rglob("*.npy"))
