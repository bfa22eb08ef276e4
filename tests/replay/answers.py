"""Makes answers.json, what Python and Kotlin must both compute from logits: `python -m tests.replay.answers`."""

import json
from pathlib import Path

import numpy as np

from factory.contracts.answers import known, probabilities
from factory.contracts.files import atomic_write
from factory.contracts.window import Rejection
from tests.replay.vectors import FOLDER

ANSWERS = FOLDER.parent / "answers.json"
CASES = (
    Rejection(),
    Rejection(temperature=0.5, threshold=0.7),
    Rejection(temperature=2.5, threshold=0.45),
    Rejection(temperature=10.0, threshold=0.35),
    Rejection(threshold=0.999),
)
_CLEAR = 1e-4
"""No probability lies nearer to a threshold: rounding decides nothing."""


def make_answers() -> list[dict[str, object]]:
    """Each case with logits, probabilities and labels by number; None is unknown."""
    logits = np.random.default_rng(12).normal(scale=3, size=(20, 4)).astype(np.float32).round(4)
    logits[0] = (80, -80, 0, 79.5)
    logits[1] = 0
    found: list[dict[str, object]] = []
    for case in CASES:
        shares = probabilities(logits, case)
        assert np.abs(shares.max(axis=1) - case.threshold).min() > _CLEAR, case
        answers = [
            int(row) if believed else None
            for row, believed in zip(shares.argmax(axis=1), known(shares, case), strict=True)
        ]
        found.append(
            {
                "rejection": case.model_dump(),
                "logits": logits.tolist(),
                "probabilities": [[round(value, 7) for value in row] for row in shares.tolist()],
                "answers": answers,
            }
        )
    return found


def main(out: Path = ANSWERS) -> None:
    """Write the file."""
    with atomic_write(out) as path:
        path.write_text(json.dumps(make_answers(), indent=1) + "\n")


if __name__ == "__main__":
    main()
