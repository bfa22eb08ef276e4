"""What the readers of official layouts share: finding the folder, reading numbers, naming channels."""

import importlib.util
import warnings
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from factory.contracts.errors import DataError, MissingToolError
from factory.contracts.window import Channel, Quantity

STANDARD_GRAVITY = 9.80665
"""m/s^2 in one g, by definition."""

_UNITS: dict[Quantity, Literal["m/s^2", "rad/s", "1"]] = {
    Quantity.ACCELEROMETER: "m/s^2",
    Quantity.LINEAR_ACCELERATION: "m/s^2",
    Quantity.GYROSCOPE: "rad/s",
    Quantity.MAGNETOMETER: "1",
    Quantity.OTHER: "1",
}


def triad(prefix: str, quantity: Quantity, placement: str, *, derived: bool = False) -> tuple[Channel, ...]:
    """Channels `<prefix>_x`, `_y`, `_z` of one sensor."""
    axes: tuple[Literal["x", "y", "z"], ...] = ("x", "y", "z")
    return tuple(
        Channel(
            name=f"{prefix}_{axis}",
            quantity=quantity,
            axis=axis,
            unit=_UNITS[quantity],
            gravity=quantity is Quantity.ACCELEROMETER,
            placement=placement,
            derived=derived,
        )
        for axis in axes
    )


def series(prefix: str, count: int) -> tuple[Channel, ...]:
    """Channels of no motion sensor, `<prefix>_1` and so on; each stands alone, so that nothing rotates them."""
    names = [f"{prefix}_{number}" for number in range(1, count + 1)]
    return tuple(
        Channel(name=name, quantity=Quantity.OTHER, axis="x", unit="1", gravity=False, placement=name) for name in names
    )


def packaged(module: str, path: str, install: str) -> Path:
    """A file that an installed package ships; the package is found, not imported.

    Raises:
        MissingToolError: It is not installed; names the command.
    """
    spec = importlib.util.find_spec(module)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (found := Path(place) / path).is_file():
            return found
    raise MissingToolError(f"{path} ships in the package {module}, which is not installed: {install}")


def find_root(name: str, folder: Path | None, below: Iterable[str], marker: str) -> Path:
    """The folder that holds `marker`: `folder` itself, or the first of the folders `below` it that does.

    Raises:
        DataError: None does; says what was expected where.
    """
    if folder is None:
        raise DataError(f"{name} reads a folder of recordings: name it with --data, or run: factory data fetch {name}")
    candidates = [folder, *(folder / part for part in below)]
    for candidate in candidates:
        if (candidate / marker).exists():
            return candidate
    places = ", ".join(str(candidate) for candidate in candidates)
    raise DataError(
        f"{name}: found no '{marker}' in any of {places}: unpack the authors' archive there, "
        f"name its folder with --data, or run: factory data fetch {name}"
    )


def require(name: str, paths: Iterable[Path]) -> list[Path]:
    """`paths`, sorted, after checking that each is a file.

    Raises:
        DataError: Names the missing ones.
    """
    found = sorted(paths)
    if missing := [path for path in found if not path.is_file()]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"{name}: {missing[0]}{more} is missing: unpack the authors' archive again")
    return found


def read_numbers(path: Path, columns: int, header: bool = False) -> NDArray[np.float64]:
    """Read a text file of numbers separated by commas or blanks.

    Returns:
        (rows, columns) float64, all finite.

    Raises:
        DataError: A row has another number of values, a value is not a number or not finite; names file and row.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    body = text.partition(b"\n")[2] if header else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            flat: NDArray[np.float64] = np.fromstring(body.replace(b",", b" ").decode("ascii"), sep=" ")
        table = flat.reshape(-1, columns)
    except (ValueError, DeprecationWarning) as error:
        raise _bad_row(path, body, columns, 2 if header else 1) from error
    rows = body.count(b"\n") + (not body.endswith(b"\n"))
    if len(table) == 0 or len(table) != rows or not np.isfinite(table).all():
        raise _bad_row(path, body, columns, 2 if header else 1)
    return table


def _bad_row(path: Path, body: bytes, columns: int, first: int) -> DataError:
    """The error that names the first row that is not `columns` finite numbers."""
    remedy = "the file is damaged or truncated: unpack the authors' archive again"
    for number, line in enumerate(body.splitlines(), first):
        values = line.replace(b",", b" ").split()
        if len(values) != columns:
            return DataError(f"{path}, row {number}: {len(values)} values, expected {columns}; {remedy}")
        try:
            finite = all(isfinite(float(value)) for value in values)
        except ValueError:
            finite = False
        if not finite:
            return DataError(f"{path}, row {number}: a value is not a finite number; {remedy}")
    return DataError(f"{path} holds no rows of numbers; {remedy}")


def index_time(samples: int, rate_hz: float) -> NDArray[np.float64]:
    """Time stamps of a recording that has none: (samples,) seconds at exactly `rate_hz`."""
    time_s: NDArray[np.float64] = np.arange(samples, dtype=np.float64) / rate_hz
    return time_s
