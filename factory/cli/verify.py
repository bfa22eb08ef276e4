"""`factory verify BUILD`: are the files those of the manifest, and do they still answer alike on this host?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import factory
from factory.cli._options import BoardOption, BuildArgument, CacheOption, DataOption, JsonOption, VerifierOption
from factory.cli._output import print_json
from factory.contracts.errors import FactoryError, describe

if TYPE_CHECKING:
    from factory.contracts.manifest import Manifest


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
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            help="STORE, STORE/NAME@1.2.0 or NAME@1.2.0: a published model. A build that loses more than its recipe's "
            "verify.max_drop_pp, or lacks a published file, breaks a gate.",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write every gate as JUnit XML.", show_default=False)
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", help="Append a Markdown summary, as to $GITHUB_STEP_SUMMARY.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every hash, then parity, latency and (recordings at hand) accuracy of each artifact on this machine.

    Needs the runtimes only: neither torch nor TensorFlow.

    Example: factory verify build/demo --baseline models --junit verify.xml --summary verify.md
    """
    from factory.cli._progress import make_progress

    with _failure_reported(build.name, junit, summary):
        opened = factory.open_build(build)
        result = factory.verify(
            opened,
            data=data,
            cache=cache,
            recordings=not without_data,
            board=board,
            device=device,
            baseline=baseline,
            update=update,
            progress=make_progress(as_json),
            check=False,
        )
    _report(opened.manifest, result, junit, summary)
    if as_json:
        _print_json(opened.manifest, result)
    else:
        _print(opened.manifest, result)
    result.require()


def _print_json(manifest: "Manifest", result: "factory.VerifyResult") -> None:
    print_json(
        {
            "name": manifest.name,
            "files": "intact",
            "verifications": [seen.model_dump(mode="json") for seen in result.verifications],
            "devices": [run.model_dump(mode="json") for run in result.devices],
            "checks": [check.model_dump(mode="json") for check in result.checks],
        }
    )


def _print(manifest: "Manifest", result: "factory.VerifyResult") -> None:
    from rich.console import Console

    from factory.cli.tables import print_artifacts, print_devices

    console = Console()
    print_artifacts(console, manifest.artifacts, result.verifications, result.checks)
    print_devices(console, manifest.artifacts, result.devices)
    files = len(manifest.files) + len(manifest.artifacts)
    console.print(f"{files} files are those of the manifest", highlight=False)


def _report(manifest: "Manifest", result: "factory.VerifyResult", junit: Path | None, summary: Path | None) -> None:
    from factory.reporting.junit import junit_xml
    from factory.reporting.summary import summary_of

    if junit is not None:
        _write(junit, junit_xml(manifest.name, result.checks))
    if summary is not None:
        _append(summary, summary_of(manifest, result.verifications, result.checks))


@contextmanager
def _failure_reported(name: str, junit: Path | None, summary: Path | None) -> Iterator[None]:
    """A build that cannot be verified is an error in the reports, too."""
    try:
        yield
    except FactoryError as error:
        from factory.reporting.junit import junit_xml
        from factory.reporting.summary import failed_summary

        line, _ = describe(error)
        if junit is not None:
            _write(junit, junit_xml(name, (), line))
        if summary is not None:
            _append(summary, failed_summary(name, line))
        raise


def _write(path: Path, content: bytes) -> None:
    from factory.contracts.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def _append(path: Path, text: str) -> None:
    """Others write to the same summary, before and after."""
    from factory.contracts.files import storage_errors

    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as content:
            content.write(text)
