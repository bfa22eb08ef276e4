"""Real watch recordings written the way users write theirs: odd headers, g, deg/s, milliseconds."""

from pathlib import Path

import numpy as np

from factory.contracts.progress import Silent
from factory.data.sources.layout import STANDARD_GRAVITY
from factory.data.sources.watch import Watch

SENSORS = ("accelerometerX", "accelerometerY", "accelerometerZ", "rotationRate.x", "rotationRate.y", "rotationRate.z")


def watch_rows(subjects: int = 5, recordings: int = 25) -> list[list[str]]:
    """Rows of: user, trial, ts_ms, six values in g and deg/s, battery, activity."""
    watch = Watch()
    rows: list[list[str]] = []
    people: set[str] = set()
    taken = 0
    for recording in watch.recordings(None, Silent()):
        if len(people | {recording.subject}) > subjects or taken == recordings:
            continue
        people.add(recording.subject)
        taken += 1
        values = recording.samples / np.array([STANDARD_GRAVITY] * 3 + [np.pi / 180] * 3)
        for index in range(0, len(values)):
            cells = [f"{value:.5f}" for value in values[index]]
            label = watch.labels[recording.labels[index]]
            rows.append(
                [f"P{recording.subject}", recording.session, str(index * 20), *cells, "87", label],
            )
    return rows


def write_odd(path: Path, rows: list[list[str]], separator: str = ",", decimal: str = ".") -> Path:
    """Write rows with odd headers."""
    header = ["user_id", "trial", "ts_ms", *SENSORS, "battery", "exercise"]
    lines = [separator.join(header)]
    lines += [separator.join(cell.replace(".", decimal) for cell in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
