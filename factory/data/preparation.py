"""Recordings to cached windows: the one entry that training, checking and verification share."""

from collections import Counter
from functools import cache
from pathlib import Path

from factory.contracts.code import code_hash
from factory.contracts.dataset import WindowSet
from factory.contracts.errors import DataError, RecipeError
from factory.contracts.progress import Progress
from factory.contracts.recipe import DataRecipe
from factory.contracts.window import Filter, WindowSpec, name_fault
from factory.data.cache import Meta, WindowWriter, content_hashes, describe_arrays, key_of, load_or_build
from factory.data.refusals import Judge, declared_units
from factory.data.resample import resample
from factory.data.sources import Source, open_source
from factory.data.windows import TOO_SHORT, WINDOW_REASONS, LabelPlan, choose_channels, cut, plan_labels


def prepare(
    recipe: DataRecipe,
    folder: Path | None,
    cache: Path,
    progress: Progress,
    base: Path | None = None,
    judged: bool = True,
) -> WindowSet:
    """Windows of a recipe, from the cache or cut from the recordings now.

    Args:
        recipe: What to read and how to cut it.
        folder: Where the recordings lie; None where the source needs none (watch) or names its file (table).
        cache: Folder of prepared windows; made if it is not there.
        progress: Told of each step.
        base: Folder that `recipe.description` is relative to.
        judged: Whether to refuse recordings of mixed or contradicted units; `factory data check` looks at the windows
            of those, too, which are then kept under another name.

    Returns:
        Memory-mapped windows (N, C, T) float32, SI units; unlabelled ones among them if the recipe asks for those.

    Raises:
        RecipeError: A channel or label that the source does not have.
        DataError: Recordings are missing or cannot be used, or `Judge` refuses them.
        StorageError: The disk is full or not writable.
    """
    key = content_hash(recipe, folder, cache, base)
    if not judged:
        key = key_of({"judged": False, "windows": key})

    def build(target: Path) -> Meta:
        opened = open_source(recipe.source, recipe.description, base, scratch=target)
        return _build(recipe, opened, folder, target, key, progress, judged)

    return load_or_build(cache, key, cutting_code(), build, progress)


@cache
def cutting_code() -> str:
    """Hash of the code that turns recordings into windows."""
    return code_hash(prepare, __name__, "factory.data.sources", "factory.data.formats")


def content_hash(recipe: DataRecipe, folder: Path | None, cache: Path, base: Path | None = None) -> str:
    """What identifies the windows that `prepare` gives for the same arguments; none are cut.

    Raises:
        RecipeError: The recipe does not fit the source.
        DataError: Recordings are missing.
        StorageError: The disk is full or not writable.
    """
    source = open_source(recipe.source, recipe.description, base)
    _check_published(recipe, source)
    files = source.files(folder)
    # Left out where it changes nothing, so that recordings of builds made before there was a choice are recognised.
    unchanged = {"anchor"} if recipe.anchor == "grid" else set()
    unchanged |= set() if recipe.unlabelled else {"unlabelled"}
    unchanged |= set() if recipe.teacher_channels is not None else {"teacher_channels"}
    settings = recipe.model_dump(mode="json", exclude={"description"} | unchanged)
    hashes = content_hashes(files, _common(files), cache)
    return key_of({"settings": settings, "source": _identity(source), "files": hashes})


def window_spec(recipe: DataRecipe, source: Source, plan: LabelPlan) -> WindowSpec:
    """The sensor contract of the recipe's windows.

    Raises:
        RecipeError: A channel that the source does not deliver.
    """
    columns = choose_channels([channel.name for channel in source.channels], recipe.channels)
    channels = tuple(source.channels[column] for column in columns)
    filters = _filters_of(source.filters, {channel.name for channel in channels})
    return WindowSpec(
        channels=channels,
        rate_hz=recipe.rate_hz,
        length=recipe.window,
        hop=recipe.hop,
        labels=plan.names,
        axes=source.axes,
        resampling="none" if source.published_window else "linear_by_timestamp",
        filters=filters,
        filters_published=bool(filters) and source.filters_published,
    )


def teacher_recipe(recipe: DataRecipe) -> DataRecipe:
    """The same windows with the channels that the teacher sees, the student's first; one recipe for both as a rule."""
    if recipe.teacher_channels is None:
        return recipe
    own = recipe.channels or ()
    more = tuple(name for name in recipe.teacher_channels if name not in own)
    return recipe.model_copy(update={"channels": own + more})


def plan_classes(recipe: DataRecipe, source: Source, folder: Path | None) -> LabelPlan:
    """How the source's labels become the recipe's classes, each with a name that every file of a build can hold.

    Raises:
        RecipeError: The recipe names labels that the source does not have.
        DataError: A label that stays is no usable name; says where it stands.
    """
    plan = plan_labels(source.labels, recipe.labels, recipe.merge)
    for label in plan.names:
        if fault := name_fault(label):
            files = source.files(folder)
            where = str(files[0]) if len(files) == 1 else source.name
            raise DataError(
                f"{where}: label {label!r:.80} {fault}: rename it there, or in the recipe: data.merge = "
                "{ 'its old name' = 'a new one' }"
            )
    return plan


