"""What of a golden pack goes to a phone."""

import numpy as np

from factory.pipeline.android import self_test_windows, subset
from factory.verification.golden import GoldenPack


def _golden() -> GoldenPack:
    rng = np.random.default_rng(0)
    return GoldenPack(
        x=rng.normal(size=(6, 3, 8)).astype(np.float32),
        y=np.array([0, 0, 1, 1, 0, 1], np.int64),
        kind=np.array(["easy", "low_motion", "easy", "boundary", "saturated", "easy"]),
        index=np.arange(6),
        logits=rng.normal(size=(6, 2)).astype(np.float32),
        labels=("walk", "sit"),
        spec_hash="0" * 64,
    )


def test_self_test_windows_hold_every_class_and_every_kind() -> None:
    assert self_test_windows(_golden()).tolist() == [0, 1, 2, 3, 4]


def test_a_subset_keeps_rows_together() -> None:
    golden = _golden()
    some = subset(golden, np.array([4, 2]))
    assert np.array_equal(some.x, golden.x[[4, 2]])
    assert np.array_equal(some.logits, golden.logits[[4, 2]])
    assert some.kind.tolist() == ["saturated", "easy"]
