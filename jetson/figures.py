"""What engines are judged by, computed as the factory computes it on the host. Needs numpy alone.

Shape legend: N windows, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def parity(logits: np.ndarray, reference: np.ndarray, step: float) -> dict[str, float]:
    """Gates on the golden pack by name; `step` is one 8-bit step of the logits.

    A logit that is not finite makes every figure NaN, which no gate passes.
    """
    if logits.shape != reference.shape or not np.isfinite(logits).all():
        return {
            name: float("nan")
            for name in ("parity.max_abs", "parity.flips", "parity.top1_agreement", "parity.mean_steps")
        }
    error = np.abs(logits.astype(np.float64) - reference.astype(np.float64))
    flips = int((logits.argmax(1) != reference.argmax(1)).sum())
    return {
        "parity.max_abs": float(error.max()),
        "parity.flips": float(flips),
        "parity.top1_agreement": 1 - flips / len(logits),
        "parity.mean_steps": float(error.mean()) / step,
    }


def accuracy(logits: np.ndarray, y: np.ndarray, reference: dict[str, float]) -> dict[str, float]:
    """Gates on the test split by name: loss against the reference network's accuracy and macro-F1, in points."""
    if not np.isfinite(logits).all():
        return {"accuracy.drop_pp": float("nan"), "accuracy.macro_f1_drop_pp": float("nan")}
    predicted = logits.argmax(axis=1)
    share = float((predicted == y).mean())
    return {
        "accuracy.drop_pp": 100 * (reference["accuracy"] - share),
        "accuracy.macro_f1_drop_pp": 100 * (reference["macro_f1"] - macro_f1(predicted, y, logits.shape[1])),
    }


def macro_f1(predicted: np.ndarray, y: np.ndarray, classes: int) -> float:
    """Mean F1 over the classes that occur in the truth.

    As factory.contracts.scores.macro_f1, which a board, with Python 3.8 and numpy alone, does not have; a test holds
    the two equal.
    """
    confusion = np.bincount(y * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    hits, total = np.diagonal(confusion), confusion.sum(axis=0) + confusion.sum(axis=1)
    f1 = 2 * hits / np.maximum(total, 1)
    return float(f1[confusion.sum(axis=1) > 0].mean())


def percentiles(latency_us: np.ndarray) -> dict[str, Any]:
    """Of (runs,) microseconds."""
    names = (("p05_us", 5), ("median_us", 50), ("p95_us", 95), ("p99_us", 99))
    found: dict[str, Any] = {name: float(np.percentile(latency_us, share)) for name, share in names}
    return {"runs": len(latency_us), "mean_us": float(latency_us.mean()), **found, "max_us": float(latency_us.max())}
