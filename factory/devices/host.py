"""This machine: how it is named in a manifest, and which torch device trains on it."""

import os
import platform
from pathlib import Path

from factory.contracts.errors import MissingToolError, RecipeError

DEVICES = ("auto", "cpu", "cuda", "mps")
_CPUINFO = Path("/proc/cpuinfo")
_ARM = ("aarch64", "arm64")
_X86_INT8 = ("avx512_vnni", "avx_vnni", "amx_int8")


def machine() -> str:
    """The host in one line, for example 'host x86_64, 2 CPUs, Intel(R) Xeon(R) CPU @ 2.20GHz, Linux'."""
    parts = [f"host {platform.machine()}", f"{cpu_count()} CPUs", _processor(), platform.system()]
    return ", ".join(part for part in parts if part)


def where(runtime: str) -> str:
    """Machine and runtime of a check, for example 'host x86_64, LiteRT 2.3.0'."""
    return f"host {platform.machine()}, {runtime}"


def cpu_count() -> int:
    """CPUs this process may use; fewer than the machine has in a container or under taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def int8_dot_product() -> bool:
    """Whether int8 can be fast here: VNNI or AMX on x86-64; every 64-bit ARM multiplies int8 natively."""
    if platform.machine() in _ARM:
        return True
    try:
        features = _CPUINFO.read_text("utf-8", errors="replace")
    except OSError:
        return False
    return any(feature in features for feature in _X86_INT8)


def require_device(name: str) -> None:
    """Refuse, without torch, a name that no device has.

    Raises:
        RecipeError: Lists the names there are.
    """
    if name not in DEVICES:
        raise RecipeError(f"device is '{name}': choose one of {', '.join(DEVICES)}")


def choose_device(name: str) -> str:
    """The torch device for 'auto', 'cpu', 'cuda' or 'mps'. Imports torch.

    Raises:
        RecipeError: No such kind of device.
        MissingToolError: That device is not there.
    """
    require_device(name)
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, there in available.items() if there)
    if not available[name]:
        there = ", ".join(device for device, there in available.items() if there)
        raise MissingToolError(f"torch {torch.__version__} finds no {name} device, only {there}: use --device auto")
    return name


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
