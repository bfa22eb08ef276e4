"""`factory verify BUILD`: are the files those of the manifest, and do they still answer alike on this host?"""

from typing import Annotated

import typer

<<<<<<< main
import factory
from factory.cli._options import BoardOption, BuildArgument, CacheOption, DataOption, JsonOption, OldBoardOption
from factory.cli._output import print_json
=======
from factory.cli._options import BoardOption, BuildArgument, CacheOption, DataOption, JsonOption, cache_folder

if TYPE_CHECKING:
    from factory.cli.verification import Findings, HeldOut
    from factory.contracts.manifest import Accuracy, Check, Manifest
    from factory.contracts.progress import Progress

_BUILD_ONLY = "crosscheck."
"""Gates that a build runs and `verify` does not: they convert again."""
>>>>>>> verify


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
    device: OldBoardOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every hash, then parity, latency and (recordings at hand) accuracy of each artifact on this machine.

    Needs the runtimes only: neither torch nor TensorFlow.

    Example: factory verify build/demo
    """
    from factory.cli._progress import make_progress

<<<<<<< main
    opened = factory.open_build(build)
    result = factory.verify(
        opened,
        data=data,
        cache=cache,
        recordings=not without_data,
        board=board,
        update=update,
        progress=make_progress(as_json),
        check=False,
    )
    manifest = opened.manifest
=======
def _measure(
    build: Path, manifest: "Manifest", held_out: "HeldOut | None", progress: "Progress", board: str | None
) -> "Findings":
    from factory.cli.verification import Bench, verify_artifacts
    from factory.verification.golden import read_golden, require_spec

    golden = read_golden(build / "golden.npz")
    require_spec(golden, manifest.contract)
    bench = Bench(
        build=build,
        spec=manifest.contract,
        golden=golden,
        held_out=held_out,
        reference=_reference(manifest),
        latency_runs=manifest.recipe.verify.latency_runs,
        progress=progress,
        baseline=manifest.baseline,
    )
    found = verify_artifacts(bench, manifest.artifacts)
    if board is not None:
        from factory.cli.board import Board, measure_on_board, pack

        there = Board(url=board, name=manifest.name)
        bundle = pack(there, bench, manifest.artifacts, found.verifications)
        found.checks.extend(measure_on_board(there, bench, bundle).checks)
    return found


def _reference(manifest: "Manifest") -> "Accuracy | None":
    eager = (step.accuracy for step in manifest.conversion if step.subject == "eager")
    return next(eager, None)


def _update(build: Path, manifest: "Manifest", found: "Findings") -> None:
    """Replace what was measured of the artifacts; what was measured of the conversion and the student stays."""
    from factory.artifacts.manifest_io import write_manifest
    from factory.cli.provenance import provenance
    from factory.reporting.html import write_report

    kept = tuple(check for check in manifest.checks if _stays(check, manifest, found))
    renewed = manifest.model_copy(
        update={
            "verifications": tuple(found.verifications),
            "checks": kept + tuple(found.checks),
            "provenance": manifest.provenance.model_copy(update={"machine": provenance().machine}),
        }
    )
    write_manifest(build / "manifest.json", renewed)
    write_report(build, renewed, build / "report.html")


def _stays(check: "Check", manifest: "Manifest", found: "Findings") -> bool:
    """Whether a check of the build is of something that was not measured now: another target, a board's engine."""
    if check.gate.startswith(_BUILD_ONLY):
        return True
    again = {(c.gate, c.target, c.precision, c.variant) for c in found.checks}
    variants = {(artifact.target, artifact.variant) for artifact in manifest.artifacts}
    elsewhere = (check.target, check.variant) not in variants
    return elsewhere and (check.gate, check.target, check.precision, check.variant) not in again


def _show(manifest: "Manifest", found: "Findings", as_json: bool) -> None:
>>>>>>> verify
    if as_json:
        print_json(
            {
                "name": manifest.name,
                "files": "intact",
                "verifications": [seen.model_dump(mode="json") for seen in result.verifications],
                "checks": [check.model_dump(mode="json") for check in result.checks],
            }
        )
    else:
        from rich.console import Console

        from factory.cli.tables import print_artifacts

        console = Console()
        print_artifacts(console, manifest.artifacts, result.verifications, result.checks)
        files = len(manifest.files) + len(manifest.artifacts)
        console.print(f"{files} files are those of the manifest", highlight=False)
    result.require()
