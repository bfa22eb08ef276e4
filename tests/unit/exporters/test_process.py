"""A converter's process: its steps, its failures, and that it does not outlive who waits for it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporters.process import run_worker
from factory.contracts.errors import ExportError


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
