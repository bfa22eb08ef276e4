"""`factory tune`: a recipe fitted to a user's own recordings, and what each change is worth.

    recipe -> a window length, by trees -> training people in groups, each held out once
    -> values drawn by Optuna, a candidate that falls behind the recipe's own student is dropped after that fold
    -> the best three again with another seed -> each change of the best one taken back, those that gain nothing dropped
    -> epochs -> own and tuned once more with a third seed, and trees -> tune.json, recipe.toml

Test people are in no group. A candidate may cost what the recipe's own student costs, or what the recipe allows. If the
third seed shows no gain, the recipe keeps its values.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from factory.artifacts.store import open_store
from factory.contracts.files import atomic_write
from factory.contracts.recipe import Recipe
from factory.contracts.report import WindowLengthReport
from factory.contracts.search import DEFAULT_CORE, Bounds
from factory.contracts.stored import write_json
from factory.contracts.tuning import Change, TunePlan, TuneResult, Value
from factory.data.sources import open_source
from factory.data.splits import require_trainable, subjects_of
from factory.pipeline.layouts.prices import Prices, excess
from factory.pipeline.layouts.study import require_optuna
from factory.pipeline.layouts.trial import short_epochs
from factory.pipeline.provenance import provenance
from factory.pipeline.request import BuildRequest, Run, derived_name, require_no_build
from factory.pipeline.tuning.scores import SCORES, Scorer, deal
from factory.pipeline.tuning.space import changed, differing, options, own
from factory.pipeline.window_lengths import compare, describe, is_clearly_better

RESULT, RECIPE = "tune.json", "recipe.toml"
_SUFFIX = "_tuned"
_DRAWING = 0.5
"""Share of the time after which nothing new is drawn."""
_FINALISTS = 3
_DOUBLINGS = 2
_IDLE_DRAWS = 100
"""Draws in a row that were seen before or cost too much; then little is left to try."""
_EPOCHS = ("train.student_epochs", "train.teacher_epochs")
_EPOCH_FACTORS = (0.5, 2.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """Changes, and the score of each fold that was trained."""

    values: Mapping[str, Value]
    scores: tuple[float, ...]

    def gain(self, reference: Sequence[float]) -> float:
        """Mean over the folds that were trained."""
        return float(np.mean([score - other for score, other in zip(self.scores, reference, strict=False)]))


@dataclass(frozen=True, kw_only=True)
class _Tuning:
    """One tuning under way; `recipe` has the window that was chosen."""

    recipe: Recipe
    plan: TunePlan
    run: Run
    scorer: Scorer
    prices: Prices
    epochs: int
    ends: float

    def has_time_for(self, seconds: float) -> bool:
        return time.monotonic() + seconds < self.ends

    def affordable(self, values: Mapping[str, Value]) -> Recipe | None:
        """The recipe with these values; None where they do not go together or cost too much."""
        found = changed(self.recipe, values)
        if found is None or excess(self.prices.price(found.model.student), self.bounds):
            return None
        return found

    @cached_property
    def bounds(self) -> Bounds:
        """What the recipe allows, or what its own student costs."""
        if allowed := self.recipe.export.max_instructions:
            return Bounds(max_instructions=allowed)
        cost = self.prices.price(self.recipe.model.student)
        return Bounds(max_instructions={DEFAULT_CORE: cost.instructions[DEFAULT_CORE]})


def tune(build: BuildRequest, plan: TunePlan) -> TuneResult:
    """Go on with a tuning, or begin it; writes its result and returns it.

    Args:
        build: Recipe, folder, data, cache, processor, progress, cancel.
        plan: For how long, and how candidates are judged.

    Raises:
        MissingToolError: Optuna is not installed.
        DataError: Fewer than two people train.
        StorageError: The folder holds a build.
        FactoryError: Whatever stops a training.
    """
    require_optuna()
    require_no_build(build.build, SCORES, "tuning")
    with open_store(build.build, build.progress) as store:
        return tune_run(Run(build, store), plan)


def tune_run(run: Run, plan: TunePlan) -> TuneResult:
    """As `tune`, in a folder that is held."""
    began = time.monotonic()
    given = run.recipe
    run, lengths = _with_window(run)
    tuning = _begin(run, plan, began)
    candidates = _draw(tuning, began)
    values, changes = _worth(tuning, _confirm(tuning, candidates))
    changes += _epochs(tuning, values)
    return _finish(tuning, given, lengths, len(candidates), changes)


def _with_window(run: Run) -> tuple[Run, list[WindowLengthReport]]:
    """The window that trees find clearly better, a step at a time; the same run where there is none."""
    recipe, request = run.recipe, run.request
    source = open_source(recipe.data.source, recipe.data.description, run.folder)
    if source.published_window is not None:
        return run, []
    people, rows, had = _people(run), [], list(run.windows.spec.labels)
    for _ in range(_DOUBLINGS):
        found = list(compare(recipe, source, request.data, set(people), had, request.progress))
        for row in found:
            run.progress.say(describe(row))
        rows += found
        better = [row for row in found if is_clearly_better(row)]
        if not better:
            break
        best = max(better, key=lambda row: row.gain_pp)
        hop = max(1, round(recipe.data.hop * best.window / recipe.data.window))
        data = recipe.data.model_copy(update={"window": best.window, "hop": hop})
        recipe = recipe.model_copy(update={"data": data})
    if recipe == run.recipe:
        return run, rows
    return Run(replace(request, recipe=recipe), run.store), rows


def _people(run: Run) -> list[str]:
    """Who trains or selects."""
    rows = np.concatenate([run.split.train, run.split.validation])
    inside = set(run.windows.subject[rows].tolist())
    return [name for name in subjects_of(run.windows) if name in inside]


def _begin(run: Run, plan: TunePlan, began: float) -> _Tuning:
    from factory.devices.host import choose_device

    require_trainable(run.windows, run.split, run.recipe)
    groups = deal(run.windows, _people(run), plan.folds, run.recipe.seed)
    scorer = Scorer(run=run, groups=groups, device=choose_device(run.request.device))
    spec = run.windows.spec
    return _Tuning(
        recipe=run.recipe,
        plan=plan,
        run=run,
        scorer=scorer,
        prices=Prices.of(run.recipe, len(spec.channels), len(spec.labels)),
        epochs=short_epochs(run.recipe, plan.epochs),
        ends=began + 60 * plan.minutes,
    )


def _draw(tuning: _Tuning, began: float) -> list[_Candidate]:
    """Candidates in the order of drawing, the recipe's own student first."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    recipe, plan, scorer = tuning.recipe, tuning.plan, tuning.scorer
    space = options(recipe)
    sampler = optuna.samplers.TPESampler(seed=recipe.seed, multivariate=True, n_startup_trials=12)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial({key: own(recipe, key) for key in space})
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        key: optuna.distributions.CategoricalDistribution(values) for key, values in space.items()
    }
    tuning.run.progress.say(f"{len(scorer.groups)} groups of people, {tuning.epochs} epochs a candidate")
    reference = scorer.scores(recipe, tuning.epochs, recipe.seed)
    found, idle = [_Candidate(values={}, scores=reference)], 0
    seen: list[Mapping[str, Value]] = [{}]
    with tuning.run.progress.track("tuning", plan.trials, "candidates") as bar:
        while len(found) <= plan.trials and idle < _IDLE_DRAWS:
            if time.monotonic() > began + 60 * plan.minutes * _DRAWING and len(found) > 1:
                break
            trial = study.ask(distributions)
            values = differing(recipe, trial.params, list(space))
            candidate = tuning.affordable(values)
            if values in seen or candidate is None:
                if values:
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                else:
                    study.tell(trial, 0.0)
                idle += 1
                continue
            idle = 0
            seen.append(values)
            raced = _race(tuning, candidate, values, reference)
            study.tell(trial, raced.gain(reference))
            found.append(raced)
            best = max(each.gain(reference) for each in _whole(found, reference))
            bar.advance(note=f"best {100 * best:+.1f} pp")
    return found


