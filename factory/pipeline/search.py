"""`factory search`: which layout of the student is worth having, under a bound on what it costs.

    recipe -> windows and people -> (a teacher, if candidates learn from one) -> the recipe's own student
    -> layouts drawn by Optuna, those over a bound left untrained -> the best one exported and counted
    -> search.json, pareto.png, recipe.toml

Only validation people select; the test part is never read. Everything lies in one folder, under one lock.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.artifacts.store import content_key, open_store
from factory.contracts.code import code_hash
from factory.contracts.dataset import Split, WindowSet
from factory.contracts.errors import FactoryError, RecipeError
from factory.contracts.files import atomic_write, sha256_file
from factory.contracts.recipe import BackboneRecipe, Recipe
from factory.contracts.search import Candidate, SearchPlan, SearchResult
from factory.contracts.stored import write_json
from factory.data.splits import require_trainable
from factory.models.instructions import COSTS
from factory.pipeline.cluster import Cluster
from factory.pipeline.layouts.prices import Prices, excess, with_student
from factory.pipeline.layouts.space import Layout, backbone_of, choices, smallest
from factory.pipeline.layouts.study import DATABASE, Study, require_optuna
from factory.pipeline.layouts.team import CANDIDATES, open_team
from factory.pipeline.layouts.trial import Trainer, short_epochs, short_schedule
from factory.pipeline.layouts.verify import choose_winner
from factory.pipeline.provenance import provenance, versions
from factory.pipeline.request import BuildRequest, Run, derived_name, require_no_build
from factory.pipeline.stages import summarise, teacher_stage

RESULT, PICTURE, RECIPE = "search.json", "pareto.png", "recipe.toml"
_MOST_REJECTED = 1000
"""Layouts over a bound in a row; then hardly any is within it."""
_SUFFIX = "_searched"
_DECIDING = tuple(f"factory.pipeline.layouts.{name}" for name in ("prices", "space", "study", "trial"))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    """One search under way; `run` has the short schedule, `recipe` is the one that was given."""

    recipe: Recipe
    plan: SearchPlan
    run: Run
    prices: Prices
    trainer: Trainer
    study: Study
    began: float

    @property
    def is_late(self) -> bool:
        """Whether no candidate may begin any more."""
        minutes = self.plan.minutes
        return minutes is not None and time.monotonic() - self.began > 60 * minutes


def search(build: BuildRequest, plan: SearchPlan, cluster: Cluster | None = None) -> SearchResult:
    """Go on with the search, or begin it; writes its result and returns it.

    Args:
        build: Recipe, folder, data, cache, processor, progress, cancel.
        plan: What to search, and for how long.
        cluster: Of Ray, which trains; None trains on this machine.

    Raises:
        MissingToolError: Optuna or Ray is not installed.
        RecipeError: No layout is within the bounds.
        StorageError: The folder holds a build.
        FactoryError: Whatever stops a training or an export.
    """
    require_optuna()
    require_no_build(build.build, DATABASE, "search")
    with open_store(build.build, build.progress) as store:
        return search_run(Run(build, store), plan, cluster)


def search_run(run: Run, plan: SearchPlan, cluster: Cluster | None = None) -> SearchResult:
    """As `search`, in a folder that is held."""
    epochs = short_epochs(run.recipe, plan.epochs)
    short = run.with_recipe(short_schedule(run.recipe, epochs))
    require_trainable(short.windows, short.split, short.recipe)
    found = _begin(run.recipe, plan, short)
    _train_candidates(found, cluster)
    return _finish(found)


def _begin(recipe: Recipe, plan: SearchPlan, run: Run) -> _Search:
    from factory.devices.host import choose_device

    device, spec = choose_device(run.request.device), run.windows.spec
    prices = Prices.of(recipe, len(spec.channels), len(spec.labels))
    _require_possible(prices, plan)
    if plan.method == "recipe":
        teacher_stage(run)
    layouts = choices(len(recipe.model.student.stages))
    study = Study(run.folder, _key(plan, run, device), recipe.seed, layouts)
    if study.others and not study.trained:
        run.progress.say(f"{DATABASE} holds a search of another recipe, other data or options: this one begins anew")
    trainer = Trainer(
        recipe=run.recipe,
        windows=run.windows,
        split=run.split,
        teacher=(run.folder / "teacher").resolve(),
        method=plan.method,
        device=device,
    )
    return _Search(
        recipe=recipe, plan=plan, run=run, prices=prices, trainer=trainer, study=study, began=time.monotonic()
    )


def _require_possible(prices: Prices, plan: SearchPlan) -> None:
    """Refuse bounds that not even the smallest student is within."""
    own = prices.recipe.model.student
    students = (backbone_of(layout, own) for layout in smallest(len(own.stages)))
    student = next(found for found in students if with_student(prices.recipe, found) is not None)
    cost = prices.price(student)
    over = excess(cost, plan.bounds)
    if over:
        least = ", ".join(f"{name} {cost.figure(name):,.0f}" for name in over)
        raise RecipeError(f"the smallest student takes {least}, which is over the bounds: raise them")


def _key(plan: SearchPlan, run: Run, device: str) -> str:
    """What decides every trial; another number of trials goes on with the same search."""
    recipe, windows, split = run.recipe, run.windows, run.split
    return content_key(
        {
            "recipe": recipe.model_dump(mode="json", include={"seed", "model", "train", "distill"}),
            "windows": windows.digest,
            "people": _people(windows, split),
            "bounds": plan.bounds.model_dump(mode="json"),
            "objective": plan.bounds.objective,
            "method": plan.method,
            "device": device,
            "costs": sha256_file(COSTS),
            "tools": versions("torch", "optuna"),
            "code": code_hash(_draw, *_DECIDING),
        }
    )


def _people(windows: WindowSet, split: Split) -> list[list[str]]:
    return [sorted(set(windows.subject[part].tolist())) for part in (split.train, split.validation)]


def _train_candidates(search: _Search, cluster: Cluster | None) -> None:
    """Train the recipe's own student, and layouts as they are drawn, so many at once as there are workers."""
    study, plan, run = search.study, search.plan, search.run
    if todo := _next(search):
        with (
            open_team(search.trainer, run.request, plan.workers, cluster) as train,
            run.progress.track("search", plan.trials, "students") as bar,
        ):
            bar.advance(len(study.finished))
            while todo:
                for number, answer in train(todo):
                    if isinstance(answer, FactoryError):
                        raise _named(number, todo[number], answer) from answer
                    candidate = _candidate(search, todo[number], number, *answer)
                    if number == 0:
                        study.reference = candidate
                        continue
                    study.keep(candidate)
                    best = max(found.macro_f1 for found in study.finished)
                    bar.advance(note=f"macro-F1 {candidate.macro_f1:.3f}, best {best:.3f}")
                    run.request.cancel.raise_if_set()
                todo = _next(search)
    shutil.rmtree(run.folder / CANDIDATES, ignore_errors=True)


