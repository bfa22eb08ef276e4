"""`factory verify BUILD`: are the files those of the manifest, and do they still answer alike on this host?"""

from typing import Annotated

import typer

import factory
from factory.cli._options import BoardOption, BuildArgument, CacheOption, DataOption, JsonOption, VerifierOption
from factory.cli._output import print_json


def verify(
    build: BuildArgument,
    data: DataOption = None,
    cache: CacheOption = None,
    without_data: Annotated[
        bool, typer.Option("--without-data", help="Do not look for the recordings: accuracy is then not run.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Write what was measured into manifest.json and report.html.")
    ] = False,
    board: BoardOption = None,
    device: VerifierOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every hash, then parity, latency and (recordings at hand) accuracy of each artifact on this machine.

    Needs the runtimes only: neither torch nor TensorFlow.

    Example: factory verify build/demo
    """
    from factory.cli._progress import make_progress

    opened = factory.open_build(build)
    result = factory.verify(
        opened,
        data=data,
        cache=cache,
        recordings=not without_data,
        board=board,
        device=device,
        update=update,
        progress=make_progress(as_json),
        check=False,
    )
    manifest = opened.manifest
    if as_json:
        print_json(
            {
                "name": manifest.name,
                "files": "intact",
                "verifications": [seen.model_dump(mode="json") for seen in result.verifications],
                "devices": [run.model_dump(mode="json") for run in result.devices],
                "checks": [check.model_dump(mode="json") for check in result.checks],
            }
        )
    else:
        from rich.console import Console

        from factory.cli.tables import print_artifacts, print_devices

        console = Console()
        print_artifacts(console, manifest.artifacts, result.verifications, result.checks)
        print_devices(console, manifest.artifacts, result.devices)
        files = len(manifest.files) + len(manifest.artifacts)
        console.print(f"{files} files are those of the manifest", highlight=False)
    result.require()
