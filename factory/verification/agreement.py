"""What an artifact's flips cost on the whole test split: agreement with the reference, and a paired test.

Most flips of a sound artifact are near ties, which rounding turns right as often as wrong. Their number says how hard
the recordings are; whether they cost anything is what McNemar's test asks (Dietterich 1998, on comparing classifiers).

Shape legend: N windows, K classes.
"""

from factory.contracts.dataset import Floats, Ints
from factory.contracts.manifest import SplitAgreement
from factory.contracts.window import WindowSpec
from factory.verification.parity import check_logits


def overlap(spec: WindowSpec) -> float:
    """How many windows share a sample, at least 1: N windows count as N / overlap independent ones."""
    return max(1.0, spec.length / spec.hop)


def compare_split(logits: Floats, reference: Floats, y: Ints, spec: WindowSpec) -> SplitAgreement:
    """Agreement of (N, K) logits with (N, K) reference logits, and what its flips do to accuracy.

    Args:
        logits: Of the artifact.
        reference: Of the reference network, same windows.
        y: (N,) true class.
        spec: Whose windows; says how far they overlap.

    Raises:
        ArtifactError: Shapes differ, or a value is not finite.
    """
    check_logits(logits, (len(y), len(spec.labels)))
    check_logits(reference, logits.shape, "reference logits")
    got, expected = logits.argmax(axis=1), reference.argmax(axis=1)
    lost = int(((expected == y) & (got != y)).sum())
    won = int(((expected != y) & (got == y)).sum())
    return SplitAgreement(
        windows=len(y),
        agreement=float((got == expected).mean()),
        right_to_wrong=lost,
        wrong_to_right=won,
        p_value=loss_p_value(lost, won, overlap(spec)),
    )


def loss_p_value(lost: int, won: int, overlapping: float) -> float:
    """One-sided exact McNemar test: P(X >= lost) of X ~ Binomial(lost + won, 1/2).

    Overlapping windows flip together, so both counts are divided by `overlapping`, and the binomial tail is taken as
    the incomplete beta function, which is the same for whole counts and defined between them.
    """
    from scipy.special import betainc

    return float(betainc(lost / overlapping, won / overlapping + 1, 0.5)) if lost else 1.0
