"""A replay vector on disk: contract.json, events.csv and expected.json in one folder.

events.csv is one event a row in order of arrival: Android's sensor type, time stamp in ns, three values in SI units.
expected.json holds the windows (N, T, C) as base64 of little-endian float32, and their start times.
"""

import base64
import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from factory.contracts.dataset import Floats, Ints
from factory.contracts.files import atomic_write
from factory.contracts.window import Quantity, SensorContract
from factory.data.streams import Events, LiveWindows

FOLDER = Path(__file__).parents[2] / "android_demo/sensing/src/test/resources/replay"
ANDROID_TYPES = {Quantity.ACCELEROMETER: 1, Quantity.GYROSCOPE: 4}
"""TYPE_ACCELEROMETER and TYPE_GYROSCOPE of android.hardware.Sensor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrivals:
    """Events of all sensors in order of arrival.

    Attributes:
        kind: (E,) Android's sensor types.
        time_ns: (E,) int64.
        values: (E, 3) float32, SI units.
    """

    kind: Ints
    time_ns: Ints
    values: Floats

    def by_sensor(self) -> dict[Quantity, Events]:
        """Each sensor's events, in order of arrival."""
        return {
            quantity: Events(time_ns=self.time_ns[self.kind == kind], values=self.values[self.kind == kind])
            for quantity, kind in ANDROID_TYPES.items()
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Vector:
    """One replay: what comes in, and the windows that must come out."""

    contract: SensorContract
    max_gap_s: float
    reorder_ns: int
    arrivals: Arrivals
    x: Floats
    start_ns: Ints
    dropped: dict[str, dict[str, int]]


def write_vector(folder: Path, vector: Vector) -> None:
    """Write the three files."""
    expected = {
        "max_gap_s": vector.max_gap_s,
        "reorder_ns": vector.reorder_ns,
        "dropped": vector.dropped,
        "start_ns": vector.start_ns.tolist(),
        "windows": base64.b64encode(np.ascontiguousarray(vector.x.transpose(0, 2, 1), "<f4").tobytes()).decode(),
    }
    with atomic_write(folder / "contract.json") as path:
        path.write_text(vector.contract.model_dump_json(indent=2) + "\n")
    with atomic_write(folder / "expected.json") as path:
        path.write_text(json.dumps(expected, indent=2) + "\n")
    with atomic_write(folder / "events.csv") as path, path.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["type", "time_ns", "x", "y", "z"])
        columns = (vector.arrivals.kind, vector.arrivals.time_ns, vector.arrivals.values)
        for kind, time_ns, values in zip(*columns, strict=True):
            writer.writerow([kind, time_ns, *(f"{value:.4f}" for value in values)])


def read_vector(folder: Path) -> Vector:
    """Read the three files."""
    contract = SensorContract.model_validate_json((folder / "contract.json").read_text())
    expected = json.loads((folder / "expected.json").read_text())
    with (folder / "events.csv").open(newline="") as handle:
        rows = list(csv.reader(handle))[1:]
    window = contract.window
    flat = np.frombuffer(base64.b64decode(expected["windows"]), "<f4")
    return Vector(
        contract=contract,
        max_gap_s=expected["max_gap_s"],
        reorder_ns=expected["reorder_ns"],
        arrivals=Arrivals(
            kind=np.array([row[0] for row in rows], np.int64),
            time_ns=np.array([row[1] for row in rows], np.int64),
            values=np.array([row[2:] for row in rows], np.float32),
        ),
        x=flat.reshape(-1, window.length, len(window.channels)).transpose(0, 2, 1),
        start_ns=np.array(expected["start_ns"], np.int64),
        dropped=expected["dropped"],
    )


def counted(windows: LiveWindows) -> dict[str, dict[str, int]]:
    """Dropped events, as expected.json holds them."""
    drops: Mapping[Quantity, Mapping[str, int]] = windows.dropped
    return {str(quantity): dict(reasons) for quantity, reasons in drops.items()}
