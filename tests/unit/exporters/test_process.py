"""A converter's process: its steps, its failures, and that it does not outlive who waits for it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporters.process import run_worker
from factory.contracts.errors import ExportError, StorageError
from factory.contracts.progress import Cancel, Cancelled, Silent


@dataclass
class Notes:
    """A bar that remembers; raises once `limit` heartbeats without progress were heard."""

    limit: int | None = None
    heard: list[str] = field(default_factory=list)
    beats: int = 0

    def advance(self, amount: int = 1, note: str = "") -> None:
        if amount:
            self.heard.append(note)
            return
        self.beats += 1
        if self.limit is not None and self.beats > self.limit and Path("pid").exists():
            raise KeyboardInterrupt


def run(how: str, folder: Path, bar: Notes) -> None:
    run_worker("tin", "tests.unit.exporters.behaving", [how], folder, bar)


def test_steps_move_the_bar_and_noise_goes_to_the_log(tmp_path: Path) -> None:
    bar = Notes()
    run("well", tmp_path, bar)
    assert bar.heard == ["import", "convert"]
    assert (tmp_path / "log.txt").read_text() == "noise of an SDK\n"


def test_a_failure_names_target_step_and_what_was_printed(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"^tin, step convert: ValueError: cannot convert; ERROR: operator Foo"):
        run("fails", tmp_path, Notes())


def test_a_crash_of_the_sdk_is_an_export_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"^tin, step conversion: the converter died with exit status -6"):
        run("dies", tmp_path, Notes())


def test_an_interrupt_in_the_bar_ends_the_worker_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run("hangs", tmp_path, Notes(limit=1))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_cancelled_export_ends_its_worker_at_once(tmp_path: Path) -> None:
    cancel, raised = Cancel(), list[BaseException]()

    def wait() -> None:
        try:
            run_worker("tin", "tests.unit.exporters.behaving", ["hangs"], tmp_path, Silent(), cancel)
        except Cancelled as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    worker = _pid(tmp_path)
    cancel.set()
    waiting.join(2)
    assert raised
    assert not waiting.is_alive()
    assert not _alive(worker)


def test_an_export_cancelled_beforehand_does_nothing(tmp_path: Path) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        run_worker("tin", "tests.unit.exporters.behaving", ["well"], tmp_path, Silent(), cancel)


@pytest.mark.parametrize("how", ["hangs", "keeps the lock"])
def test_a_worker_dies_with_its_parent(how: str, tmp_path: Path) -> None:
    if how == "keeps the lock" and sys.platform != "linux":
        pytest.skip("only Linux has a signal for the death of a parent")
    command = [sys.executable, "-m", "tests.unit.exporters.dying", how, str(tmp_path)]
    with subprocess.Popen(command) as parent:
        worker = _pid(tmp_path)
        parent.kill()
    assert _becomes_true(lambda: not _alive(worker), 0.3)


def test_a_worker_ends_with_its_standard_input(tmp_path: Path) -> None:
    """The way without a signal, and that of a parent which died before the worker asked for one."""
    command = [sys.executable, "-m", "tests.unit.exporters.behaving", "hangs"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=tmp_path) as worker:
        assert worker.stdin is not None
        _pid(tmp_path)
        worker.stdin.close()
        assert worker.wait(1) == 1


@pytest.mark.parametrize("how", ["fills the disk", "fills the disk in C++", "exits on a full disk"])
def test_a_disk_that_is_full_for_a_worker_is_a_storage_error(how: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"no space left for {tmp_path}: free some"):
        run(how, tmp_path, Notes())


def test_a_file_system_that_a_worker_fills_is_a_storage_error(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system needs the right to mount one")
    try:
        with pytest.raises(StorageError, match="no space left"):
            run("fills the real disk", disk, Notes())
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _pid(folder: Path) -> int:
    """Of the worker, once it is at work there."""
    assert _becomes_true((folder / "pid").exists, 30)
    return int((folder / "pid").read_text())


def _becomes_true(holds: Callable[[], bool], within_s: float) -> bool:
    end = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def _alive(pid: int) -> bool:
    """Whether it runs; one that ended and that nobody waited for does not."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
