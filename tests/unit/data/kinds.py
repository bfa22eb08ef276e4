"""Real watch recordings written in the ways that people have them: units, names, clocks, labels, files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.progress import Silent
from factory.data.sources.watch import Watch

PEOPLE = ("ann", "ben", "cho", "dia")
LABELS = ("pendulum", "row", "trapezius")
"""Exercises in which the arm turns slowly enough for a second's mean to be gravity's."""
RATE_HZ = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Ten seconds of one person and one exercise: acc in m/s^2, gyro in rad/s, 50 Hz."""

    who: str
    label: str
    acc: NDArray[np.float64]
    gyro: NDArray[np.float64]


@cache
def pieces(seconds: int = 10) -> tuple[Piece, ...]:
    """Real movement of four people and three exercises each."""
    watch = Watch()
    found: dict[tuple[str, str], Piece] = {}
    people: list[str] = []
    for recording in watch.recordings(None, Silent()):
        label = watch.labels[int(recording.labels[0])]
        if recording.subject not in people:
            people.append(recording.subject)
        place = people.index(recording.subject)
        rows = seconds * RATE_HZ
        if place < len(PEOPLE) and label in LABELS and len(recording.samples) >= rows + 100:
            samples = recording.samples[100 : 100 + rows].astype(np.float64)
            key = (PEOPLE[place], label)
            found.setdefault(key, Piece(who=key[0], label=key[1], acc=samples[:, :3], gyro=samples[:, 3:6]))
    return tuple(found[key] for key in sorted(found))


Change = Callable[[Piece], tuple[NDArray[np.float64], NDArray[np.float64]]]


def table(
    path: Path,
    header: str = "user,activity,time_s,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z",
    *,
    values: Change = lambda piece: (piece.acc, piece.gyro),
    row: Callable[[Piece, float, int], Sequence[str]] | None = None,
    own_clock: bool = False,
) -> Path:
    """One CSV of all pieces.

    Args:
        path: Where.
        header: Of the columns.
        values: Acceleration and rotation of a piece.
        row: The cells ahead of the values: takes the piece, seconds of the person's clock, and the row's number.
        own_clock: Whether time starts anew with each piece.
    """
    ahead = row or (lambda piece, t, number: (piece.who, piece.label, f"{t:.2f}"))
    lines, clocks, number = [header], dict.fromkeys(PEOPLE, 0.0), 0
    for piece in pieces():
        acc, gyro = values(piece)
        begin = 0.0 if own_clock else clocks[piece.who]
        for index in range(len(acc)):
            cells = [f"{value:.4f}" for value in (*acc[index], *gyro[index])]
            lines.append(",".join([*ahead(piece, begin + index / RATE_HZ, number), *cells]))
            number += 1
        clocks[piece.who] = begin + len(acc) / RATE_HZ + 1.0
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def edit(path: Path, change: Callable[[int, list[str]], list[str]]) -> Path:
    """Change the cells of every data row; takes its number, from 0."""
    header, *rows = path.read_text("utf-8").splitlines()
    lines = [",".join(change(number, row.split(","))) for number, row in enumerate(rows)]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def sensor_logger(folder: Path) -> Path:
    """A folder an exercise and person, one file a sensor, each with its own clock and columns in the order z, y, x."""
    for number, piece in enumerate(pieces()):
        inside = folder / f"{piece.label}_{piece.who}-2024-09-29_08-{number:02}-00"
        inside.mkdir(parents=True)
        kernel = np.ones(RATE_HZ) / RATE_HZ
        gravity = np.stack([np.convolve(axis, kernel, "same") for axis in piece.acc.T], axis=1)
        sensors = {
            "TotalAcceleration": (piece.acc, 1.9e6),
            "Accelerometer": (piece.acc - gravity, 0),
            "Gravity": (gravity, 0),
            "Gyroscope": (piece.gyro, 3.7e6),
        }
        (inside / "Metadata.csv").write_text("version,device name\n3,Pixel 7\n")
        for name, (values, late_ns) in sensors.items():
            lines = ["time,seconds_elapsed,z,y,x"]
            for index, (x, y, z) in enumerate(values):
                stamp = 1_727_601_000_000_000_000 + number * 10**11 + index * 20_000_000 + int(late_ns)
                lines.append(f"{stamp},{index * 0.02 + late_ns * 1e-9:.4f},{z:.5f},{y:.5f},{x:.5f}")
            (inside / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder
