"""Leakage: anything by which a model could have seen a test window while it was trained.

A shared subject, recording, raw sample, an identical window or a near copy of a recording is an error. Windows that
merely look the same are counted for `factory data check`: near-duplicates.
"""

import hashlib
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints, Split, WindowSet
from factory.contracts.errors import LeakageError
from factory.data.near_copies import NearCopy, near_copies

NEAR = 0.995
"""Cosine of two windows' shapes above which they count as near-duplicates."""
_SAMPLED = 20_000
"""Windows of a part that the near-duplicate search looks at; more are sampled evenly."""
_POINTS = 32
_STILL = 0.05
"""Deviation in units of the channel's own, below which a window has no shape to compare."""


def parts_of(split: Split) -> dict[str, Ints]:
    """The labelled parts by name."""
    return {"train": split.train, "validation": split.validation, "test": split.test}


_TAUGHT = ("train", "unlabelled")
"""Parts that students learn from: they may share people and recordings."""


def _all_parts(split: Split) -> dict[str, Ints]:
    return {"train": split.train, "unlabelled": split.unlabelled, "validation": split.validation, "test": split.test}


def check_split(windows: WindowSet, split: Split) -> None:
    """Refuse a split that leaks; for every split, whoever made it.

    Raises:
        LeakageError: A window, subject, recording, raw sample, identical window or near copy of a recording stands in
            two parts; names it.
    """
    for (a, first), (b, second) in combinations(_all_parts(split).items(), 2):
        if len(both := np.intersect1d(first, second)):
            raise LeakageError(f"leakage: window {both[0]} stands in {a} and {b}: every window belongs to one part")
        if (a, b) == _TAUGHT:
            continue
        if len(both := np.intersect1d(windows.subject[first], windows.subject[second])):
            raise LeakageError(f"leakage: subject {both[0]} stands in {a} and {b}: split by subject")
        if len(both := np.intersect1d(windows.recording[first], windows.recording[second])):
            shared = _share_samples(windows, int(both[0]), first, second)
            samples = ", and windows of both hold the same raw samples" if shared else ""
            raise LeakageError(f"leakage: recording {both[0]} stands in {a} and {b}{samples}: split by subject")
    _refuse_duplicates(windows, split)
    _refuse_near_copies(windows, split)


def _share_samples(windows: WindowSet, recording: int, first: Ints, second: Ints) -> bool:
    """Whether a window of `first` overlaps one of `second` in that recording."""
    starts = [np.sort(windows.start[part[windows.recording[part] == recording]]) for part in (first, second)]
    return bool((np.abs(starts[0][:, None] - starts[1][None, :]) < windows.spec.length).any())


def _refuse_duplicates(windows: WindowSet, split: Split) -> None:
    seen: dict[bytes, tuple[str, int]] = {}
    for name, part in _all_parts(split).items():
        for index in part.tolist():
            window = np.ascontiguousarray(windows.x[index])
            digest = hashlib.blake2b(window.data, digest_size=16).digest()
            where, other = seen.setdefault(digest, (name, index))
            if where != name and (where, name) != _TAUGHT and np.ptp(window, axis=-1).any():
                raise LeakageError(
                    f"leakage: window {index} of subject {windows.subject[index]} in {name} equals window {other} of "
                    f"subject {windows.subject[other]} in {where}: a recording is stored under two names: remove one"
                )


def _refuse_near_copies(windows: WindowSet, split: Split) -> None:
    """Validation selects, so what training has seen of it is leakage, too."""
    taught = np.concatenate([split.train, split.unlabelled])
    held_out = (("test", np.concatenate([taught, split.validation])), ("validation", taught))
    for name, others in held_out:
        part = parts_of(split)[name]
        for copy in near_copies(windows, part, others)[:1]:
            own = part[windows.subject[part] == copy.subject]
            holds = (part for part, rows in _all_parts(split).items() if copy.other in windows.subject[rows])
            where = next(holds)
            raise LeakageError(
                f"leakage: {len(copy.rows) / len(own):.0%} of the windows of subject {copy.subject} in {name} are near "
                f"copies (trimmed, scaled, noisy) of subject {copy.other}'s in {where}: one person's recordings are "
                "stored under two names: remove one, or give both the same name"
            )


def copies_in_training(windows: WindowSet, split: Split) -> list[NearCopy]:
    """People whose recordings training holds under two names: harmless for this split, but no other may part them."""
    return near_copies(windows, split.train, split.train)


def near_duplicates(windows: WindowSet, split: Split) -> int:
    """How many test and validation windows look the same as one of another part.

    Windows are averaged to 32 points, centred, scaled by each channel's deviation and compared by cosine;
    still windows are left out. Parts of more than 20 000 windows are sampled evenly.
    """
    scale = np.maximum(_channel_deviation(windows), 1e-9)
    shapes = {name: _shapes(windows, part, scale) for name, part in parts_of(split).items()}
    found = 0
    for name, others in (("test", ("train", "validation")), ("validation", ("train",))):
        reference = np.concatenate([shapes[other] for other in others])
        for low in range(0, len(shapes[name]), 1024):
            block = shapes[name][low : low + 1024]
            if len(reference):
                found += int(((block @ reference.T).max(axis=1) > NEAR).sum())
    return found


def _channel_deviation(windows: WindowSet) -> NDArray[np.float32]:
    sample = windows.x[:: max(len(windows.x) // 2000, 1)]
    deviation: NDArray[np.float32] = sample.std(axis=-1).mean(axis=0)
    return deviation


def _shapes(windows: WindowSet, part: Ints, scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, C * points) unit vectors of the windows that move."""
    part = part[:: -(-len(part) // _SAMPLED) or 1]
    edges = np.linspace(0, windows.spec.length, min(_POINTS, windows.spec.length) + 1).astype(np.int64)
    rows = []
    for low in range(0, len(part), 4096):
        x = windows.x[part[low : low + 4096]] / scale[:, None]
        means = np.add.reduceat(x, edges[:-1], axis=-1) / np.diff(edges)
        means = means - means.mean(axis=-1, keepdims=True)
        flat = means.reshape(len(means), -1)
        moving = flat.std(axis=1) > _STILL
        rows.append(flat[moving] / np.linalg.norm(flat[moving], axis=1, keepdims=True))
    empty = np.empty((0, len(scale) * (len(edges) - 1)), np.float32)
    return np.concatenate([empty, *rows]).astype(np.float32)
