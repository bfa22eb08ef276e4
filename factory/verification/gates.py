"""Gates: measured figures against the tolerances. A gate passes, fails, or was not run; it never warns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats
from factory.contracts.errors import GateError
from factory.contracts.manifest import Accuracy, Baseline, Check, Latency, Outcome, Parity, SplitAgreement
from factory.verification.noise import ENOUGH_PEOPLE, macro_f1_low, paired_loss
from factory.verification.tolerances import (
    BASELINE_MARGIN_PP,
    FIXED_BYTES,
    FLIPS_COST,
    GROSS_CHANCE,
    HARD_DATA,
    LATENCY_NOISE,
    LEAST_FLIPS,
    STUDENT_PARAMETERS,
    USEFUL_SHARE,
    tolerance,
)

_FLIP_REMEDY = "calibrate on more windows, train more int8_epochs, or leave out the precision"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gate:
    """Whose gate, and where its figure was measured."""

    target: str
    precision: Precision | None
    where: str


def output_step(artifact: Artifact, reference: Floats) -> float:
    """One 8-bit step of the logits: the output's own scale, or for float outputs its reference's range / 255."""
    held = artifact.outputs[0].quantisation
    return held.scale[0] if held is not None else float(reference.max() - reference.min()) / 255


def judge_parity(
    target: str, precision: Precision, parity: Parity, where: str, step: float | None = None, note: str = ""
) -> list[Check]:
    """Gates on the golden pack.

    Args:
        target: Of the artifact; 'torch' or 'onnx' for a conversion check.
        precision: Of the artifact.
        parity: From `compare`.
        where: Machine and runtime.
        step: From `output_step`; None leaves out the gate in steps.
        note: Joined to checks that fail, such as the first diverging layer.
    """
    row, gate = tolerance(target, precision), _Gate(target=target, precision=precision, where=where)
    checks = []
    if row.max_abs is not None:
        checks.append(_check(gate, "parity.max_abs", parity.max_abs, "<=", row.max_abs, "logit", note))
    if row.flips is not None:
        checks.append(_check(gate, "parity.flips", parity.flips, "<=", row.flips, "windows", note))
    if row.top1 is not None:
        allowed = gross_flips(row.top1, parity.windows)
        flips = f"{parity.flips} flips, {allowed} allowed"
        note_top1 = f"{flips}; {note}" if note else flips
        limit = 1 - allowed / parity.windows
        top1 = _check(gate, "parity.top1_agreement", parity.top1_agreement, ">=", limit, "share", note_top1)
        checks.append(_remedied(top1, _FLIP_REMEDY))
    if row.mean_steps is not None and step:
        steps = parity.mean_abs / step
        checks.append(_check(gate, "parity.mean_steps", steps, "<=", row.mean_steps, "8-bit steps", note))
    return checks


def gross_flips(top1: float, windows: int) -> int:
    """Flips of a golden pack beyond which the artifact is broken, not unlucky in the windows that were drawn.

    The most that `windows` windows show in all but `GROSS_CHANCE` of draws where `HARD_DATA` times 1 - `top1` flip.
    """
    from scipy.special import bdtr

    count = np.arange(windows + 1)
    tail = bdtr(count.astype(np.float64), windows, HARD_DATA * (1 - top1))
    return max(LEAST_FLIPS, int(np.searchsorted(tail, 1 - GROSS_CHANCE)))


def judge_agreement(target: str, precision: Precision, split: SplitAgreement, where: str) -> list[Check]:
    """Agreement with the reference on the whole test split, by what flips cost.

    Where they lose windows beyond chance, `top1` of the table must hold. Where they win as many as they lose, they
    are near ties of hard recordings, and `HARD_DATA` times as many are allowed.
    """
    row, gate = tolerance(target, precision), _Gate(target=target, precision=precision, where=where)
    if row.top1 is None:
        return []
    costs = split.p_value < FLIPS_COST and split.right_to_wrong > split.wrong_to_right
    limit = row.top1 if costs else 1 - HARD_DATA * (1 - row.top1)
    note = f"flips lost {split.right_to_wrong} windows and won {split.wrong_to_right}, p = {split.p_value:.2g}"
    check = _check(gate, "parity.split_agreement", split.agreement, ">=", limit, "share", note)
    return [_remedied(check, _FLIP_REMEDY)]


def judge_worth(
    accuracy: Accuracy,
    baseline: Baseline,
    where: str,
    overlap: float,
    target: str = "student",
    precision: Precision | None = None,
) -> list[Check]:
    """Is the model worth shipping: better than chance, than a constant answer, and no worse than trees in seconds.

    Args:
        accuracy: Of the student or of an artifact, on the test split.
        baseline: Of the same windows and split.
        where: Machine and runtime.
        overlap: Windows that share a sample, from `factory.verification.agreement.overlap`.
        target: Whose accuracy it is.
        precision: Of an artifact.

    Raises:
        GateError: The two were measured on different windows or labels.
    """
    if [sum(row) for row in accuracy.confusion] != [sum(row) for row in baseline.accuracy.confusion]:
        raise GateError(
            f"{target} was measured on {accuracy.windows} windows, the baseline on {baseline.accuracy.windows} "
            "or with other labels: measure both on the same test split and label order"
        )
    gate = _Gate(target=target, precision=precision, where=where)
    return [
        _over_chance(gate, accuracy, overlap),
        _over_majority(gate, accuracy, baseline.majority),
        _over_baseline(gate, accuracy, baseline, overlap),
    ]


def _over_chance(gate: _Gate, accuracy: Accuracy, overlap: float) -> Check:
    """Answers that ignore the window reach 1 / K of K classes at most: by guessing each class at its share."""
    chance = 1 / sum(any(row) for row in accuracy.confusion)
    limit = chance + USEFUL_SHARE * (1 - chance)
    low = macro_f1_low(accuracy, overlap)
    note = f"lower end of the 95 % interval of macro-F1 {accuracy.macro_f1:.3f}; chance {chance:.3f}"
    check = _check(gate, "accuracy.over_chance", low, ">=", limit, "macro-F1", note)
    return _remedied(check, "check that labels belong to their recordings (factory data), and train longer")


def _over_majority(gate: _Gate, accuracy: Accuracy, majority: Accuracy) -> Check:
    """More windows right than the commonest class alone; that it is no luck is for `over_chance` to show."""
    gain = 100 * (accuracy.accuracy - majority.accuracy)
    note = f"accuracy {accuracy.accuracy:.3f}, always the commonest training class {majority.accuracy:.3f}"
    check = _check(gate, "accuracy.over_majority", gain, ">=", 100 / accuracy.windows, "pp", note)
    return _remedied(check, "merge or leave out the class that outweighs the others, or train longer")


def _over_baseline(gate: _Gate, accuracy: Accuracy, baseline: Baseline, overlap: float) -> Check:
    """Not below the trees by more than the margin and by more than noise."""
    loss, noise = paired_loss(accuracy, baseline.accuracy, overlap)
    people = len(accuracy.per_subject_f1)
    over = f"over {people} people" if people >= ENOUGH_PEOPLE else f"over windows of {people} people, not over people"
    note = (
        f"macro-F1 {accuracy.macro_f1:.3f}, {baseline.kind} {baseline.accuracy.macro_f1:.3f}; "
        f"noise {100 * noise:.2f} pp {over}"
    )
    limit = max(BASELINE_MARGIN_PP, 100 * noise)
    check = _check(gate, "accuracy.below_baseline", 100 * loss, "<=", limit, "pp", note)
    return _remedied(check, "train more epochs, check units and labels, or ship the trees")


def judge_accuracy(
    target: str, precision: Precision, accuracy: Accuracy, reference: Accuracy, where: str
) -> list[Check]:
    """Loss of accuracy and of macro-F1 against the reference on the same test split, percentage points.

    The limit is `drop_pp`, or what `drop_windows` windows are worth where that is more: four windows lost and none
    won is what a sign test cannot tell from chance (p = 0.06, five have 0.03). For accuracy that is 100 * 4 / N, for
    macro-F1 four windows of the smallest class.

    Raises:
        GateError: The two were measured on different splits.
    """
    truth = [sum(row) for row in accuracy.confusion]
    if truth != [sum(row) for row in reference.confusion]:
        raise GateError(
            f"{target}/{precision} was measured on {accuracy.windows} windows, its reference on {reference.windows} "
            "or with other labels: measure both on the same test split and label order"
        )
    row, gate = tolerance(target, precision), _Gate(target=target, precision=precision, where=where)
    checks = []
    for name, lost, worth in (
        (
            "accuracy.drop_pp",
            reference.accuracy - accuracy.accuracy,
            100 * row.drop_windows / accuracy.windows,
        ),
        (
            "accuracy.macro_f1_drop_pp",
            reference.macro_f1 - accuracy.macro_f1,
            window_worth_pp(truth, row.drop_windows),
        ),
    ):
        limit = max(row.drop_pp, worth)
        why = (
            f"{row.drop_windows} of {accuracy.windows} windows are worth {worth:.2f} pp" if worth > row.drop_pp else ""
        )
        checks.append(_check(gate, name, 100 * lost, "<=", limit, "pp", why))
    return checks


def judge_size(target: str, precision: Precision, size_bytes: int, fp32_bytes: int, where: str) -> list[Check]:
    """A smaller precision must be smaller: at least a tenth off the fp32 file, or it is not worth its error.

    The tenth is of what lies beyond `FIXED_BYTES`, which a small student's file cannot save on; a file that saves
    nothing fails at any size.
    """
    row = tolerance(target, precision)
    if row.size_ratio is None:
        return []
    gate = _Gate(target=target, precision=precision, where=where)
    ratio, limit = size_bytes / fp32_bytes, size_limit(row.size_ratio, fp32_bytes)
    saved = fp32_bytes - size_bytes
    remedy = f"it saves {saved} bytes: leave {precision} out of export.precisions, or enlarge the student"
    return [_check(gate, "size.ratio", ratio, "<=", limit, "of fp32", remedy if ratio > limit else "")]


def size_limit(share: float, fp32_bytes: int) -> float:
    """Largest size as a share of the whole fp32 file.

    Args:
        share: What the part beyond `FIXED_BYTES` may keep; that part is never taken to be less than half the file.
        fp32_bytes: Size of the fp32 file.
    """
    beyond = max(fp32_bytes - FIXED_BYTES, fp32_bytes / 2)
    return 1 - (1 - share) * beyond / fp32_bytes


def judge_student(parameters: int, where: str, limit: int = STUDENT_PARAMETERS) -> list[Check]:
    """The student stays a student."""
    gate = _Gate(target="student", precision=None, where=where)
    return [_check(gate, "size.parameters", parameters, "<=", limit, "parameters")]


def judge_latency(target: str, int8_static: Latency, fp32: Latency, where: str, int8_dot_product: bool) -> list[Check]:
    """int8_static must be faster than fp32, from alternating runs on one thread.

    Judged by the ratio of medians and by that of the 5th percentiles, because a busy host only ever adds time: the
    floor is what the code costs. Passed if both say faster. Failed if both say slower by more than the noise.
    Anything else was not decided on this host, and is reported as not run: neither a pass nor a break. So is a
    slower int8 on a processor without int8 dot products: it has no way to win there, and no phone is like it.

    Args:
        target: Whose files.
        int8_static: Of the quantised file.
        fp32: Of the float file.
        where: Machine and runtime.
        int8_dot_product: Whether this processor multiplies and adds int8 in one instruction, as phones do.
    """
    median, floor = int8_static.median_us / fp32.median_us, int8_static.p05_us / fp32.p05_us
    if max(median, floor) <= 1:
        outcome, note = Outcome.PASSED, ""
    elif not int8_dot_product:
        outcome, note = Outcome.NOT_RUN, "this processor has no int8 dot product: verify on one that has, or on a phone"
    elif min(median, floor) > 1 + LATENCY_NOISE:
        outcome, note = Outcome.FAILED, "int8 is no faster than fp32 here: an operator may run outside XNNPACK"
    else:
        outcome, note = Outcome.NOT_RUN, "undecided: a tie, or the host is too busy; verify again on an idle one"
    return [
        Check(
            gate="latency.int8_to_fp32",
            target=target,
            precision=Precision.INT8_STATIC,
            outcome=outcome,
            value=median,
            relation="<=",
            limit=1.0,
            unit="ratio of medians",
            where=where,
            note="; ".join(part for part in (f"5th percentiles {floor:.3f}", note) if part),
        )
    ]


def not_run(target: str, precision: Precision, where: str, why: str) -> list[Check]:
    """Every gate of an artifact whose runtime is missing: listed as not run, never as passed.

    Args:
        target: Of the artifact.
        precision: Of the artifact.
        where: The machine that could not run it.
        why: What is missing and how to get it.
    """
    row = tolerance(target, precision)
    gates = {
        "parity.max_abs": row.max_abs,
        "parity.flips": row.flips,
        "parity.top1_agreement": row.top1,
        "parity.mean_steps": row.mean_steps,
        "parity.split_agreement": row.top1,
        "accuracy.drop_pp": row.drop_pp,
        "accuracy.macro_f1_drop_pp": row.drop_pp,
        "latency.int8_to_fp32": 1.0 if precision is Precision.INT8_STATIC else None,
    }
    return [
        Check(gate=gate, target=target, precision=precision, outcome=Outcome.NOT_RUN, where=where, note=why)
        for gate, limit in gates.items()
        if limit is not None
    ]


def require(checks: list[Check]) -> None:
    """Let a build go on only if no gate broke; a gate that was not run breaks nothing.

    Raises:
        GateError: Names every failed gate with figure, limit, place and note.
    """
    failed = [c for c in checks if c.outcome is Outcome.FAILED]
    if failed:
        gates = "; ".join(_sentence(c) for c in failed)
        raise GateError(
            f"{len(failed)} of {len(checks)} gates failed: {gates}. "
            "See report.html; retrain, calibrate on more windows, or leave out the precision"
        )


def _check(
    gate: _Gate, name: str, value: float, relation: Literal["<=", ">="], limit: float, unit: str, note: str = ""
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


def _remedied(check: Check, remedy: str) -> Check:
    """A failed check says what to do."""
    if check.outcome is not Outcome.FAILED:
        return check
    return check.model_copy(update={"note": f"{check.note}: {remedy}"})


def window_worth_pp(truth: Sequence[int], windows: int) -> float:
    """Percentage points of macro-F1 that `windows` windows of the smallest class cost when all else is right.

    The smallest class of n loses F1 = 2 (n - w) / (2 n - w); the class that they are mistaken for is taken to be as
    small, and keeps 2 n / (2 n + w).

    Args:
        truth: Windows a class; classes without any do not count.
        windows: w.
    """
    present = [count for count in truth if count > 0]
    n = min(present)
    w = min(windows, n)
    return 100 / len(present) * (w / (2 * n - w) + w / (2 * n + w))


def _sentence(c: Check) -> str:
    name = "/".join(part for part in (c.target, c.precision, c.variant) if part)
    note = f", {c.note}" if c.note else ""
    if c.relation is None or c.limit is None:
        return f"{name} {c.gate} ({c.where}{note})"
    value = "not a number" if c.value is None else f"{c.value:.4g} {c.unit}".rstrip()
    return f"{name} {c.gate} is {value}, expected {c.relation} {c.limit:.4g} ({c.where}{note})"