def _filters_of(filters: tuple[Filter, ...], names: set[str]) -> tuple[Filter, ...]:
    kept = ((item, tuple(name for name in item.channels if name in names)) for item in filters)
    return tuple(item.model_copy(update={"channels": channels}) for item, channels in kept if channels)


def _check_published(recipe: DataRecipe, source: Source) -> None:
    if source.published_window is None:
        return
    length, hop = source.published_window
    if (recipe.window, recipe.hop, recipe.rate_hz) != (length, hop, source.nominal_rate_hz):
        raise RecipeError(
            f"{source.name} is published as windows of {length} samples, hop {hop}, at {source.nominal_rate_hz:g} Hz; "
            f"data.window = {recipe.window}, data.hop = {recipe.hop}, data.rate_hz = {recipe.rate_hz:g} cannot be made "
            "from them: take the published ones, or a source of recordings such as hapt"
        )
    if recipe.anchor != "grid":
        raise RecipeError(
            f"{source.name} is published as windows, so data.anchor = '{recipe.anchor}' cannot be had: "
            "set data.anchor = 'grid', or take a source of recordings such as hapt"
        )


def _common(files: list[Path]) -> Path:
    """Deepest folder above all files, so that moving a data set keeps its cache key."""
    parents = set.intersection(*({*path.parents} for path in files))
    return max(parents, key=lambda path: len(path.parts))


def _identity(source: Source) -> dict[str, object]:
    """What shapes recordings beside the files' content; a table's labels follow from that content."""
    details = getattr(source, "details", None)
    return {
        "name": source.name,
        "channels": [channel.model_dump(mode="json") for channel in source.channels],
        "labels": None if isinstance(details, dict) else source.labels,
        "test": source.official_test,
        "rate_hz": source.nominal_rate_hz,
        "axes": source.axes,
        "filters": [item.model_dump(mode="json") for item in source.filters],
        "details": details,
    }


def _build(
    recipe: DataRecipe, source: Source, folder: Path | None, target: Path, key: str, progress: Progress, judged: bool
) -> Meta:
    plan = plan_classes(recipe, source, folder)
    spec, cut_recipe = window_spec(recipe, source, plan), teacher_recipe(recipe)
    columns = choose_channels([channel.name for channel in source.channels], cut_recipe.channels)
    judge = Judge([source.channels[column] for column in columns], plan.names, declared_units(source), columns)
    lost: Counter[str] = Counter()
    longest, segments = 0.0, 0
    with WindowWriter(target, len(columns), recipe.window) as writer:
        for recording in source.recordings(folder, progress):
            judge.add(recording)
            last = -1
            longest = max(longest, float(recording.time_s[-1] - recording.time_s[0]))
            for windows in cut(resample(recording, recipe.rate_hz, recipe.max_gap_s), recipe, plan, columns, lost):
                segments += windows.segment != last
                last = windows.segment
                writer.append(windows.x, windows.y, windows.start, segments - 1, recording.subject)
        writer.close()
        count = writer.count
    lost.update(cleaned(source))
    if judged and source.published_window is None:
        judge.require_usable(source.name)
    if not count:
        raise _no_windows(recipe, source, longest, lost)
    return Meta(
        key=key,
        code=cutting_code(),
        spec=spec,
        teacher_spec=window_spec(cut_recipe, source, plan) if recipe.teacher_channels is not None else None,
        official_test=source.official_test,
        lost={reason: number for reason, number in lost.items() if number},
        recordings=segments,
        arrays=describe_arrays(target),
    )


def cleaned(source: Source) -> Counter[str]:
    """Rows that a table's cleaning plan changed in the last pass over it, by what was done."""
    found = getattr(source, "cleaned", None)
    return Counter(found) if isinstance(found, Counter) else Counter()


def _no_windows(recipe: DataRecipe, source: Source, longest_s: float, lost: Counter[str]) -> DataError:
    window_s = recipe.window / recipe.rate_hz
    if lost[TOO_SHORT] and not any(lost[reason] for reason in WINDOW_REASONS):
        return DataError(
            f"{source.name}: a window of {recipe.window} samples ({window_s:.2f} s) is longer than every gap-free "
            f"recording; the longest recording lasts {longest_s:.2f} s: lower data.window or raise data.max_gap_s"
        )
    reasons = ", ".join(f"{number} {reason}" for reason, number in lost.items() if number)
    return DataError(
        f"{source.name}: no window is left ({reasons}): lower data.purity or data.window, or keep more data.labels"
    )