def _next(search: _Search) -> dict[int, BackboneRecipe]:
    """Who is trained together now, by number; nobody at the end.

    The recipe's own student is number 0, within the bounds or not: what the others are compared with.
    """
    study, plan, own = search.study, search.plan, search.run.recipe.model.student
    study.tell(plan.bounds.objective)
    todo = {0: own} if study.reference is None else {}
    if todo:
        search.run.progress.say("the recipe's own student ...")
    if len(study.trained) >= plan.trials:
        return todo
    if search.is_late:
        if not todo:
            search.run.progress.say(f"{plan.minutes:g} minutes are over: call again to go on")
        return todo
    _fill_round(search)
    waiting = {w.number: backbone_of(w.layout, own) for w in study.waiting if w.candidate is None}
    todo |= {number: student for number, student in waiting.items() if number <= plan.trials}
    return dict(list(todo.items())[: plan.workers])


def _fill_round(search: _Search) -> None:
    """Draw what is trained together: numbers up to the next multiple of the workers, whatever --trials says.

    So a search that was stopped anywhere, or is given more trials, draws as one that was not.
    """
    study, own = search.study, search.run.recipe.model.student
    while not (waiting := study.waiting) or (len(study.trained) + len(waiting) + 1) % search.plan.workers:
        known = {found.student for found in study.trained} | {backbone_of(drawn.layout, own) for drawn in waiting}
        study.accept(_draw(search, known))


