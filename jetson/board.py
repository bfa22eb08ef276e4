"""This board: model, L4T release, TensorRT, power mode, clocks. Reads files; changes no setting.

`root` stands for / everywhere, so that a recorded tree can be read on another machine.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

_RELEASE = re.compile(r"R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)")
_MODE = re.compile(r"Power Mode:\s*(\S+)")
_CLOCKS = {
    "cpu": "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq",
    "gpu": "sys/class/devfreq/*gv11b/cur_freq",
    "dla": "sys/class/devfreq/*nvdla*/cur_freq",
    "memory": "sys/kernel/debug/bpmp/debug/clk/emc/rate",
}


def describe(root: Path = Path("/")) -> dict[str, Any]:
    """Everything about this board that a figure depends on; None where it cannot be told."""
    return {
        "model": model(root),
        "l4t": l4t(root),
        "tensorrt": tensorrt_version(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "power_mode": power_mode(),
        "clocks_khz_or_hz": clocks(root),
    }


def model(root: Path) -> str:
    """'Jetson-AGX' as the device tree says, or the machine's architecture."""
    text = _read(root / "proc/device-tree/model")
    return " ".join(text.replace("\0", " ").split()) if text else platform.machine()


def l4t(root: Path) -> str | None:
    """L4T release such as '35.4.1'; None where there is no /etc/nv_tegra_release."""
    found = _RELEASE.search(_read(root / "etc/nv_tegra_release") or "")
    return f"{found.group(1)}.{found.group(2)}" if found else None


def tensorrt_version() -> str | None:
    """Of the Python package, else of trtexec; None without either."""
    if has_python_tensorrt():
        import tensorrt

        return str(tensorrt.__version__)
    path = trtexec()
    if path is None:
        return None
    said = run([path, "--help"])
    found = re.search(r"TensorRT[ .]*v?(\d)(\d)(\d\d)\b", said or "")
    return f"{found.group(1)}.{found.group(2)}.{int(found.group(3))}" if found else "unknown"


def has_python_tensorrt() -> bool:
    """Whether TensorRT's Python package is installed."""
    return find_spec("tensorrt") is not None


def trtexec() -> str | None:
    """The program, on the path or where JetPack puts it."""
    return shutil.which("trtexec") or shutil.which("trtexec", path="/usr/src/tensorrt/bin")


def power_mode() -> str | None:
    """As `nvpmodel -q` names it, for example MAXN; None without nvpmodel."""
    program = shutil.which("nvpmodel") or shutil.which("nvpmodel", path="/usr/sbin")
    said = run([program, "-q"]) if program else None
    found = _MODE.search(said or "")
    return found.group(1) if found else None


def clocks(root: Path) -> dict[str, list[int]]:
    """Present frequencies by unit, in the unit of their file (CPU kHz, others Hz); unreadable ones are left out."""
    found = {}
    for name, pattern in _CLOCKS.items():
        texts = [_read(path) for path in sorted(root.glob(pattern))]
        values = [int(text) for text in texts if text and text.strip().isdigit()]
        if values:
            found[name] = values
    return found


def run(command: list[str]) -> str | None:
    """Standard output and error of a program that only tells; None if it cannot be run."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=30,
            text=True,
            errors="replace",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return None
