"""Recordings to windows: sources, resampling, windows, splits, and the checks made on them."""

from factory.data.outside import mixed_windows, null_windows
from factory.data.preparation import prepare
from factory.data.splits import check_split, make_split, require_trainable, split_by_people

__all__ = [
    "check_split",
    "make_split",
    "mixed_windows",
    "null_windows",
    "prepare",
    "require_trainable",
    "split_by_people",
]
