"""An arm64 board over ssh, such as a Raspberry Pi or a Jetson's processor; pushed.py says what is asked there.

A Jetson's engines are another matter: TensorRT builds and runs them on the board itself (remote.py).
"""

import tempfile
from pathlib import Path

from factory.contracts.errors import DeviceError
from factory.contracts.progress import Silent
from factory.devices.pushed import CONNECT_S, PushedDevice
from factory.devices.setups import Setup
from factory.devices.ssh import Shell, one_line

SCHEME = "ssh"
_FACTS = {
    "machine": "uname -m",
    "model": "tr -d '\\000' < /proc/device-tree/model",
    "system": ". /etc/os-release && echo $PRETTY_NAME",
    "governor": "cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "temperature_millidegrees": "cat /sys/class/thermal/thermal_zone0/temp",
}
_EXPECTED = "aarch64"


def board(url: str, setup: Setup) -> PushedDevice:
    """The board of ssh://[user@]host[:port], not connected yet.

    Raises:
        RecipeError: Another form of address.
        MissingToolError: fabric is not installed.
    """
    return PushedDevice(SshLink(url), setup)


class SshLink:
    """One login; see `Link`."""

    store, prefix = ".cache", "smldist-device-"
    remedy = "look at the board and its network, then run again"

    def __init__(self, url: str) -> None:
        self.name = url
        self._shell = Shell(url)

    def open(self) -> None:
        """Connect, by keys and known hosts alone."""
        self._shell.__enter__()

    def close(self) -> None:
        """Hang up."""
        self._shell.__exit__(None, None, None)

    def facts(self) -> dict[str, str]:
        """Machine, model, system, clock governor and temperature, where shown."""
        facts = {}
        for name, command in _FACTS.items():
            said, code = self.shell(f"{{ {command}; }} 2>/dev/null", "asking what it is", CONNECT_S)
            if code == 0 and (value := one_line(said, 100)):
                facts[name] = value
        if (machine := facts.get("machine")) != _EXPECTED:
            raise DeviceError(
                f"{self.name} is {machine or 'unknown'}, expected {_EXPECTED}: take a 64-bit ARM board with a 64-bit "
                "system"
            )
        return facts

    def shell(self, command: str, what: str, seconds: int) -> tuple[str, int]:
        """See `Link.shell`."""
        done = self._shell.run(command, what, seconds)
        return done.text, done.code

    def push(self, path: Path, there: str, what: str) -> None:
        """See `Link.push`."""
        self._shell.send(path, there, Silent())

    def pull(self, there: str, what: str) -> bytes:
        """See `Link.pull`."""
        with tempfile.TemporaryDirectory(prefix="smldist-ssh-") as folder:
            here = Path(folder, there.rpartition("/")[2])
            self._shell.fetch(there, here)
            return here.read_bytes()
