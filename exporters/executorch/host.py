"""The runtime that phones and boards have, on this host: a C++ program over the executorch wheel, without torch.

Built on demand, once for each version of runtime, compiler and source, into the user's cache.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from exporters.executorch.runner import installed_version
from exporters.executorch.trailer import require_checksum
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.files import storage_errors

_SOURCE = Path(__file__).with_name("host_runner")
_TOOLS = ("cmake", "c++")


def torch_free_logits(pte: Path, windows: Floats) -> Floats:
    """Logits (N, K) of windows (N, C, T) in SI units, by the C++ runtime.

    Args:
        pte: A file of this target; its digest is checked first, because the runtime trusts what it reads.
        windows: At least one.

    Raises:
        ArtifactError: The file is missing or changed, or the runtime refused it or the windows' shape.
        MissingToolError: cmake, a C++ compiler or the executorch wheel is missing.
        StorageError: The cache is full or not writable.
    """
    try:
        require_checksum(pte.read_bytes(), str(pte))
    except FileNotFoundError as error:
        raise ArtifactError(f"{pte} is missing: build the target again") from error
    program = host_runner(_cache())
    with tempfile.TemporaryDirectory(prefix="smldist-executorch-") as folder:
        given, result = Path(folder, "windows.f32"), Path(folder, "logits.f32")
        given.write_bytes(np.ascontiguousarray(windows, np.float32).tobytes())
        command = [str(program), str(pte), str(given), str(result)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            last = (run.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise ArtifactError(f"{pte} fails in the C++ runtime (exit status {run.returncode}): {last[:200]}")
        logits = np.frombuffer(result.read_bytes(), np.float32)
    if logits.size == 0 or logits.size % len(windows):
        raise ArtifactError(f"{pte}: {logits.size} logits for {len(windows)} windows: their shape is not the model's")
    return logits.reshape(len(windows), -1)


def host_runner(cache: Path) -> Path:
    """The program, built if this cache has none for this runtime, compiler and source.

    Raises:
        MissingToolError: A tool is missing or the build failed; names the step.
        StorageError: The cache is not writable.
    """
    package = _wheel()
    program = cache / f"host_runner-{_key(package)}"
    if program.is_file():
        return program
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        raise MissingToolError(
            f"{', '.join(missing)} missing, needed once to build the torch-free runner: apt install cmake g++"
        )
    with storage_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=cache) as folder:
            configure = ["cmake", "-S", str(_SOURCE), "-B", folder, f"-Dexecutorch_DIR={package / 'share/cmake'}"]
            _step(configure, "configuring")
            _step(["cmake", "--build", folder], "compiling")
            Path(folder, "host_runner").replace(program)
    return program


def _wheel() -> Path:
    spec = find_spec("executorch")
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError("ExecuTorch is missing: pip install 'smldist-factory[executorch]'")
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def _key(package: Path) -> str:
    """What decides the program: its source, the runtime and where it lies (the program holds that path)."""
    digest = hashlib.sha256(f"{installed_version()} {package} {platform.platform()}".encode())
    for path in sorted(_SOURCE.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("smldist-factory", appauthor=False) / "executorch"


def _step(command: list[str], step: str) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if run.returncode:
        last = " ".join((run.stderr or run.stdout).split())[-300:]
        raise MissingToolError(f"torch-free runner, {step}: {last}: check cmake (3.24 or newer) and the C++ compiler")
