"""`verify` of a finished build: do its files agree with each other, and do they still answer alike on this machine?

Needs the runtimes only: neither torch nor TensorFlow.
"""

from dataclasses import dataclass
from pathlib import Path

from factory.artifacts.manifest_io import write_manifest
from factory.contracts.artifact import Precision
from factory.contracts.dataset import Floats, WindowSet
from factory.contracts.errors import ArtifactError, DataError, MissingToolError, RecipeError
from factory.contracts.manifest import Accuracy, Check, Manifest
from factory.contracts.progress import Progress, Silent
from factory.devices.catalogue import open_devices, require_name
from factory.devices.host import machine, where
from factory.pipeline.board import Board, measure_on_board, pack
from factory.pipeline.consistency import require_consistent, require_same_data
from factory.pipeline.devices import GATES, OnDevices, judged_again, measure_on_devices, merge_runs, with_cost
from factory.pipeline.measure import HeldOut, Measured, VerifyRequest, open_runner, verify_artifacts
from factory.pipeline.result import Build, VerifyResult
from factory.reporting.trailer import require_report
from factory.verification.accuracy import measure
from factory.verification.agreement import overlap
from factory.verification.gates import judge_accuracy, judge_parity, not_run
from factory.verification.golden import GoldenPack, read_golden
from factory.verification.measure import measure_parity
from factory.verification.worth import judge_worth

_BUILD_ONLY = "crosscheck."
"""Gates that a build runs and `verify` does not: they convert again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recordings:
    """Where to look for the recordings that a build was made from.

    Attributes:
        data: Folder of the official data sets; None looks where a package or the user's table holds them.
        cache: Folder of prepared windows.
        wanted: False verifies without them: accuracy is then not run.
    """

    data: Path | None
    cache: Path
    wanted: bool = True


def verify(
    build: Build,
    recordings: Recordings,
    board: str | None = None,
    device: str | None = None,
    update: bool = False,
    progress: Progress | None = None,
) -> VerifyResult:
    """Measure every artifact of a build again, on this machine.

    Args:
        build: From `open_build`.
        recordings: Accuracy is measured where they are at hand, and is not run elsewhere.
        board: ssh://[user@]host[:port] that builds and measures the engines of target jetson.
        device: Another processor that answers the files too, by its name in factory.devices.catalogue.
        update: Write what was measured into manifest.json and report.html.
        progress: Told of each artifact.

    Raises:
        ArtifactError: Files of the build contradict each other, or the recordings.
        DataError: There are no recordings in `data`.
        RecipeError: No such device.
        MissingToolError: The device is not set up, or went away.
    """
    if device is not None:
        require_name(device)
    told = progress if progress is not None else Silent()
    manifest = build.manifest
    golden = read_golden(build.path / "golden.npz")
    require_consistent(build, golden)
    require_report(build.report, manifest)
    held_out = _held_out(build, golden, recordings, told)
    reference = _reference(manifest)
    checks, reference_logits = _hand_off(build, golden, held_out, reference)
    request = VerifyRequest(
        build=build.path,
        spec=manifest.contract,
        golden=golden,
        held_out=held_out,
        reference=reference,
        reference_logits=reference_logits,
        baseline=manifest.baseline,
        latency_runs=manifest.recipe.verify.latency_runs,
        progress=told,
    )
    found = verify_artifacts(request, manifest.artifacts)
    found.checks.extend((*checks, *judge_worth(reference, manifest.baseline, machine(), overlap(manifest.contract))))
    if board is not None:
        there = Board(url=board, name=manifest.name)
        bundle = pack(there, request, manifest.artifacts, found.verifications)
        found.checks.extend(measure_on_board(there, request, bundle).checks)
    on_devices = _on_devices(request, manifest, device, recordings.cache)
    kept = tuple(check for check in manifest.checks if _stays(check, manifest, found, on_devices))
    result = VerifyResult(
        verifications=tuple(found.verifications),
        devices=merge_runs(manifest.devices, on_devices.runs),
        checks=kept + tuple(found.checks) + on_devices.checks,
    )
    if update:
        _update(build, result)
    return result


def _on_devices(request: VerifyRequest, manifest: Manifest, device: str | None, cache: Path) -> OnDevices:
    if device is None:
        return OnDevices()
    found = measure_on_devices(request, manifest.artifacts, open_devices(device, cache, open_runner))
    known = found.model_copy(update={"runs": merge_runs(manifest.devices, found.runs)})
    judged = with_cost(known, manifest.artifacts, manifest.recipe.export.max_instructions)
    return judged.model_copy(update={"runs": found.runs})


def _held_out(build: Build, golden: GoldenPack, recordings: Recordings, progress: Progress) -> HeldOut | None:
    """The test split of the recordings that the build was made from; None if they are not at hand."""
    from factory.data.splits import split_by_people

    windows, told = _windows(build, recordings, progress), build.manifest.data
    if windows is None:
        return None
    split = split_by_people(
        windows, told.train_subjects, told.validation_subjects, told.test_subjects, told.unlabelled_subjects
    )
    require_same_data(build, windows, split, golden)
    test = split.test
    return HeldOut(x=windows.x[test], y=windows.y[test], subject=windows.subject[test])


def _windows(build: Build, recordings: Recordings, progress: Progress) -> WindowSet | None:
    """Without `data` they still are where a package holds them, or where the user's table is unchanged."""
    from factory.data import prepare
    from factory.data.preparation import content_hash

    manifest, data, cache = build.manifest, recordings.data, recordings.cache
    if not recordings.wanted:
        return None
    try:
        found = content_hash(manifest.recipe.data, data, cache, build.path)
    except (DataError, RecipeError, MissingToolError):
        if data is None:
            return None
        raise
    if found != manifest.data.content_hash:
        raise ArtifactError(
            f"{build.path}: the recordings at hand give windows {found[:12]}, manifest.json says "
            f"{manifest.data.content_hash[:12]}: name those that it was built from with --data, or verify without any "
            "(--without-data)"
        )
    return prepare(manifest.recipe.data, data, cache, progress, base=build.path)


