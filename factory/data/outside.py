"""Windows outside of training and of every split: over a boundary between labels, or of no class.

An app meets both all the time. They are cut with the recipe's length and hop, on a grid over the recording, and cached
apart; the pure windows and their content hash do not depend on them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.code import code_hash
from factory.contracts.dataset import Floats, Ints, MixedSet, NullSet
from factory.contracts.progress import Progress
from factory.contracts.recipe import DataRecipe
from factory.data.cache import ARRAYS, Meta, WindowWriter, describe_arrays, key_of, load_or_build, window_folder
from factory.data.preparation import content_hash, plan_classes, window_spec
from factory.data.resample import Piece, resample
from factory.data.sources import Source, open_source
from factory.data.windows import Cut, LabelPlan, choose_channels, cut_mixed, cut_null

_PURITY = "purity"
_Cutter = Callable[[Iterable[Piece], DataRecipe, LabelPlan, Sequence[int]], Iterator[Cut]]
_CUTTERS: dict[str, _Cutter] = {"mixed": cut_mixed, "null": cut_null}


def mixed_windows(
    recipe: DataRecipe,
    folder: Path | None,
    cache: Path,
    subjects: Iterable[str],
    progress: Progress,
    base: Path | None = None,
) -> MixedSet:
    """The mixed windows of some subjects, from the cache or cut from the recordings now.

    Less than `data.purity` of their samples, but more than of any other class or of none, carry their label.

    Args:
        recipe: What to read and how to cut it.
        folder: Where the recordings lie; None where the source needs none.
        cache: Folder of prepared windows.
        subjects: Whose windows to give.
        progress: Told of each step.
        base: Folder that `recipe.description` is relative to.

    Returns:
        In the order of the recordings; empty where a source is published as windows, which are all pure.

    Raises:
        RecipeError: A channel or label that the source does not have.
        DataError: Recordings are missing or cannot be used.
        StorageError: The disk is full or not writable.
    """
    found = _Where(recipe, folder, cache, base).windows("mixed", subjects, progress)
    return MixedSet(x=found.x, y=found.y, subject=found.subject, purity=found.purity)


def null_windows(
    recipe: DataRecipe,
    folder: Path | None,
    cache: Path,
    subjects: Iterable[str],
    progress: Progress,
    base: Path | None = None,
) -> NullSet:
    """The windows of some subjects of which at least `data.purity` is of a null class: negatives.

    Arguments, order and errors as those of `mixed_windows`; empty where the source has no null class.
    """
    found = _Where(recipe, folder, cache, base).windows("null", subjects, progress)
    return NullSet(x=found.x, subject=found.subject, purity=found.purity)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """x (N, C, T), classes (N,), subject names (N,), purity (N,) of the windows of some subjects."""

    x: Floats
    y: Ints
    subject: NDArray[np.str_]
    purity: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Where:
    """What to read, and where recordings, cache and description lie."""

    recipe: DataRecipe
    folder: Path | None
    cache: Path
    base: Path | None

    def open(self, scratch: Path | None = None) -> Source:
        return open_source(self.recipe.source, self.recipe.description, self.base, scratch=scratch)

    def windows(self, kind: str, subjects: Iterable[str], progress: Progress) -> _Found:
        source = self.open()
        if source.published_window is not None:
            return _nothing(self.recipe, source)
        key = key_of({kind: True, "pure": content_hash(self.recipe, self.folder, self.cache, self.base)})

        def build(target: Path) -> Meta:
            return _build(self.recipe, self.open(target), self.folder, target, key, kind, progress)

        windows = load_or_build(self.cache, key, _code(), build, progress)
        rows = np.flatnonzero(np.isin(windows.subject, list(subjects)))
        purity = np.load(window_folder(self.cache, key) / f"{_PURITY}.npy", allow_pickle=False)
        return _Found(
            x=np.asarray(windows.x[rows]), y=windows.y[rows], subject=windows.subject[rows], purity=purity[rows]
        )


@cache
def _code() -> str:
    return code_hash(mixed_windows, __name__, "factory.data.sources", "factory.data.formats")


def _nothing(recipe: DataRecipe, source: Source) -> _Found:
    channels = len(choose_channels([channel.name for channel in source.channels], recipe.channels))
    return _Found(
        x=np.empty((0, channels, recipe.window), np.float32),
        y=np.empty(0, np.int64),
        subject=np.empty(0, np.str_),
        purity=np.empty(0, np.float64),
    )


def _build(
    recipe: DataRecipe, source: Source, folder: Path | None, target: Path, key: str, kind: str, progress: Progress
) -> Meta:
    plan = plan_classes(recipe, source, folder)
    columns = choose_channels([channel.name for channel in source.channels], recipe.channels)
    purity, recordings = [np.empty(0, np.float64)], 0
    with WindowWriter(target, len(columns), recipe.window) as writer:
        for recording in source.recordings(folder, progress):
            for windows in _CUTTERS[kind](resample(recording, recipe.rate_hz, recipe.max_gap_s), recipe, plan, columns):
                assert windows.purity is not None
                purity.append(windows.purity)
                writer.append(windows.x, windows.y, windows.start, recordings, recording.subject)
            recordings += 1
        writer.close()
    np.save(target / f"{_PURITY}.npy", np.concatenate(purity))
    return Meta(
        key=key,
        code=_code(),
        spec=window_spec(recipe, source, plan),
        official_test=source.official_test,
        lost={},
        recordings=recordings,
        arrays=describe_arrays(target, (*ARRAYS, _PURITY)),
    )
