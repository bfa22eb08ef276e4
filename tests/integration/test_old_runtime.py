"""tflite-runtime 2.14, the last before LiteRT, still reads every file, and gives LiteRT's logits."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporters.registry import load_runner
from factory.pipeline.android import KERNEL_STEPS
from factory.verification.gates import output_step
from tests.unit.exporters.students import some_windows

if TYPE_CHECKING:
    from tests.conftest import Exported

pytestmark = pytest.mark.slow

LOCK = Path(__file__).with_name("old_runtime.lock")
RUN = """
import sys
import numpy as np
from tflite_runtime.interpreter import Interpreter
model, windows, logits = sys.argv[1:]
run = Interpreter(model, num_threads=1).get_signature_runner("serving_default")
np.save(logits, np.concatenate([run(imu=x.T[None, None].copy())["logits"] for x in np.load(windows)]))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the old runtime, which needs an older NumPy than the rest."""
    uv, folder = Path(sys.executable).with_name("uv"), tmp_path_factory.mktemp("old") / "venv"
    if not uv.exists():
        pytest.skip("needs uv: make environment")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        folder / "bin/python",
        "--require-hashes",
        "-r",
        LOCK,
    ]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"tflite-runtime 2.14.0 cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    return folder / "bin/python"


def test_every_precision_is_read_and_gives_the_same_logits(
    exported: "Callable[[str], Exported]", python: Path, tmp_path: Path
) -> None:
    request, artifacts = exported("tflite")
    windows = some_windows(16)
    np.save(tmp_path / "windows.npy", windows)
    assert len(artifacts) == 4
    for artifact in artifacts:
        path = request.build / artifact.path
        arguments: list[str | Path] = [python, "-c", RUN, path, tmp_path / "windows.npy", tmp_path / "logits.npy"]
        subprocess.run(arguments, check=True, capture_output=True)
        with load_runner("tflite")(path) as runner:
            wanted = runner.run(windows)
        steps = KERNEL_STEPS.get((artifact.target, artifact.precision))
        allowed = 1e-4 if steps is None else steps * output_step(artifact, wanted)
        assert np.abs(np.load(tmp_path / "logits.npy") - wanted).max() <= allowed, artifact.path