def _hand_off(
    build: Build, golden: GoldenPack, held_out: HeldOut | None, reference: Accuracy
) -> tuple[list[Check], Floats | None]:
    """Gates of the ONNX graph, and its logits on the test split, which stand for the network's own."""
    from exporters.onnx_runner import OnnxRunner

    try:
        with OnnxRunner(build.path / "onnx" / "model.onnx") as onnx:
            step = measure_parity("onnx", onnx.name, onnx.run, golden, Precision.FP32)
            checks = judge_parity("onnx", Precision.FP32, step.parity, where(onnx.name), note="step onnx")
            if held_out is None:
                return checks, None
            logits = onnx.run(held_out.x)
            seen = measure(logits, held_out.y, held_out.subject, build.manifest.contract.labels)
            return checks + judge_accuracy("onnx", Precision.FP32, seen, reference, where(onnx.name)), logits
    except MissingToolError as error:
        return not_run("onnx", Precision.FP32, machine(), str(error)), None


def _reference(manifest: Manifest) -> Accuracy:
    """The network's accuracy, which a consistent manifest holds.

    Raises:
        ArtifactError: It does not.
    """
    for step in manifest.conversion:
        if step.subject == "eager" and step.accuracy is not None:
            return step.accuracy
    raise ArtifactError("manifest.json has no accuracy of the network: build again")


def _update(build: Build, result: VerifyResult) -> None:
    """Replace what was measured of the artifacts; what was measured of the network before them stays."""
    from factory.reporting.html import write_report

    manifest = build.manifest
    renewed = manifest.model_copy(
        update={
            "verifications": result.verifications,
            "devices": result.devices,
            "checks": result.checks,
            "provenance": manifest.provenance.model_copy(update={"machine": machine()}),
        }
    )
    write_manifest(build.path / "manifest.json", renewed)
    write_report(build.path, renewed, build.report)


def _stays(check: Check, manifest: Manifest, found: Measured, on_devices: OnDevices) -> bool:
    """Whether a check of the build is of something that was not measured now: another device, a board's engine."""
    if check.gate.startswith(_BUILD_ONLY):
        return True
    if check.gate.startswith(GATES):
        return not judged_again(check, on_devices.runs)
    again = {(c.gate, c.target, c.precision, c.variant) for c in found.checks}
    variants = {(artifact.target, artifact.variant) for artifact in manifest.artifacts}
    elsewhere = (check.target, check.variant) not in variants
    return elsewhere and (check.gate, check.target, check.precision, check.variant) not in again
