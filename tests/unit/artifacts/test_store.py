"""The stage store: what is redone, what is not, and what a crash leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory.artifacts.store import Nothing, Stage, StageStore, content_key, open_store
from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.files import atomic_write
from factory.contracts.progress import Silent


class Count(Contract):
    value: int


def stage(text: str = "a", folder: str | None = None) -> Stage[Count]:
    return Stage(name="first", inputs={"text": text}, outputs=("sub/out.txt",), result=Count, folder=folder)


def write(store: StageStore, runs: list[str], text: str = "a", folder: str | None = None) -> Count:
    def work() -> Count:
        runs.append(text)
        with atomic_write(store.build / "sub/out.txt") as temporary:
            temporary.write_text(text)
        return Count(value=len(runs))

    return store.run(stage(text, folder), work)


def test_unchanged_stage_runs_once_and_returns_its_recorded_result(tmp_path: Path) -> None:
    runs: list[str] = []
    for _ in range(2):
        with open_store(tmp_path / "b", Silent()) as store:
            assert write(store, runs) == Count(value=1)
    assert runs == ["a"]


def test_changed_input_runs_again(tmp_path: Path) -> None:
    runs: list[str] = []
    with open_store(tmp_path / "b", Silent()) as store:
        write(store, runs, "a")
        write(store, runs, "b")
    assert runs == ["a", "b"]


@pytest.mark.parametrize("damage", [b"A", b"", None])
def test_output_that_was_changed_or_removed_is_made_again(tmp_path: Path, damage: bytes | None) -> None:
    runs: list[str] = []
    with open_store(tmp_path / "b", Silent()) as store:
        write(store, runs)
        out = store.build / "sub/out.txt"
        out.unlink() if damage is None else out.write_bytes(damage)
        write(store, runs)
        assert out.read_text() == "a"
    assert runs == ["a", "a"]


def test_unreadable_record_means_run_again(tmp_path: Path) -> None:
    runs: list[str] = []
    with open_store(tmp_path / "b", Silent()) as store:
        write(store, runs)
        (store.build / ".stages/first.json").write_text("{")
        write(store, runs)
    assert runs == ["a", "a"]


def test_failed_stage_leaves_no_record(tmp_path: Path) -> None:
    def fail() -> Count:
        raise ZeroDivisionError

    with open_store(tmp_path / "b", Silent()) as store:
        with pytest.raises(ZeroDivisionError):
            store.run(stage(), fail)
        assert store.record("first") is None
        with pytest.raises(ArtifactError, match="has not finished"):
            store.hashes("first")


def test_missing_output_is_an_error(tmp_path: Path) -> None:
    with open_store(tmp_path / "b", Silent()) as store, pytest.raises(ArtifactError, match=r"wrote no sub/out\.txt"):
        store.run(stage(), lambda: Count(value=0))


def interrupt_in_folder(store: StageStore, text: str) -> None:
    def work() -> Count:
        (store.build / "sub" / "checkpoint").write_text(text)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.run(stage(text, "sub"), work)


def test_interrupted_stage_of_the_same_key_finds_its_checkpoint(tmp_path: Path) -> None:
    with open_store(tmp_path / "b", Silent()) as store:
        interrupt_in_folder(store, "a")
        write(store, [], "a", "sub")
        assert (store.build / "sub/checkpoint").read_text() == "a"


def test_interrupted_stage_of_another_key_starts_in_an_empty_folder(tmp_path: Path) -> None:
    with open_store(tmp_path / "b", Silent()) as store:
        interrupt_in_folder(store, "a")
        write(store, [], "b", "sub")
        assert not (store.build / "sub/checkpoint").exists()


def test_stage_without_outputs_keeps_its_result(tmp_path: Path) -> None:
    quiet = Stage(name="quiet", inputs={}, outputs=(), result=Nothing)
    with open_store(tmp_path / "b", Silent()) as store:
        store.run(quiet, Nothing)
        assert store.current(quiet) is not None


def test_key_does_not_depend_on_the_order_of_keys() -> None:
    assert content_key({"a": 1, "b": [1.5, None]}) == content_key({"b": [1.5, None], "a": 1})
    assert content_key({"a": 1}) != content_key({"a": 2})


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    build = tmp_path / "b"
    with open_store(build, Silent()):
        pass
    for leftover in (".model.onnx.123.part", "tflite/.a.tflite.9.part"):
        (build / leftover).parent.mkdir(exist_ok=True)
        (build / leftover).write_text("half")
    (build / "kept.part").write_text("a user's own")
    with open_store(build, Silent()):
        pass
    assert sorted(path.name for path in build.rglob("*.part")) == ["kept.part"]


def test_foreign_folder_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "teacher").mkdir()
    (tmp_path / "teacher" / "thesis.txt").write_text("mine")
    with pytest.raises(StorageError, match="no build wrote"), open_store(tmp_path, Silent()):
        pass
    assert (tmp_path / "teacher" / "thesis.txt").read_text() == "mine"


def test_second_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from factory.artifacts.store import open_store\n"
        "from factory.contracts.progress import Silent\n"
        "with open_store(Path(sys.argv[1]), Silent()): pass\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "b")]
    with open_store(tmp_path / "b", Silent()):
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "StorageError" in refused.stderr
    assert f"process {os.getpid()}" in refused.stderr
    assert subprocess.run(command, check=False).returncode == 0
