import math

import numpy as np
import pytest

from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError
from factory.verification.parity import assert_parity, compare, wilson


@pytest.fixture
def reference() -> Floats:
    return np.random.default_rng(0).normal(0, 3, (200, 6)).astype(np.float32)


def test_identical_logits_are_exact(reference: Floats) -> None:
    parity = compare(reference.copy(), reference)
    assert (parity.max_abs, parity.flips, parity.top1_agreement, parity.sqnr_db) == (0, 0, 1, None)
    assert parity.cosine == pytest.approx(1)
    assert parity.histogram_counts[0] == reference.size


def test_figures_match_hand_computed_ones() -> None:
    reference = np.array([[3.0, 4.0], [1.0, 0.0]], np.float32)
    parity = compare(np.array([[3.0, 4.5], [1.0, 2.0]], np.float32), reference)
    assert parity.max_abs == 2.0
    assert parity.mean_abs == pytest.approx(2.5 / 4)
    assert parity.sqnr_db == pytest.approx(10 * math.log10(26 / 4.25))
    first = (9 + 18) / (5 * math.hypot(3, 4.5))
    assert parity.cosine == pytest.approx((first + 1 / math.sqrt(5)) / 2)
    assert (parity.flips, parity.top1_agreement) == (1, 0.5)


def test_histogram_counts_every_logit(reference: Floats) -> None:
    noise = np.random.default_rng(1).normal(0, 1e-3, reference.shape).astype(np.float32)
    parity = compare(reference + noise, reference)
    assert sum(parity.histogram_counts) == reference.size
    assert len(parity.histogram_edges) == len(parity.histogram_counts) + 1
    huge = compare(reference + np.float32(1e6), reference)
    assert huge.histogram_counts[-1] == reference.size


def test_wilson_interval_matches_published_values() -> None:
    low, high = wilson(10, 10)
    assert low == pytest.approx(0.7225, abs=1e-4)
    assert high == pytest.approx(1.0)
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_non_finite_logits_name_the_window(reference: Floats) -> None:
    broken = reference.copy()
    broken[17, 2] = np.nan
    with pytest.raises(ArtifactError, match="window 17 are not finite"):
        compare(broken, reference)


@pytest.mark.parametrize("shape", [(199, 6), (200, 5), (1200,)])
def test_wrong_shape_is_refused(reference: Floats, shape: tuple[int, ...]) -> None:
    with pytest.raises(ArtifactError, match="expected \\(200, 6\\)"):
        compare(np.zeros(shape, np.float32), reference)


def test_no_window_at_all_is_refused() -> None:
    with pytest.raises(ArtifactError, match="shape"):
        compare(np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32))


def test_assert_parity_prints_its_figures_and_fails_on_an_error(
    reference: Floats, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_parity(reference, reference, max_abs=1e-4)
    assert "top-1 100.00%" in capsys.readouterr().out
    with pytest.raises(AssertionError, match=r"max 0\.01"):
        assert_parity(reference + np.float32(0.01), reference, max_abs=1e-4)
    with pytest.raises(AssertionError, match="flips"):
        assert_parity(-reference, reference, max_abs=1e4)
