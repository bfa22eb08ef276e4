"""Gates: measured figures against the tolerances. A gate passes, fails, or was not run; it never warns."""

from collections.abc import Sequence

import numpy as np

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats
from factory.contracts.errors import GateError
from factory.contracts.manifest import Accuracy, Check, Latency, Outcome, Parity, SplitAgreement
from factory.verification.checks import Gate, check_of, remedied
from factory.verification.tolerances import (
    FIXED_BYTES,
    FLIPS_COST,
    GROSS_CHANCE,
    HARD_DATA,
    LATENCY_NOISE,
    LEAST_FLIPS,
    LUCK,
    STUDENT_PARAMETERS,
    Tolerance,
    tolerance,
)

_FLIP_REMEDY = "calibrate on more windows, train more int8_epochs, or leave out the precision"


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
    row, gate = tolerance(target, precision), Gate(target=target, precision=precision, where=where)
    checks = []
    if row.max_abs is not None:
        checks.append(check_of(gate, "parity.max_abs", parity.max_abs, "<=", row.max_abs, "logit", note))
    if row.flips is not None:
        checks.append(check_of(gate, "parity.flips", parity.flips, "<=", row.flips, "windows", note))
    if row.top1 is not None:
        allowed = gross_flips(row.top1, parity.windows)
        flips = f"{parity.flips} flips, {allowed} allowed"
        note_top1 = f"{flips}; {note}" if note else flips
        limit = 1 - allowed / parity.windows
        top1 = check_of(gate, "parity.top1_agreement", parity.top1_agreement, ">=", limit, "share", note_top1)
        checks.append(remedied(top1, _FLIP_REMEDY))
    if row.mean_steps is not None and step:
        steps = parity.mean_abs / step
        checks.append(check_of(gate, "parity.mean_steps", steps, "<=", row.mean_steps, "8-bit steps", note))
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
    row, gate = tolerance(target, precision), Gate(target=target, precision=precision, where=where)
    if row.top1 is None:
        return []
    limit = row.top1 if _cost(split) else 1 - HARD_DATA * (1 - row.top1)
    check = check_of(gate, "parity.split_agreement", split.agreement, ">=", limit, "share", _flips(split))
    return [remedied(check, _FLIP_REMEDY)]


def _cost(split: SplitAgreement) -> bool:
    """Whether flips lose more windows than they win, and more than chance does."""
    return split.p_value < FLIPS_COST and split.right_to_wrong > split.wrong_to_right


def _flips(split: SplitAgreement) -> str:
    return f"flips lost {split.right_to_wrong} windows and won {split.wrong_to_right}, p = {split.p_value:.2g}"


def judge_accuracy(
    target: str,
    precision: Precision,
    accuracy: Accuracy,
    reference: Accuracy,
    where: str,
    split: SplitAgreement | None = None,
) -> list[Check]:
    """Loss of accuracy and of macro-F1 against the reference on the same test split, percentage points.

    The limit is `drop_pp`, or what `drop_windows` windows are worth where that is more: four windows lost and none
    won is what a sign test cannot tell from chance (p = 0.06, five have 0.03). For accuracy that is 100 * 4 / N, for
    macro-F1 four windows of the smallest class. Where a precision may flip windows, McNemar's test cannot tell its loss
    from chance and the table's agreement holds, the limit is `LUCK` times that.

    Args:
        target: Of the artifact; 'torch' or 'onnx' for a conversion check.
        precision: Of the artifact.
        accuracy: Of the artifact.
        reference: Of the reference network.
        where: Machine and runtime.
        split: Flips on the same test split; None judges by the plain limit.

    Raises:
        GateError: The two were measured on different splits.
    """
    truth = [sum(row) for row in accuracy.confusion]
    if truth != [sum(row) for row in reference.confusion]:
        raise GateError(
            f"{target}/{precision} was measured on {accuracy.windows} windows, its reference on {reference.windows} "
            "or with other labels: measure both on the same test split and label order"
        )
    row, gate = tolerance(target, precision), Gate(target=target, precision=precision, where=where)
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
        if split is not None:
            limit, luck = largest_drop(row, limit, 100 * lost, split)
            why = luck or why
        checks.append(check_of(gate, name, 100 * lost, "<=", limit, "pp", why))
    return checks


def largest_drop(row: Tolerance, limit: float, lost_pp: float, split: SplitAgreement) -> tuple[float, str]:
    """The limit of a loss, and why it is `LUCK` times as much, if it is.

    Args:
        row: Of the table.
        limit: The plain one, percentage points.
        lost_pp: What was lost.
        split: The flips that it came of.
    """
    may_be_luck = row.top1 is not None and split.agreement >= row.top1 and not _cost(split)
    if lost_pp <= limit or not may_be_luck:
        return limit, ""
    return LUCK * limit, f"more than {limit:.2f} pp, but {_flips(split)}: may be chance"


def judge_size(target: str, precision: Precision, size_bytes: int, fp32_bytes: int, where: str) -> list[Check]:
    """A smaller precision must be smaller: at least a tenth off the fp32 file, or it is not worth its error.

    The tenth is of what lies beyond `FIXED_BYTES`, which a small student's file cannot save on; a file that saves
    nothing fails at any size.
    """
    row = tolerance(target, precision)
    if row.size_ratio is None:
        return []
    gate = Gate(target=target, precision=precision, where=where)
    ratio, limit = size_bytes / fp32_bytes, size_limit(row.size_ratio, fp32_bytes)
    saved = fp32_bytes - size_bytes
    remedy = f"it saves {saved} bytes: leave {precision} out of export.precisions, or enlarge the student"
    return [check_of(gate, "size.ratio", ratio, "<=", limit, "of fp32", remedy if ratio > limit else "")]


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
    gate = Gate(target="student", precision=None, where=where)
    return [check_of(gate, "size.parameters", parameters, "<=", limit, "parameters")]


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