def _draw(search: _Search, known: set[BackboneRecipe]) -> Layout:
    """Draw until a layout is within the bounds and new."""
    for _ in range(_MOST_REJECTED):
        layout = search.study.draw()
        reasons = _reasons(search, backbone_of(layout, search.run.recipe.model.student), known)
        if not reasons:
            return layout
        search.study.reject(layout, reasons)
    raise RecipeError(f"{_MOST_REJECTED} layouts in a row are over the bounds: raise them")


def _reasons(search: _Search, student: BackboneRecipe, known: set[BackboneRecipe]) -> dict[str, float]:
    """Why a layout is not trained; empty where it is."""
    if student in known:
        return {"again": 1.0}
    if with_student(search.run.recipe, student) is None:
        return {"window": 1.0}
    return excess(search.prices.price(student), search.plan.bounds)


def _candidate(search: _Search, student: BackboneRecipe, number: int, score: float, seconds: float) -> Candidate:
    cost = search.prices.price(student)
    within = not excess(cost, search.plan.bounds)
    return Candidate(number=number, student=student, cost=cost, within=within, macro_f1=score, seconds=seconds)


def _named(number: int, student: BackboneRecipe, error: FactoryError) -> FactoryError:
    """The failure of one candidate, which says whose it is."""
    from factory.reporting.layouts import layout_text

    named = type(error)(f"student {number} ({layout_text(student)}): {error}")
    named.exit_code = error.exit_code
    return named


def _finish(search: _Search) -> SearchResult:
    """Choose, verify, and write everything."""
    run, bounds, reference = search.run, search.plan.bounds, search.study.reference
    assert reference is not None, "trained first"
    candidates = [reference, *search.study.trained]
    winner, note = choose_winner(run, candidates, bounds, search.prices)
    candidates[winner.number] = winner
    people = summarise(run.windows, run.split)
    result = SearchResult(
        recipe=search.recipe,
        plan=search.plan,
        epochs=run.recipe.train.student_epochs,
        train_subjects=people.train_subjects,
        validation_subjects=people.validation_subjects,
        candidates=tuple(candidates),
        rejected=search.study.rejected,
        pareto=pareto(candidates, bounds.objective),
        winner=winner.number,
        note=note,
        provenance=provenance(),
    )
    _write(run.folder, result)
    return result


def pareto(candidates: Sequence[Candidate], objective: str) -> tuple[int, ...]:
    """Numbers of those that no other beats in cost and macro-F1, cheapest first."""
    ordered = sorted(candidates, key=lambda c: (c.cost.figure(objective), -c.macro_f1))
    best, numbers = -1.0, []
    for candidate in ordered:
        if candidate.macro_f1 > best:
            best = candidate.macro_f1
            numbers.append(candidate.number)
    return tuple(numbers)


def winning_recipe(result: SearchResult) -> Recipe:
    """The recipe with the winner as its student, held to the same bounds on instructions."""
    recipe = result.recipe
    found = with_student(recipe, result.candidate(result.winner).student)
    assert found is not None, "it was trained"
    bounds = {**recipe.export.max_instructions, **result.plan.bounds.max_instructions}
    name = result.plan.name or derived_name(recipe, _SUFFIX)
    export = recipe.export.model_copy(update={"max_instructions": bounds})
    return found.model_copy(update={"name": name, "export": export})


def _write(folder: Path, result: SearchResult) -> None:
    from factory.reporting.layouts import pareto_picture

    with atomic_write(folder / RECIPE) as temporary:
        temporary.write_text(winning_recipe(result).to_toml(), "utf-8")
    pareto_picture(result, folder / PICTURE)
    write_json(result, folder / RESULT)
