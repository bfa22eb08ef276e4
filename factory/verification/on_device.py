"""What a device answered, measured against the host's answers, and the gates on it.

The host has judged the artifact already; here the question is whether another processor computes the same.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from factory.contracts.artifact import Artifact
from factory.contracts.dataset import Floats
from factory.contracts.manifest import Check, DeviceRun, HostDifference, OnDevice, Outcome
from factory.contracts.recipe import Core
from factory.verification.checks import Gate, check_of
from factory.verification.device_tolerances import EQUAL_LOGITS, device_tolerance
from factory.verification.parity import check_logits

COST_GATE = "instructions.cheapest"


def differ(logits: Floats, host: Floats) -> HostDifference:
    """A device's logits (N, K) against the host's (N, K) of the same file and windows.

    Raises:
        ArtifactError: Shapes differ, or a value is not finite.
    """
    check_logits(logits, host.shape)
    error = np.abs(logits.astype(np.float64) - host)
    return HostDifference(
        windows=len(host),
        max_abs=float(error.max()),
        mean_abs=float(error.mean()),
        equal=float((error.max(axis=1) <= EQUAL_LOGITS).mean()),
        flips=int((logits.argmax(axis=1) != host.argmax(axis=1)).sum()),
    )


def judge_device(artifact: Artifact, seen: OnDevice, step: float, where: str, limits: str = "") -> list[Check]:
    """Gates of one artifact on one device.

    Args:
        artifact: Whose.
        seen: What was measured.
        step: One 8-bit step of the logits, from `output_step`.
        where: Device and runtime.
        limits: What device tolerances call such files there; empty is the artifact's target.
    """
    row = device_tolerance(limits or artifact.target, artifact.precision)
    gate, found = Gate(target=artifact.target, precision=artifact.precision, where=where), seen.difference
    checks = []
    if row.max_abs is not None:
        checks.append(check_of(gate, "device.max_abs", found.max_abs, "<=", row.max_abs, "logit"))
    if row.max_steps is not None:
        steps = found.max_abs / step
        checks.append(check_of(gate, "device.max_steps", steps, "<=", row.max_steps, "8-bit steps"))
    note = f"{round((1 - found.equal) * found.windows)} of {found.windows} windows differ, {found.flips} flips"
    checks.append(check_of(gate, "device.equal", found.equal, ">=", row.equal, "share of windows", note))
    if seen.accuracy is not None and seen.host_accuracy is not None:
        lost = 100 * abs(seen.accuracy.accuracy - seen.host_accuracy)
        worth = 100 * row.drop_windows / seen.accuracy.windows
        note = (
            f"{row.drop_windows} of {seen.accuracy.windows} windows are {worth:.2f} pp" if worth > row.drop_pp else ""
        )
        limit = max(row.drop_pp, worth)
        checks.append(check_of(gate, "device.accuracy_pp", lost, "<=", limit, "pp", note))
    return [check.model_copy(update={"variant": artifact.variant}) for check in checks]


def judge_cost(runs: Sequence[DeviceRun], artifacts: Sequence[Artifact], bounds: Mapping[Core, int]) -> list[Check]:
    """The cheapest file on each core against the recipe's bound: an app ships one file, and that must fit.

    Args:
        runs: What was measured.
        artifacts: Of the build.
        bounds: `export.max_instructions`.
    """
    by_path = {artifact.path: artifact for artifact in artifacts}
    checks = []
    for core, bound in bounds.items():
        counted = [
            (seen.instructions, run, seen)
            for run in runs
            if run.device == f"arm64:{core}"
            for seen in run.artifacts
            if seen.instructions is not None and seen.subject in by_path
        ]
        if not counted:
            checks.append(_uncounted(core, bound))
            continue
        least, run, seen = min(counted, key=lambda item: item[0])
        artifact = by_path[seen.subject]
        gate = Gate(target=artifact.target, precision=artifact.precision, where=f"{run.device}, {seen.runtime}")
        check = check_of(gate, COST_GATE, least, "<=", bound, "instructions", f"export.max_instructions.{core}")
        checks.append(check.model_copy(update={"variant": artifact.variant}))
    return checks


def _uncounted(core: str, bound: int) -> Check:
    note = "nothing was counted on this core: factory devices setup arm64, then verify on arm64"
    return Check(
        gate=COST_GATE,
        target="arm64",
        outcome=Outcome.NOT_RUN,
        limit=bound,
        relation="<=",
        unit="instructions",
        where=f"arm64:{core}",
        note=note,
    )
