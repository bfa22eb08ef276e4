"""Is a model worth shipping: better than chance and a constant answer, and no worse than trees fitted in seconds."""

from factory.contracts.artifact import Precision
from factory.contracts.errors import GateError
from factory.contracts.manifest import Accuracy, Baseline, Check
from factory.verification.checks import Gate, check_of, remedied
from factory.verification.noise import ENOUGH_PEOPLE, macro_f1_low, paired_loss
from factory.verification.tolerances import BASELINE_MARGIN_PP, USEFUL_SHARE


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
    gate = Gate(target=target, precision=precision, where=where)
    return [
        _over_chance(gate, accuracy, overlap),
        _over_majority(gate, accuracy, baseline.majority),
        _over_baseline(gate, accuracy, baseline, overlap),
    ]


def _over_chance(gate: Gate, accuracy: Accuracy, overlap: float) -> Check:
    """Answers that ignore the window reach 1 / K of K classes at most: by guessing each class at its share."""
    chance = 1 / sum(any(row) for row in accuracy.confusion)
    limit = chance + USEFUL_SHARE * (1 - chance)
    low = macro_f1_low(accuracy, overlap)
    note = f"lower end of the 95 % interval of macro-F1 {accuracy.macro_f1:.3f}; chance {chance:.3f}"
    check = check_of(gate, "accuracy.over_chance", low, ">=", limit, "macro-F1", note)
    return remedied(check, "check that labels belong to their recordings (factory data), and train longer")


def _over_majority(gate: Gate, accuracy: Accuracy, majority: Accuracy) -> Check:
    """More windows right than the commonest class alone; that it is no luck is for `over_chance` to show."""
    gain = 100 * (accuracy.accuracy - majority.accuracy)
    note = f"accuracy {accuracy.accuracy:.3f}, always the commonest training class {majority.accuracy:.3f}"
    check = check_of(gate, "accuracy.over_majority", gain, ">=", 100 / accuracy.windows, "pp", note)
    return remedied(check, "merge or leave out the class that outweighs the others, or train longer")


def _over_baseline(gate: Gate, accuracy: Accuracy, baseline: Baseline, overlap: float) -> Check:
    """Not below the trees by more than the margin and by more than noise."""
    loss, noise = paired_loss(accuracy, baseline.accuracy, overlap)
    people = len(accuracy.per_subject_f1)
    over = f"over {people} people" if people >= ENOUGH_PEOPLE else f"over windows of {people} people, not over people"
    note = (
        f"macro-F1 {accuracy.macro_f1:.3f}, {baseline.kind} {baseline.accuracy.macro_f1:.3f}; "
        f"noise {100 * noise:.2f} pp {over}"
    )
    limit = max(BASELINE_MARGIN_PP, 100 * noise)
    check = check_of(gate, "accuracy.below_baseline", 100 * loss, "<=", limit, "pp", note)
    return remedied(check, "train more epochs, check units and labels, or ship the trees")
