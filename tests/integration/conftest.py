"""One tiny real build, shared; each test works on a copy of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

RECIPE = Path(__file__).parent / "tiny.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str


Factory = Callable[..., Done]


def environment(cache: Path) -> dict[str, str]:
    """Of a `factory` process: its own cache, no data folder, one thread, and nobody's second converter."""
    inherited = {name: value for name, value in os.environ.items() if name != "FACTORY_DATA"}
    own = {"FACTORY_CACHE": str(cache), "XDG_DATA_HOME": str(cache / "data"), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    return inherited | own


def command(*arguments: str | Path) -> list[str]:
    """`factory ARGUMENTS`, by this interpreter."""
    return [sys.executable, "-c", "from factory.cli.app import main; main()", *map(str, arguments)]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def factory(cache: Path, tmp_path: Path) -> Factory:
    """Run `factory ARGUMENTS` to its end, in an empty folder."""

    def run(*arguments: str | Path) -> Done:
        done = subprocess.run(
            command(*arguments), capture_output=True, text=True, env=environment(cache), cwd=tmp_path, check=False
        )
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


@pytest.fixture(scope="session")
def finished(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny recipe, built without interruption; not to be changed."""
    _require("seglearn", "demo")
    _require("onnx2tf", "tflite")
    build = tmp_path_factory.mktemp("finished") / "tiny"
    subprocess.run(command("build", RECIPE, "--out", build), env=environment(cache), check=True, capture_output=True)
    return build


@pytest.fixture
def build(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished build."""
    return Path(shutil.copytree(finished, tmp_path / "tiny"))


def _require(module: str, extra: str) -> None:
    """Skip, visibly, without importing the module."""
    if find_spec(module) is None:
        pytest.skip(f"needs {module}: pip install 'smldist-factory[{extra}]'")