def _race(tuning: _Tuning, candidate: Recipe, values: Mapping[str, Value], reference: tuple[float, ...]) -> _Candidate:
    """Fold by fold, until the candidate is behind the reference."""
    scores: list[float] = []
    for fold in range(len(reference)):
        scores.append(tuning.scorer.score(candidate, fold, tuning.epochs, tuning.recipe.seed))
        if np.mean(scores) < np.mean(reference[: fold + 1]):
            break
    return _Candidate(values=values, scores=tuple(scores))


def _whole(candidates: Sequence[_Candidate], reference: tuple[float, ...]) -> list[_Candidate]:
    return [candidate for candidate in candidates if len(candidate.scores) == len(reference)]


def _confirm(tuning: _Tuning, candidates: Sequence[_Candidate]) -> Mapping[str, Value]:
    """Of the best candidates the one that is best with another seed; the recipe's own values where none is better."""
    reference = candidates[0].scores
    ranked = sorted(_whole(candidates, reference), key=lambda found: -found.gain(reference))
    seed, best, values = tuning.recipe.seed + 1, 0.0, candidates[0].values
    again = tuning.scorer.scores(tuning.recipe, tuning.epochs, seed)
    for finalist in [found for found in ranked if found.gain(reference) > 0][:_FINALISTS]:
        second = _Candidate(values=finalist.values, scores=_scores(tuning, finalist.values, seed))
        if second.gain(again) > best:
            best, values = second.gain(again), finalist.values
    return values


def _scores(tuning: _Tuning, values: Mapping[str, Value], seed: int) -> tuple[float, ...]:
    recipe = changed(tuning.recipe, values)
    assert recipe is not None, "it was drawn"
    return tuning.scorer.scores(recipe, tuning.epochs, seed)


