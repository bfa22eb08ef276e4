"""Killed or interrupted in any stage: nothing half-written, and the next run goes on to the same result."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from factory.artifacts.manifest_io import read_manifest, verify_files
from factory.artifacts.store import StageRecord
from factory.contracts.files import sha256_file
from tests.integration.conftest import RECIPE, Factory, command, environment

pytestmark = pytest.mark.slow

MOMENTS = (
    "recordings of watch ...",
    "teacher ...",
    "student ...",
    "onnx ...",
    "tflite ...",
    "golden ...",
    "verify ...",
    "manifest ...",
    "report ...",
)
SAME = ("teacher/network.safetensors", "student/network.safetensors", "onnx/model.onnx", "golden.npz")


def stop_at(moment: str, build: Path, cache: Path, number: signal.Signals) -> tuple[int, str]:
    """Start a build, send a signal as soon as it says it is at `moment`; its exit code and what it said after."""
    process = subprocess.Popen(
        command("build", RECIPE, "--out", build),
        env=environment(cache),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            if line.strip() == moment:
                process.send_signal(number)
                break
        rest = lines.read()
    return process.wait(), rest


def assert_whole(build: Path) -> None:
    """Every finished stage's files are there and complete; every JSON file parses."""
    for path in build.rglob("*.json"):
        json.loads(path.read_bytes())
    for path in (build / ".stages").glob("*.json"):
        for output in StageRecord.model_validate_json(path.read_bytes()).outputs:
            assert sha256_file(build / output.path) == output.sha256


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("number", "code", "moments"), [(signal.SIGKILL, -9, MOMENTS), (signal.SIGINT, 130, MOMENTS[1::3])]
)
def test_stopped_in_each_stage_the_next_run_goes_on_to_the_same_result(
    number: signal.Signals, code: int, moments: Sequence[str], finished: Path, factory: Factory, tmp_path: Path
) -> None:
    build, cache = tmp_path / "tiny", tmp_path / "cache"
    for moment in moments:
        stopped, said = stop_at(moment, build, cache, number)
        assert stopped == code, f"at '{moment}': {said}"
        if number is signal.SIGINT:
            assert said.splitlines()[-1].startswith("interrupted")
            assert "Traceback" not in said
        assert_whole(build)
    done = factory("build", RECIPE, "--out", build)
    assert done.code == 0
    verify_files(build, read_manifest(build / "manifest.json"))
    assert not list(build.rglob("*.part"))
    assert {path: sha256_file(build / path) for path in SAME} == {path: sha256_file(finished / path) for path in SAME}


def test_killed_in_the_middle_of_training_goes_on_from_its_checkpoint(
    finished: Path, factory: Factory, cache: Path, tmp_path: Path
) -> None:
    long = tmp_path / "long.toml"
    long.write_text(RECIPE.read_text().replace("student_epochs = 8", "student_epochs = 60"))
    build = Path(shutil.copytree(finished, tmp_path / "tiny"))
    arguments = command("train", long, "--out", build)
    with subprocess.Popen(arguments, env=environment(cache), stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (build / "student" / "checkpoint.safetensors").exists():
            os.sched_yield()
        process.kill()
    left = build / "student" / "checkpoint.safetensors"
    assert left.exists(), "killed after the training had ended: raise student_epochs"
    before = left.stat().st_mtime_ns
    assert factory("train", long, "--out", build).code == 0
    assert not left.exists() or left.stat().st_mtime_ns > before
    straight = tmp_path / "straight"
    assert factory("train", long, "--out", straight).code == 0
    name = "student/network.safetensors"
    assert sha256_file(build / name) == sha256_file(straight / name)


def small_disk(folder: Path, size: str) -> None:
    """Mount a full-able file system, or skip."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system needs the right to mount one")


def test_full_disk_is_one_line_and_the_next_run_goes_on(factory: Factory, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    small_disk(disk, "64k")
    try:
        done = factory("build", RECIPE, "--out", disk / "tiny")
        assert done.code == 10
        assert done.err.splitlines()[-1].startswith("error: no space left")
        assert_whole(disk / "tiny")
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert factory("train", RECIPE, "--out", disk / "tiny").code == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_file_size_limit_is_one_line(cache: Path, finished: Path, tmp_path: Path) -> None:
    build = Path(shutil.copytree(finished, tmp_path / "tiny"))
    (build / "onnx" / "model.onnx").unlink()
    limit = (build / "student" / "network.json").stat().st_size + 2048
    done = subprocess.run(
        command("build", RECIPE, "--out", build),
        env=environment(cache),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 10, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: no space left")
    assert not (build / "onnx" / "model.onnx").exists()


def test_second_build_of_a_folder_is_refused_while_the_first_runs(
    finished: Path, factory: Factory, cache: Path, tmp_path: Path
) -> None:
    build = Path(shutil.copytree(finished, tmp_path / "tiny"))
    hold = (
        "import sys; from pathlib import Path\n"
        "from factory.artifacts.store import open_store\n"
        "from factory.contracts.progress import Silent\n"
        "with open_store(Path(sys.argv[1]), Silent()): print('held', flush=True); sys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", hold, str(build)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = factory("build", RECIPE, "--out", build)
        holder.communicate()
    assert done.code == 10
    assert f"in use by another build (process {holder.pid})" in done.err
