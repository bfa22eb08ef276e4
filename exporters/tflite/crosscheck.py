"""A second, independent converter over the same student: litert-torch, from torch without ONNX or TensorFlow.

If both converters agree, neither bent the network. litert-torch does not live with the rest (it holds
typing-extensions back), so it has an environment of its own, made once by `factory doctor --install crosscheck`,
and is called as a subprocess that sees only this project's model code.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from factory.contracts.artifact import Precision
from factory.contracts.dataset import Floats
from factory.contracts.errors import ExportError, MissingToolError
from factory.contracts.files import storage_errors
from factory.contracts.manifest import Check, Outcome

INSTALL = "factory doctor --install crosscheck"
GATE = "crosscheck.max_abs"
LOCK = Path(__file__).with_name("crosscheck.lock")
_WORKER = Path(__file__).with_name("crosscheck_worker.py")
_READY = "ready"
_MODEL_CODE = ("__init__.py", "contracts", "models")


def crosscheck_environment() -> Path:
    """Where the second converter's environment lies, made or not: the user's data folder."""
    import platformdirs

    return platformdirs.user_data_path("smldist-factory", appauthor=False) / "crosscheck"


def installed(environment: Path) -> bool:
    """Whether the environment was made completely, from the lock file that this version ships."""
    ready = environment / _READY
    return _python(environment).exists() and ready.exists() and ready.read_bytes() == LOCK.read_bytes()


def install_crosscheck(environment: Path) -> None:
    """Make the environment from the lock file, every package by its hash; some 7 GB.

    Raises:
        MissingToolError: uv is not installed, or a package cannot be had; names the step.
        StorageError: The disk is not writable.
    """
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        raise MissingToolError("uv is missing: pip install uv")
    with storage_errors(environment):
        (environment / _READY).unlink(missing_ok=True)
        environment.parent.mkdir(parents=True, exist_ok=True)
        _uv([uv, "venv", "--clear", "--python", "3.11", str(environment)], "creating the environment")
        _uv(
            [
                uv,
                "pip",
                "install",
                "--python",
                str(_python(environment)),
                "--compile-bytecode",
                "--require-hashes",
                "-r",
                str(LOCK),
            ],
            "installing litert-torch",
        )
        shutil.copyfile(LOCK, environment / _READY)


def pinned() -> str:
    """Version of litert-torch in the lock file, and so in an environment that `installed` accepts."""
    found = re.search(r"^litert-torch==(\S+)", LOCK.read_text("utf-8"), re.MULTILINE)
    assert found is not None, f"{LOCK.name} names no litert-torch"
    return found.group(1)


def crosscheck(student: Path, windows: Floats, logits: Floats, limit: float, environment: Path) -> Check:
    """Convert a trained student by litert-torch and compare it with our fp32 artifact.

    Args:
        student: Folder of network.json and network.safetensors.
        windows: (N, C, T) golden windows, SI units.
        logits: (N, K) of our fp32 artifact for them.
        limit: Largest absolute difference allowed.
        environment: As made by `install_crosscheck`.

    Returns:
        Passed or failed with the difference; not run, with the remedy, where the environment is missing.

    Raises:
        ExportError: The second converter refused.
    """
    where = f"host {platform.machine()}, litert-torch {pinned()}"
    if not installed(environment):
        return Check(
            gate=GATE,
            target="tflite",
            precision=Precision.FP32,
            outcome=Outcome.NOT_RUN,
            relation="<=",
            limit=limit,
            where=where,
            note=f"the second converter is not installed: {INSTALL}",
        )
    difference = float(np.abs(_second_logits(student, windows, environment) - logits).max())
    passed = difference <= limit
    return Check(
        gate=GATE,
        target="tflite",
        precision=Precision.FP32,
        outcome=Outcome.PASSED if passed else Outcome.FAILED,
        value=difference,
        relation="<=",
        limit=limit,
        where=where,
        note="" if passed else "onnx2tf and litert-torch disagree about the same weights: one of them is wrong",
    )


def _second_logits(student: Path, windows: Floats, environment: Path) -> Floats:
    with tempfile.TemporaryDirectory(prefix="smldist-crosscheck-") as scratch:
        folder = Path(scratch)
        _copy_model_code(folder / "code")
        np.save(folder / "windows.npy", windows)
        command = [str(_python(environment)), str(_WORKER), str(student.resolve()), str(folder)]
        # Its own packages only: an inherited PYTHONPATH would mix two torches.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        run = subprocess.run(
            command, env={**inherited, "PYTHONPATH": str(folder / "code")}, capture_output=True, text=True, check=False
        )
        if run.returncode:
            last = (run.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise ExportError(f"tflite, step crosscheck: litert-torch ended with {run.returncode}: {last[:300]}")
        return np.asarray(np.load(folder / "logits.npy"), np.float32)


def _copy_model_code(folder: Path) -> None:
    """The part of this project that rebuilds a network; not its neighbours in site-packages."""
    source = Path(__file__).parents[2] / "factory"
    for name in _MODEL_CODE:
        target = folder / "factory" / name
        if (source / name).is_dir():
            shutil.copytree(source / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _uv(command: list[str], step: str) -> None:
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        last = " ".join(run.stderr.split())[-300:]
        raise MissingToolError(f"crosscheck, {step}: {last}: check network and disk (7 GB), then {INSTALL}")
