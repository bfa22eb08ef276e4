"""Recordings to windows: sources, resampling, windows, splits, and the checks made on them."""

from factory.data.preparation import prepare
from factory.data.splits import check_split, make_split, split_by_people

__all__ = ["check_split", "make_split", "prepare", "split_by_people"]
