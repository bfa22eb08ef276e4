"""Answers averaged over neighbouring windows of one recording [ours].

An activity that lasts is answered more surely by a window and its neighbours than by the window alone; one of a second
or two is washed out. So how many neighbours, if any, is found on validation people, and on those of their recordings
alone that hold several activities: where each recording holds one, any average looks like a gain.
"""

import numpy as np
from scipy.special import logsumexp

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.scores import confusion, macro_f1

COUNTS = (0, 1, 2)
"""Windows on each side that are tried."""
_GAIN = 0.005
"""Macro-F1 below which a difference to fewer neighbours is chance."""
_SHARE = 0.5
"""Of the windows, that must lie in recordings of several activities; with fewer nothing is averaged."""


def averaged(logits: Floats, windows: WindowSet, rows: Ints, count: int) -> Floats:
    """The logarithm of the mean probability over each window and `count` neighbours on either side.

    Args:
        logits: (n, K), of any scale.
        windows: Say which windows follow each other: of one recording, and overlapping or touching.
        rows: (n,) which windows `logits` answer; others are no neighbours.
        count: 0 gives the logits as they are.

    Returns:
        (n, K) log-probabilities, float32, in the order of `rows`.
    """
    if count == 0 or len(rows) == 0:
        return logits
    log_p = logits - logsumexp(logits, axis=1, keepdims=True)
    recording, start = windows.recording[rows], windows.start[rows]
    order = np.lexsort((start, recording))
    apart = (np.diff(recording[order]) != 0) | (np.diff(start[order]) > windows.spec.length)
    stretch = np.concatenate([[0], np.cumsum(apart)])
    place, found = np.arange(len(rows)), np.empty_like(log_p)
    near = np.stack([place + offset for offset in range(-count, count + 1)])
    inside = (near >= 0) & (near < len(rows))
    near = near.clip(0, len(rows) - 1)
    inside &= stretch[near] == stretch[place]
    terms = np.where(inside[:, :, None], log_p[order][near], -np.inf)
    found[order] = logsumexp(terms, axis=0) - np.log(inside.sum(axis=0))[:, None]
    return found.astype(np.float32)


def best_count(logits: Floats, windows: WindowSet, rows: Ints) -> int:
    """How many neighbours on each side answer validation windows best; 0 where nothing clear can be said.

    Args:
        logits: (n, K), the teacher's.
        windows: All windows.
        rows: (n,) labelled windows of validation people.
    """
    recording, y = windows.recording[rows], windows.y[rows]
    several = [name for name in np.unique(recording) if len(np.unique(y[recording == name])) > 1]
    judged = np.isin(recording, several)
    if judged.sum() < _SHARE * len(rows):
        return 0
    classes = len(windows.spec.labels)

    def score(count: int) -> float:
        answers = averaged(logits, windows, rows, count).argmax(axis=1)
        return macro_f1(confusion(y[judged], answers[judged], classes))

    scores = {count: score(count) for count in COUNTS}
    best = max(COUNTS, key=lambda count: scores[count])
    return best if scores[best] >= scores[0] + _GAIN else 0
