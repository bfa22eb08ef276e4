"""Peak memory of preparing a generated table: python tests/benchmarks/prepare_memory.py --gigabytes 2.

Prints seconds and the peak resident memory of the process that prepared it, which is not the one that generated it.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

DESCRIPTION = """
file = "rows.csv"
timestamp_unit = "ms"
rate_hz = 50
placement = "wrist"
axes = "Android's device axes"
columns = { subject = "who", session = "session", timestamp = "t", label = "activity" }
labels = ["rest", "walk"]
"""
_CHANNEL = """
[[channels]]
column = "{0}"
name = "{0}"
quantity = "{1}"
axis = "{2}"
unit = "{3}"
"""


def describe(folder: Path) -> None:
    """Write rows.toml, the description of `generate`'s file."""
    text = DESCRIPTION
    for axis in "xyz":
        text += _CHANNEL.format(f"acc_{axis}", "accelerometer", axis, "m/s^2") + "gravity = true\n"
    for axis in "xyz":
        text += _CHANNEL.format(f"gyro_{axis}", "gyroscope", axis, "rad/s")
    (folder / "rows.toml").write_text(text)


def generate(folder: Path, size: int, *, layout: str) -> None:
    """Write rows.csv of at least `size` bytes.

    Args:
        folder: Where to.
        size: Bytes.
        layout: 'interleaved' changes the person every row, 'sorted' gives 8 people one after the other, 'single' is one
            recording of one person.
    """
    rng = np.random.default_rng(0)
    rows = 20_000
    values = rng.normal([0, 0, 9.81, 0, 0, 0], 0.5, (rows, 6))
    body = [",".join(f"{value:.6f}" for value in row) for row in values]
    written = block = 0
    with (folder / "rows.csv").open("w", encoding="utf-8") as handle:
        handle.write("who,session,t,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,activity\n")
        while written < size:
            lines = []
            for index, text in enumerate(body):
                row = block * rows + index
                # Time stamps off the grid, so that interpolation runs too.
                place, tick = (row % 8, row // 8) if layout == "interleaved" else (min(8 * written // size, 7), row)
                who = "p0" if layout == "single" else f"p{place}"
                label = "walk" if tick // 3000 % 2 else "rest"
                lines.append(f"{who},s,{tick * 20 + tick % 3},{text},{label}\n")
            written += handle.write("".join(lines))
            block += 1


def prepare_here(folder: Path) -> None:
    """Prepare the table in `folder` and print windows, seconds and peak memory."""
    from factory.contracts.progress import Silent
    from factory.contracts.recipe import DataRecipe
    from factory.data import prepare

    began = time.perf_counter()
    recipe = DataRecipe(source="table", description="rows.toml")
    windows = prepare(recipe, None, folder / "cache", Silent(), base=folder)
    # Not getrusage: a process inherits the peak of the one that started it.
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(f"{len(windows.y)} windows {time.perf_counter() - began:.1f} s {peak:.0f} MiB")  # noqa: T201


def main(
    gigabytes: Annotated[float, typer.Option(help="size of the generated CSV")] = 2.0,
    layout: Annotated[str, typer.Option(help="interleaved, sorted or single")] = "interleaved",
    only_prepare: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Generate a table, prepare it in a fresh process, print its peak memory."""
    if only_prepare is not None:
        prepare_here(only_prepare)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        describe(folder)
        generate(folder, int(gigabytes * 1e9), layout=layout)
        size = (folder / "rows.csv").stat().st_size
        typer.echo(f"{layout}: {size / 1e9:.2f} GB of CSV")
        subprocess.run([sys.executable, __file__, "--only-prepare", str(folder)], check=True)


if __name__ == "__main__":
    typer.run(main)
