"""What the jetson target checks beyond the gates that every target has: the static checker, the cache, engines."""

import platform
from collections.abc import Iterator
from pathlib import Path

from exporters.jetson.cache_check import cache_checks
from exporters.jetson.checker import Device, GraphReport, check_file
from exporters.jetson.engine import engine_checks
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.manifest import Check, Outcome

LEAST_COVERAGE = 95.0
"""Per cent of MACs on the DLA; what is left should be a softmax or a norm, which have none."""
_WHERE = f"host {platform.machine()}, static checker of TensorRT 8.5"


def jetson_checks(build: Path, artifacts: tuple[Artifact, ...]) -> tuple[Check, ...]:
    """Check the files as they lie in the build folder.

    Raises:
        ArtifactError: A graph or the calibration cache is missing or corrupt.
    """
    static = [check for artifact in artifacts for check in _static(build, artifact)]
    return (*static, *cache_checks(build, artifacts), *engine_checks(build, artifacts))


def _static(build: Path, artifact: Artifact) -> Iterator[Check]:
    """One check a precision that an engine is built in, and the coverage for the DLA."""
    simulated = artifact.variant == "dla" and artifact.precision is Precision.INT8_STATIC
    if simulated:
        return
    device = Device.DLA if artifact.variant == "dla" else Device.GPU
    for engine in _engines(artifact):
        report = check_file(build / artifact.path, device, engine)
        yield _clean(artifact, report)
        if report.coverage is not None and engine is Precision.FP16:
            yield _covered(artifact, report.coverage.per_cent)


def _engines(artifact: Artifact) -> tuple[Precision, ...]:
    if artifact.variant == "dla":
        return (Precision.FP16, Precision.INT8_STATIC)
    return (Precision.FP32, Precision.FP16) if artifact.precision is Precision.FP32 else (artifact.precision,)


def _clean(artifact: Artifact, report: GraphReport) -> Check:
    first = f": {report.errors[0]}" if report.errors else ""
    return Check(
        gate=f"checker.{report.device}_{report.precision}",
        target=artifact.target,
        precision=artifact.precision,
        variant=artifact.variant,
        outcome=Outcome.FAILED if report.errors else Outcome.PASSED,
        value=len(report.errors),
        relation="==",
        limit=0,
        unit="errors",
        where=_WHERE,
        note=f"{len(report.diagnostics) - len(report.errors)} warnings{first}",
    )


def _covered(artifact: Artifact, per_cent: float) -> Check:
    return Check(
        gate="checker.dla_coverage",
        target=artifact.target,
        precision=artifact.precision,
        variant=artifact.variant,
        outcome=Outcome.PASSED if per_cent >= LEAST_COVERAGE else Outcome.FAILED,
        value=per_cent,
        relation=">=",
        limit=LEAST_COVERAGE,
        unit="% of MACs",
        where=_WHERE,
        note=""
        if per_cent >= LEAST_COVERAGE
        else "factory check-onnx names what falls back to the GPU, and what to do",
    )
