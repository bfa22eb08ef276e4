"""`factory bench` on the watch's recordings, by real worker processes; one is killed in mid-run and nothing is lost."""

import gc
import json
import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import factory
from factory.cli.app import run
from factory.contracts.bench_result import BenchSummary, read_cell
from factory.contracts.errors import MissingToolError
from factory.contracts.progress import Silent
from factory.pipeline.cluster import connect
from tests.integration.waiting import ray_worker, until

pytest.importorskip("seglearn", reason="needs seglearn: pip install 'smldist-factory[demo]'")

_NETWORK = """
block = "plain"
stem = {0}
stem_stride = 4
features = {1}
activation = "relu"
stages = [{{ width = {1}, blocks = 1, kernel = 3, stride = 2 }}, {{ width = {1}, blocks = 1, kernel = 3, stride = 1 }}]
"""
SPEC = f"""
name = "watch"
summary = "networks of a few hundred parameters"
seeds = [0, 1]

[protocol]
kind = "groups"
groups = 2
stress = ["noise"]

[common.data]
hop = 256

[common.train]
teachers = 1
teacher_epochs = 1
student_epochs = 2
batch = 32

[common.model.student]{_NETWORK.format(4, 8)}
[common.model.teacher]{_NETWORK.format(8, 16)}
[[data]]
label = "watch"
recipe = "demo"

[[methods]]
label = "cross_entropy"

[[methods]]
label = "smldist"
"""


class Said(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench")
    (made / "watch.toml").write_text(SPEC, "utf-8")
    return made


@pytest.mark.slow
def test_a_worker_that_is_killed_in_mid_run_costs_its_cell_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    said, out, found = Said(), folder / "out", []
    cells = out / "cells"

    def work() -> None:
        found.append(
            factory.bench(
                folder / "watch.toml", out=out, cache=folder / "cache", device="cpu", workers=2, progress=said
            )
        )

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: list(cells.rglob("*.json")))
    until(lambda: list((out / "running").rglob("epochs.jsonl")))
    victim = multiprocessing.active_children()[0].pid
    assert victim is not None
    written = {path: path.stat().st_mtime_ns for path in cells.rglob("fold*.json")}
    os.kill(victim, signal.SIGKILL)
    thread.join(300)
    (summary,) = found
    assert any("a worker died (exit code -9): another takes over" in line for line in said.lines)
    assert (summary.done, summary.expected) == (8, 8)
    assert {path: path.stat().st_mtime_ns for path in written} == written, "what was finished is not trained again"
    assert not list((out / "running").rglob("*.safetensors"))
    for path in cells.rglob("fold*.json"):
        result = read_cell(path)
        assert not set(result.train_people) & {person.person for person in result.people}
    _look_at_what_was_written(out, summary)


def _look_at_what_was_written(out: Path, summary: BenchSummary) -> None:
    assert BenchSummary.model_validate_json((out / "bench.json").read_bytes()) == summary
    table = (out / "table.md").read_text("utf-8")
    assert table.startswith("watch, 8 of 8 cells. Control: cross_entropy.")
    assert "| watch under stress | as recorded | noise |" in table
    by_person = summary.methods[1].by_person
    assert by_person is not None
    assert by_person.count == 10, "every person tests once"
    assert 0 < (by_person.p or 0) <= 1


@pytest.mark.slow
def test_a_table_is_printed_without_recordings_from_cells_or_from_parquet(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "out"
    assert run(["bench", str(folder / "watch.toml"), "--out", str(out), "--table"]) == 0
    table = capsys.readouterr().out
    assert "| smldist | 4 | " in table
    (tmp_path / "results.parquet").write_bytes((out / "results.parquet").read_bytes())
    assert run(["bench", str(folder / "watch.toml"), "--out", str(tmp_path), "--table"]) == 0
    assert capsys.readouterr().out == table
    assert run(["bench", str(folder / "watch.toml"), "--out", str(tmp_path), "--table", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 8
    options = ["--out", str(tmp_path), "--table", "--only", "cross_entropy"]
    assert run(["bench", str(folder / "watch.toml"), *options]) == 0
    assert "| smldist |" not in capsys.readouterr().out
    assert run(["bench", str(folder / "watch.toml"), *options, "--only", "wisdm"]) == 3
    assert "no data set or method 'wisdm'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_dry_run_counts_what_is_left_and_how_long_it_takes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "more.toml").write_text(SPEC.replace("seeds = [0, 1]", "seeds = [0, 1, 2]"), "utf-8")
    options = ["--cache", str(folder / "cache"), "--device", "cpu", "--out", str(folder / "out"), "--dry-run", "--json"]
    assert run(["bench", str(tmp_path / "more.toml"), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cells"], found["finished"], found["teachers"]) == (12, 8, 2)
    assert found["cpu_s"] > 0


def test_a_misspelt_key_ends_with_the_recipes_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.toml").write_text(SPEC.replace("[protocol]", "[protocoll]"), "utf-8")
    assert run(["bench", str(tmp_path / "wrong.toml")]) == 3
    assert "unknown key 'protocoll'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_ray_places_a_cell_anew_when_its_worker_is_killed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="needs ray: pip install 'smldist-factory[ray]'")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    places: dict[str, Any] = {"cache": folder / "cache", "device": "cpu"}
    factory.bench(folder / "watch.toml", out=folder / "out", workers=1, **places)
    found: list[BenchSummary] = []
    try:
        connect(None, cpus=1)
        thread = threading.Thread(
            target=lambda: found.append(
                factory.bench(folder / "watch.toml", out=tmp_path, engine="ray", cpus=0.75, **places)
            )
        )
        thread.start()
        victim, under_way = until(lambda: _kill_in_mid_cell(tmp_path / "running"))
        assert not (tmp_path / "cells" / under_way).exists()
        until(lambda: ray_worker("remote_cell") not in (0, victim))
        thread.join(400)
    except MissingToolError as error:
        pytest.skip(f"not run: {error}")
    finally:
        ray.shutdown()
        gc.collect()  # Ray leaves open handles of its own processes, which warn when they go
    (summary,) = found
    assert (summary.done, summary.expected) == (8, 8)
    assert _figures(tmp_path / "cells") == _figures(folder / "out" / "cells")


def _kill_in_mid_cell(running: Path) -> tuple[int, str] | None:
    """Kill the worker if a cell has trained an epoch: its process, and the cell's file; None if none has."""
    if not (worker := ray_worker("remote_cell")):
        return None
    os.kill(worker, signal.SIGSTOP)  # so that the cell does not end while it is looked at
    trained = list(running.rglob("epochs.jsonl"))
    os.kill(worker, signal.SIGKILL if trained else signal.SIGCONT)
    return (worker, f"{trained[0].parents[1].relative_to(running)}.json") if trained else None


def _figures(cells: Path) -> dict[str, Any]:
    """What was measured in each cell."""
    paths = {str(path.relative_to(cells)): path for path in cells.rglob("fold*.json")}
    assert len(paths) == 8
    return {name: (read_cell(path).key, read_cell(path).people) for name, path in paths.items()}
