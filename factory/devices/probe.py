"""What a board is, asked before anything is copied to it, and whether that is enough."""

import shlex

from pydantic import Field, ValidationError

from factory.contracts.base import Contract
from factory.contracts.device import Line, Word
from factory.contracts.errors import DeviceError, StorageError
from factory.devices.bundle import Bundle, scripts_folder
from factory.devices.options import DeviceOptions
from factory.devices.ssh import Shell, one_line

L4T_SERIES, OLDEST_PYTHON = "35.", (3, 8)
_JETPACK = "JetPack 5.1 (L4T 35.2 to 35.6) is what the graphs are made for: flash it with SDK Manager"
_ROOM = 3
"""Times the bundle's size: the tar, its unpacked copy, and engines of about the same size."""


class Probe(Contract):
    """What jetson/probe.py prints."""

    python: tuple[int, ...]
    machine: Word
    numpy: bool
    tensorrt: bool
    onnxruntime: bool
    l4t: Word | None
    power_mode: Line | None
    free_bytes: int
    missing: tuple[Word, ...] = Field(description="programs that are needed and not there")


def ask(shell: Shell, python: str) -> Probe:
    """Run jetson/probe.py there, sent as text.

    Raises:
        DeviceError: No such Python, or it prints something else.
    """
    source = (scripts_folder() / "probe.py").read_text("utf-8")
    done = shell.run(f"{shlex.quote(python)} -c {shlex.quote(source)}", "asking what it is")
    try:
        return Probe.model_validate_json(done.text.strip().splitlines()[-1])
    except (ValidationError, IndexError) as error:
        said = one_line(done.text, 200)
        raise DeviceError(
            f"{shell.url}: {python} could not be asked (exit code {done.code}: {said}): "
            "install Python 3.8 (sudo apt install python3)"
        ) from error


def require(url: str, probe: Probe, options: DeviceOptions, bundle: Bundle) -> None:
    """Refuse a board on which the bundle cannot run.

    Raises:
        DeviceError: Python, numpy, JetPack, TensorRT or a program is missing or too old; says all of them.
        StorageError: Too little room.
    """
    lacks = []
    if probe.python < OLDEST_PYTHON:
        found, oldest = (".".join(map(str, version)) for version in (probe.python, OLDEST_PYTHON))
        lacks.append(f"Python is {found}, expected {oldest} or later: JetPack 5.1 brings 3.8")
    if not probe.numpy:
        lacks.append(f"{options.python} has no numpy: sudo apt install python3-numpy")
    if probe.missing:
        lacks.append(f"no {', '.join(probe.missing)}: sudo apt install coreutils tar util-linux")
    if options.runtime == "tensorrt":
        lacks.extend(_lacks_jetpack(probe))
    elif not probe.onnxruntime:
        lacks.append(f"the stand-in needs onnxruntime in {options.python}: pip install onnxruntime")
    if lacks:
        raise DeviceError(f"{url} cannot run the bundle: {'; '.join(lacks)}")
    wanted = _ROOM * bundle.path.stat().st_size
    if probe.free_bytes < wanted:
        raise StorageError(
            f"{url}: {probe.free_bytes / 1e6:.0f} MB are free, {wanted / 1e6:.0f} MB are needed: free some there"
        )


def _lacks_jetpack(probe: Probe) -> list[str]:
    if probe.l4t is None:
        return [f"it is no Jetson ({probe.machine}, no /etc/nv_tegra_release): name a board with JetPack 5.1"]
    if not probe.l4t.startswith(L4T_SERIES):
        return [f"L4T is {probe.l4t}: {_JETPACK}"]
    return [] if probe.tensorrt else ["TensorRT is missing: sudo apt install nvidia-jetpack"]
