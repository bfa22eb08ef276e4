"""What this machine is, as one line of JSON, before anything is copied to it. Any Python since 3.5 can run it.

The factory sends it over ssh as text; --root stands for /, so that a recorded tree can be read elsewhere.
"""

import argparse
import importlib.util
import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

_NEEDED = ("sha256sum", "tar", "flock")
_RELEASE = re.compile(r"R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)")


def main() -> None:
    """Print the facts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("/"), help="folder that stands for /")
    root = parser.parse_args().root
    there = {name: importlib.util.find_spec(name) is not None for name in ("numpy", "tensorrt", "onnxruntime")}
    facts = {
        "python": list(sys.version_info[:3]),
        "machine": platform.machine(),
        "numpy": there["numpy"],
        "tensorrt": there["tensorrt"] or bool(_program("trtexec", "/usr/src/tensorrt/bin")),
        "onnxruntime": there["onnxruntime"],
        "l4t": _l4t(root / "etc/nv_tegra_release"),
        "power_mode": _power_mode(),
        "free_bytes": shutil.disk_usage(str(Path.home())).free,
        "missing": [name for name in _NEEDED if not shutil.which(name)],
    }
    print(json.dumps(facts))


def _l4t(path: Path) -> Optional[str]:
    """The release, such as 35.4.1; None on a machine that is no Jetson."""
    try:
        found = _RELEASE.search(path.read_text())
    except OSError:
        return None
    return ".".join(found.groups()) if found else None


def _power_mode() -> Optional[str]:
    """As nvpmodel names it; None without nvpmodel."""
    program = _program("nvpmodel", "/usr/sbin")
    if not program:
        return None
    said = subprocess.Popen([program, "-q"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).communicate()[0]
    found = re.search(r"Power Mode:\s*(\S+)", said.decode("utf-8", "replace"))
    return found.group(1) if found else None


def _program(name: str, folder: str) -> Optional[str]:
    return shutil.which(name) or shutil.which(name, path=folder)


main()
