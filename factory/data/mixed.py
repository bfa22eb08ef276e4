"""Windows over a label boundary: left out of training and of every split, but an app meets them all the time."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from factory.contracts.code import code_hash
from factory.contracts.dataset import MixedSet
from factory.contracts.progress import Progress
from factory.contracts.recipe import DataRecipe
from factory.data.cache import ARRAYS, Meta, WindowWriter, describe_arrays, key_of, load_or_build, window_folder
from factory.data.preparation import content_hash, plan_classes, window_spec
from factory.data.resample import resample
from factory.data.sources import Source, open_source
from factory.data.windows import choose_channels, cut_mixed

_PURITY = "purity"


def mixed_windows(
    recipe: DataRecipe,
    folder: Path | None,
    cache: Path,
    subjects: Iterable[str],
    progress: Progress,
    base: Path | None = None,
) -> MixedSet:
    """The mixed windows of some subjects, from the cache or cut from the recordings now.

    They have the recipe's length, hop and classes; less than `data.purity` of their samples, but more than of any
    other class or of none, carry their label. The pure windows and their content hash do not depend on them.

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
    source = open_source(recipe.source, recipe.description, base)
    if source.published_window is not None:
        return _nothing(recipe, source)
    key = key_of({"mixed": True, "pure": content_hash(recipe, folder, cache, base)})

    def build(target: Path) -> Meta:
        opened = open_source(recipe.source, recipe.description, base, scratch=target)
        return _build(recipe, opened, folder, target, key, progress)

    windows = load_or_build(cache, key, _code(), build, progress)
    rows = np.flatnonzero(np.isin(windows.subject, list(subjects)))
    purity = np.load(window_folder(cache, key) / f"{_PURITY}.npy", allow_pickle=False)
    return MixedSet(
        x=np.asarray(windows.x[rows]), y=windows.y[rows], subject=windows.subject[rows], purity=purity[rows]
    )


@cache
def _code() -> str:
    return code_hash(mixed_windows, __name__, "factory.data.sources")


def _nothing(recipe: DataRecipe, source: Source) -> MixedSet:
    channels = len(choose_channels([channel.name for channel in source.channels], recipe.channels))
    return MixedSet(
        x=np.empty((0, channels, recipe.window), np.float32),
        y=np.empty(0, np.int64),
        subject=np.empty(0, np.str_),
        purity=np.empty(0, np.float64),
    )


def _build(recipe: DataRecipe, source: Source, folder: Path | None, target: Path, key: str, progress: Progress) -> Meta:
    plan = plan_classes(recipe, source, folder)
    columns = choose_channels([channel.name for channel in source.channels], recipe.channels)
    purity, recordings = [np.empty(0, np.float64)], 0
    with WindowWriter(target, len(columns), recipe.window) as writer:
        for recording in source.recordings(folder, progress):
            for windows in cut_mixed(resample(recording, recipe.rate_hz, recipe.max_gap_s), recipe, plan, columns):
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
