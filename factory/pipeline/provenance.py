"""Which tool, packages, machine and commit made a build."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import factory
from factory.contracts.manifest import Provenance
from factory.devices.host import machine

PACKAGES = (
    "numpy",
    "pydantic",
    "scipy",
    "torch",
    "onnx",
    "onnxruntime",
    "onnx2tf",
    "tensorflow",
    "ai-edge-litert",
    "seglearn",
)
_GIT_SECONDS = 10


def versions(*packages: str) -> dict[str, str]:
    """Installed versions, without importing anything; packages that are not installed are left out."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def provenance() -> Provenance:
    """Of this process, now."""
    return Provenance(
        factory=factory.__version__,
        git=git_state(Path(factory.__file__).parent),
        python=platform.python_version(),
        machine=machine(),
        packages=versions(*PACKAGES),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def git_state(folder: Path) -> str:
    """Commit of the checkout that `folder` is part of, '+dirty' if tracked files changed, 'none' outside of one."""
    tracked = _git(folder, "ls-files", "--error-unmatch", "__init__.py")
    commit = _git(folder, "rev-parse", "HEAD") if tracked else None
    if not commit:
        return "none"
    return commit + ("+dirty" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
