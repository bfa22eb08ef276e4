"""The README's commands, run as a reader would: in an empty folder, with a file of their own."""

import json
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import tomli_w

from tests.integration.conftest import RECIPE, environment
from tests.unit.data.odd_tables import watch_rows, write_odd
from tests.unit.test_repository import FENCE, ROOT

pytestmark = pytest.mark.slow

FACTORY = f'factory() {{ {shlex.quote(sys.executable)} -c "from factory.cli.app import main; main()" "$@"; }}'
ELSEWHERE = ("factory build", "factory data fetch", "--data", "devices setup", "--device")
"""Lines that need an hour, a network or a download; tests/unit/test_repository.py checks that their options exist."""


def lines() -> list[str]:
    """Every line of the README's console blocks."""
    blocks = [
        block for language, block in FENCE.findall((ROOT / "README.md").read_text("utf-8")) if language == "console"
    ]
    return [line for block in blocks for line in block.splitlines() if line]


def run(line: str, folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    shell = ["bash", "-euo", "pipefail", "-c", f"{FACTORY}\n{line}"]
    return subprocess.run(shell, cwd=folder, env=environment(cache), capture_output=True, text=True, check=False)


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """What a reader has by then: a finished build, and recordings of their own."""
    shutil.copytree(finished, tmp_path / "build/demo")
    (tmp_path / "recordings").mkdir()
    write_odd(tmp_path / "recordings/walking.csv", watch_rows(subjects=4, recordings=56))
    return tmp_path


def test_the_readme_starts_with_two_commands() -> None:
    assert lines()[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_knows_what_to_do(target: str) -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"demo": "bin/factory build demo", "test": "bin/pytest"}[target] in done.stdout


def test_every_command_that_needs_no_download_runs(folder: Path, cache: Path) -> None:
    wanted = [line for line in lines() if line.startswith("factory ") and not any(part in line for part in ELSEWHERE)]
    assert len(wanted) >= 9
    for line in wanted:
        done = run(line, folder, cache)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_recordings_of_ones_own_become_a_verified_model(folder: Path, cache: Path) -> None:
    """The commands of that section; training is cut short, or this would take minutes."""
    assert run("factory init recordings/", folder, cache).returncode == 0
    short = tomllib.loads(RECIPE.read_text("utf-8"))
    recipe = tomllib.loads((folder / "recipe.toml").read_text("utf-8"))
    recipe |= {section: short[section] for section in ("model", "train", "export", "verify")}
    recipe["data"]["labels"] = short["data"]["labels"]
    (folder / "recipe.toml").write_text(tomli_w.dumps(recipe), "utf-8")
    done = run("factory build recipe.toml", folder, cache)
    assert done.returncode == 0, done.stderr
    build = folder / "build" / recipe["name"]
    assert (build / "report.html").is_file()
    assert (build / "tflite/model_fp32.tflite").is_file()
    assert measured_accuracy(build, folder, cache), "the table is where it was, so the test split is at hand"
    with (folder / "recordings/walking.csv").open("a") as rows:
        rows.write((folder / "recordings/walking.csv").read_text("utf-8").splitlines()[-1].replace("P", "Q", 1) + "\n")
    refused = run(f"factory verify build/{recipe['name']}", folder, cache)
    assert refused.returncode == 9, "other recordings than it was built from"
    assert "name those that it was built from with --data, or verify without any (--without-data)" in refused.stderr
    assert not measured_accuracy(build, folder, cache, "--without-data")


def measured_accuracy(build: Path, folder: Path, cache: Path, *options: str) -> bool:
    """Whether `factory verify`, which must pass, could measure accuracy."""
    done = run(f"factory verify {build} --json {' '.join(options)}", folder, cache)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["verifications"][0]["accuracy"] is not None
