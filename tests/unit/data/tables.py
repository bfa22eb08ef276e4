"""Small tables on disk for the tests of the source 'table'."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from factory.contracts.table import TableDescription

HEADER = "who,run,t,ax,ay,az,gx,gy,gz,activity"
COLUMNS = HEADER.split(",")[3:9]


@dataclass(kw_only=True)
class Rows:
    """Lines of a CSV at 50 Hz, gravity on z, two activities of each subject; change and `write` them."""

    lines: list[str] = field(default_factory=list)

    @classmethod
    def moving(
        cls,
        samples: int = 400,
        *,
        gravity: float = 9.81,
        rotation: float = 1.0,
        people: Sequence[str] = ("ann", "bob"),
    ) -> "Rows":
        rng = np.random.default_rng(0)
        lines = [HEADER]
        for who in people:
            for run, activity in (("1", "rest"), ("2", "walk")):
                values = rng.normal([0, 0, gravity, 0, 0, 0], [0.1 * gravity] * 3 + [rotation] * 3, (samples, 6))
                for index, row in enumerate(values):
                    text = ",".join(f"{value:.5f}" for value in row)
                    lines.append(f"{who},{run},{index * 20},{text},{activity}")
        return cls(lines=lines)

    def replace(self, line: int, column: int, text: str) -> "Rows":
        """Set one value; `line` counts from 1 as an editor does, the header is line 1."""
        cells = self.lines[line - 1].split(",")
        cells[column] = text
        self.lines[line - 1] = ",".join(cells)
        return self

    def write(self, folder: Path, name: str = "rows.csv") -> Path:
        path = folder / name
        path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        return path


def description(**changes: object) -> TableDescription:
    """The description of `Rows.moving`, with top-level keys replaced."""
    channels = [
        {
            "column": column,
            "name": f"{'acc' if column[0] == 'a' else 'gyro'}_{column[1]}",
            "quantity": "accelerometer" if column[0] == "a" else "gyroscope",
            "axis": column[1],
            "unit": "m/s^2" if column[0] == "a" else "rad/s",
            "gravity": True if column[0] == "a" else None,
        }
        for column in COLUMNS
    ]
    values: dict[str, object] = {
        "file": "rows.csv",
        "columns": {"subject": "who", "session": "run", "timestamp": "t", "label": "activity"},
        "timestamp_unit": "ms",
        "channels": channels,
        "rate_hz": 50,
        "placement": "wrist",
        "axes": "Android's device axes",
        "labels": ["rest", "walk"],
    }
    return TableDescription.model_validate(values | changes)