def _worth(tuning: _Tuning, values: Mapping[str, Value]) -> tuple[dict[str, Value], list[Change]]:
    """What is lost when each change is taken back; one that gains nothing is taken back for good."""
    seed, kept = tuning.recipe.seed + 1, dict(values)
    changes: list[Change] = []
    # Last what only makes room for others: those may be gone by then.
    room = [key for key in values if tuning.affordable({k: v for k, v in values.items() if k != key}) is None]
    for key in [*(key for key in values if key not in room), *room]:
        without = {name: value for name, value in kept.items() if name != key}
        change = Change(key=key, before=own(tuning.recipe, key), after=values[key])
        if tuning.affordable(without) is None:
            changes.append(change.model_copy(update={"why": "the others would cost too much without it"}))
            continue
        if not tuning.has_time_for(2 * tuning.scorer.seconds_for(tuning.epochs)):
            changes.append(change)
            continue
        lost = np.subtract(_scores(tuning, kept, seed), _scores(tuning, without, seed))
        if lost.mean() <= 0:
            kept = without
            tuning.run.progress.say(f"{key} = {values[key]} gains nothing and is dropped")
            continue
        spread = 100 * float(lost.std(ddof=1) / np.sqrt(len(lost)))
        changes.append(change.model_copy(update={"gain_pp": 100 * float(lost.mean()), "spread_pp": spread}))
    return kept, changes


def _epochs(tuning: _Tuning, values: Mapping[str, Value]) -> list[Change]:
    """Half or double the epochs, where that is better, or no worse and half; nothing where time is short."""
    recipe = changed(tuning.recipe, values)
    assert recipe is not None, "it was trained"
    whole = recipe.train.student_epochs
    budget = tuning.scorer.seconds_for(round((1 + sum(_EPOCH_FACTORS)) * whole))
    if not tuning.has_time_for(budget + 2 * tuning.scorer.seconds_for(tuning.epochs)):
        tuning.run.progress.say(f"epochs are not tuned: that takes {budget / 60:.0f} more minutes")
        return []
    seed = recipe.seed + 1
    own_scores, factor, note = tuning.scorer.scores(recipe, whole, seed), 1.0, ""
    gains = {
        each: np.subtract(tuning.scorer.scores(recipe, max(1, round(each * whole)), seed), own_scores)
        for each in _EPOCH_FACTORS
    }
    spread = {each: float(gain.std(ddof=1) / np.sqrt(len(gain))) for each, gain in gains.items()}
    if gains[2.0].mean() > spread[2.0]:
        factor, note = 2.0, f"twice the epochs gain {100 * gains[2.0].mean():+.1f} +- {100 * spread[2.0]:.1f} pp"
    elif gains[0.5].mean() >= 0:
        factor, note = 0.5, f"half the epochs change {100 * gains[0.5].mean():+.1f} +- {100 * spread[0.5]:.1f} pp"
    if factor == 1.0:
        return []
    before = {key: own(recipe, key) for key in _EPOCHS}
    return [
        Change(key=key, before=value, after=max(1, round(factor * float(value))), why=note)
        for key, value in before.items()
    ]


def _finish(
    tuning: _Tuning, given: Recipe, lengths: list[WindowLengthReport], candidates: int, changes: list[Change]
) -> TuneResult:
    """Measure once more, and write everything."""
    seed, scorer, recipe = tuning.recipe.seed + 2, tuning.scorer, tuning.recipe
    network = {change.key: change.after for change in changes if change.key not in _EPOCHS}
    before = scorer.scores(recipe, tuning.epochs, seed)
    after = _scores(tuning, network, seed) if network else before
    note = ""
    if network and np.mean(after) <= np.mean(before):
        lost = 100 * float(np.mean(before) - np.mean(after))
        note = f"what was found lost {lost:.1f} pp with another seed: the recipe keeps its values"
        changes, after = [change for change in changes if change.key in _EPOCHS], before
    result = TuneResult(
        recipe=given,
        tuned=_tuned(tuning, changes),
        plan=tuning.plan,
        groups=scorer.groups,
        window_lengths=tuple(lengths),
        candidates=candidates - 1,
        changes=(*_window_changes(given, recipe, lengths), *changes),
        own=before,
        found=after,
        trees=scorer.trees(recipe.seed),
        epochs=tuning.epochs,
        note=note,
        provenance=provenance(),
    )
    _write(tuning.run.folder, result)
    return result


def _window_changes(given: Recipe, recipe: Recipe, lengths: Sequence[WindowLengthReport]) -> Iterator[Change]:
    why = "; ".join(describe(row) for row in lengths if is_clearly_better(row))
    for key in ("data.window", "data.hop"):
        before, after = own(given, key), own(recipe, key)
        if before != after:
            yield Change(key=key, before=before, after=after, why=why)


def _tuned(tuning: _Tuning, changes: Sequence[Change]) -> Recipe:
    recipe = changed(tuning.recipe, {change.key: change.after for change in changes})
    assert recipe is not None, "it was trained"
    name = tuning.plan.name or derived_name(recipe, _SUFFIX)
    return recipe.model_copy(update={"name": name})


def _write(folder: Path, result: TuneResult) -> None:
    with atomic_write(folder / RECIPE) as temporary:
        temporary.write_text(result.tuned.to_toml(), "utf-8")
    write_json(result, folder / RESULT)
