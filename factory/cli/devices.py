"""`factory devices`: what can answer a build's files here, and setting up the emulated arm64 device."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from factory.cli._options import BuildArgument, CacheOption, JsonOption
from factory.cli._output import print_json

app = typer.Typer(help="Devices that answer a build's files.", invoke_without_command=True)


class SetUp(StrEnum):
    """What can be set up."""

    ARM64 = "arm64"
    ANDROID = "android"


@app.callback()
def devices(context: typer.Context, cache: CacheOption = None, as_json: JsonOption = False) -> None:
    """List the devices that are here, and what the others need.

    Example: factory devices
    """
    if context.invoked_subcommand is not None:
        return
    from factory.devices.catalogue import list_devices
    from factory.pipeline.request import cache_folder

    listed = list_devices(cache_folder(cache))
    if as_json:
        print_json([asdict(line) for line in listed])
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("device", "ready", "what", "to have it")
    for line in listed:
        ready = Text("yes", "green") if line.ready else Text("no", "yellow")
        table.add_row(Text(line.name), ready, Text(line.detail), Text(line.install))
    Console().print(table)


@app.command()
def setup(
    device: Annotated[SetUp, typer.Argument(help="arm64: the wheels' runtimes; android: the AAR's library.")],
    wheels: Annotated[
        Path | None,
        typer.Option("--wheels", help="Folder of wheels to take instead of PyPI's; held to the same hashes."),
    ] = None,
    aar: Annotated[
        Path | None,
        typer.Option("--aar", help="The AAR of TensorFlow Lite to take instead of Maven Central's; the same hash."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make it anew.")] = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an emulated device: runtimes, programs, self-test; 54 MB (arm64) or 6 MB (android) to download, no root.

    Example: factory devices setup arm64
    """
    from factory.cli._progress import make_progress
    from factory.devices.android_setup import android
    from factory.devices.arm64 import require_cores
    from factory.devices.arm64_setup import arm64
    from factory.devices.setups import make
    from factory.pipeline.request import cache_folder

    progress, kind = make_progress(as_json), android(aar) if device is SetUp.ANDROID else arm64(wheels)
    progress.say(f"setting up {device} ...")
    made = make(kind, cache_folder(cache), require_cores, force)
    if as_json:
        print_json({"folder": str(made.folder), **made.record.model_dump(mode="json")})
        return
    runtimes = ", ".join(f"{package} {version}" for package, version in made.record.versions.items())
    typer.echo(f"{device} is set up in {made.folder}: QEMU {made.record.emulator}, {runtimes}")


@app.command()
def figures(build: BuildArgument) -> None:
    """Print what devices answered of a build as a Markdown table.

    Example: factory devices figures build/demo
    """
    import factory
    from factory.reporting.device_table import markdown

    typer.echo(markdown(factory.open_build(build).manifest))
