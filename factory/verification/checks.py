"""One check of a gate: a figure against its limit, with whose it is and where it was measured."""

import math
from dataclasses import dataclass
from typing import Literal

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.manifest import Check, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """Whose gate, and where its figure was measured."""

    target: str
    precision: Precision | None
    where: str


def check_of(
    gate: Gate, name: str, value: float, relation: Literal["<=", ">="], limit: float, unit: str, note: str = ""
) -> Check:
    """One check; a figure that is not a number fails."""
    # A share such as 1 - 5/256 is compared with one computed otherwise: the slack is far below one window.
    slack = 1e-12 * max(1.0, abs(limit))
    holds = value <= limit + slack if relation == "<=" else value >= limit - slack
    return Check(
        gate=name,
        target=gate.target,
        precision=gate.precision,
        outcome=Outcome.PASSED if holds else Outcome.FAILED,
        value=value if math.isfinite(value) else None,
        relation=relation,
        limit=limit,
        unit=unit,
        where=gate.where,
        note=note,
    )


def stated(gate: str, artifact: Artifact, outcome: Outcome, where: str, note: str) -> Check:
    """What is known of an artifact without a figure."""
    return Check(
        gate=gate,
        target=artifact.target,
        precision=artifact.precision,
        variant=artifact.variant,
        outcome=outcome,
        where=where,
        note=note,
    )


def remedied(check: Check, remedy: str) -> Check:
    """A failed check says what to do."""
    if check.outcome is not Outcome.FAILED:
        return check
    return check.model_copy(update={"note": f"{check.note}: {remedy}"})
