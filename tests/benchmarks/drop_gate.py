"""How often the gate on int8's loss of accuracy fails a build, by what the file really loses.

python -m tests.benchmarks.drop_gate [--builds 4000]

Draws flips of a test split whose windows overlap by half, so that two neighbours flip together. Beside the rule stands
the plain limit, which does not ask whether a loss may be chance.
"""

from typing import Annotated

import numpy as np
import typer

from factory.contracts.artifact import Precision
from factory.contracts.manifest import SplitAgreement
from factory.verification.agreement import loss_p_value
from factory.verification.gates import largest_drop
from factory.verification.tolerances import tolerance

_OVERLAP = 2
_WINDOWS = (974, 2947)
_FLIPS = (0.005, 0.01, 0.02)
_LOSSES_PP = (0.0, 0.3, 0.6, 1.0)


def main(builds: Annotated[int, typer.Option(min=1)] = 4000, seed: int = 0) -> None:
    """Print a row for each split and share of flips."""
    rng = np.random.default_rng(seed)
    row = tolerance("tflite", Precision.INT8_STATIC)
    typer.echo(
        "| windows | flips | true loss (pp) | fails by the plain limit | fails by the rule |\n|---|---|---|---|---|"
    )
    for windows in _WINDOWS:
        plain = max(row.drop_pp, 100 * row.drop_windows / windows)
        for flips in _FLIPS:
            for loss in _LOSSES_PP:
                if loss / 100 > flips:
                    continue
                found = [_draw(rng, windows, flips, loss / 100) for _ in range(builds)]
                lost = np.array([100 * (each.right_to_wrong - each.wrong_to_right) / windows for each in found])
                limits = [largest_drop(row, plain, pp, each)[0] for pp, each in zip(lost, found, strict=True)]
                failed, before = (lost > np.array(limits)).mean(), (lost > plain).mean()
                typer.echo(f"| {windows} | {flips:.1%} | {loss:.1f} | {before:.0%} | {failed:.0%} |")


def _draw(rng: np.random.Generator, windows: int, flips: float, loss: float) -> SplitAgreement:
    """Flips of one file: `loss` is the share that it loses more than it wins."""
    pairs = windows // _OVERLAP
    lost = int(_OVERLAP * rng.binomial(pairs, (flips + loss) / 2))
    won = int(_OVERLAP * rng.binomial(pairs, (flips - loss) / 2))
    return SplitAgreement(
        windows=windows,
        agreement=1 - (lost + won) / windows,
        right_to_wrong=lost,
        wrong_to_right=won,
        p_value=loss_p_value(lost, won, _OVERLAP),
    )


if __name__ == "__main__":
    typer.run(main)
