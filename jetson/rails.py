"""Power rails of a Jetson AGX Xavier: two INA3221 on I2C, three rails each, no total.

Rails are found by their label, not by their number, which differs between releases. Channel 7 is the chip's own sum of
shunt voltages, not a rail.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

LABELS = ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V")
_NOT_A_RAIL = "7"
_LABEL = re.compile(r"^in(\d+)_label$")


@dataclass(frozen=True)
class Rail:
    """One measured supply."""

    label: str
    millivolt: Path
    milliampere: Path

    def milliwatt(self) -> float:
        """Present power."""
        return int(self.millivolt.read_text()) * int(self.milliampere.read_text()) / 1000


@dataclass(frozen=True)
class Found:
    """The rails of a board; `trouble` says why their sum would not be the board's power, empty if it is."""

    rails: list[Rail]
    trouble: str


def find(root: Path) -> Found:
    """Every rail under `root`, which stands for /, by label."""
    rails = []
    for label_file in sorted(root.glob("sys/bus/i2c/devices/*/hwmon/hwmon*/in*_label")):
        number = _LABEL.match(label_file.name)
        if number is None or number.group(1) == _NOT_A_RAIL:
            continue
        folder, label = label_file.parent, label_file.read_text().strip()
        if label in LABELS:
            values = folder / f"in{number.group(1)}_input", folder / f"curr{number.group(1)}_input"
            rails.append(Rail(label, *values))
    labels = [rail.label for rail in rails]
    missing = [label for label in LABELS if label not in labels]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if missing:
        return Found(rails, f"no rail {', '.join(missing)}: a sum without it would be too small")
    if twice:
        return Found(rails, f"rail {', '.join(twice)} is there more than once: a sum would count it twice")
    return Found(rails, "")


class Sampler:
    """Reads all rails over and over while its with-block runs."""

    def __init__(self, rails: list[Rail], interval_s: float = 0.02) -> None:
        self._rails, self._interval_s = rails, interval_s
        self._samples: list[dict[str, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def mean_mw(self) -> dict[str, float]:
        """Mean power of each rail in milliwatts, after the block."""
        count = len(self._samples)
        return {rail.label: sum(sample[rail.label] for sample in self._samples) / count for rail in self._rails}

    def _read(self) -> None:
        while True:
            self._samples.append({rail.label: rail.milliwatt() for rail in self._rails})
            if self._stop.wait(self._interval_s):
                return


def idle(rails: list[Rail], seconds: float) -> dict[str, float]:
    """Mean power of each rail while this process only samples, as it does under load."""
    with Sampler(rails) as sampler:
        time.sleep(seconds)
    return sampler.mean_mw()


def energy_mj(idle_mw: float, load_mw: float, seconds: float, inferences: int) -> float:
    """Millijoules of one inference: what it adds to idling. A milliwatt for a second is a millijoule."""
    return (load_mw - idle_mw) * seconds / inferences
