"""From logits to probabilities, and which answers are believed; in Kotlin dev.smldist.sensing.softmax and Rejection.

tests/replay/answers.py writes what both sides must compute.
"""

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats
from factory.contracts.window import Rejection


def probabilities(logits: Floats, rejection: Rejection) -> Floats:
    """(N, K) softmax of (N, K) logits at the contract's temperature, float32."""
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / np.float32(rejection.temperature))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def known(shares: Floats, rejection: Rejection) -> NDArray[np.bool_]:
    """(N,) whether each row of (N, K) probabilities is an answer; where not, what happens is unknown."""
    return np.asarray(shares.max(axis=1) >= np.float32(rejection.threshold))
