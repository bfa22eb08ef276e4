"""`--minutes`: a recipe's epochs cut down to what this machine can train in that time.

Steps of teacher and student are timed for a few seconds; all epochs are then multiplied by one factor, at most 1. What
was decided stands in budget.json, so that the same command finds the same recipe again, and in the build's recipe.toml,
so that the build can be repeated elsewhere.
"""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pydantic import Field

from factory.artifacts.store import content_key
from factory.contracts.base import Contract
from factory.contracts.errors import RecipeError
from factory.contracts.progress import Silent
from factory.contracts.recipe import UNTAUGHT, BackboneRecipe, Recipe
from factory.contracts.stored import read_json, write_json
from factory.pipeline.request import Run
from factory.pipeline.stages import can_judge_lead

BUDGET = "budget.json"
_ROUNDS, _STEPS = 6, 3
"""Rounds of so many steps; the first one allocates and is not counted."""
_LEAST_S = 1e-3
_FORWARD = 1 / 3
"""Of a step: what a teacher costs that only answers."""
_INT8 = 1.6
"""A step with int8 rounding, in steps under the teacher."""
_EPOCHS = ("search_epochs", "teacher_epochs", "student_epochs", "int8_epochs")


class Budget(Contract):
    """budget.json: what was decided, and for which recipe and windows."""

    key: str
    minutes: float
    factor: float = Field(gt=0, le=1, description="of every number of epochs")


class StepTimes(Contract):
    """Seconds of a training step with one batch."""

    teacher: float = Field(gt=0)
    student: float = Field(gt=0)


def within(run: Run, minutes: float) -> Run:
    """The run with fewer epochs, if its recipe's would take longer than that; else itself.

    Raises:
        RecipeError: Not even one epoch of each training fits.
        ArtifactError: budget.json is corrupt.
    """
    recipe, path = run.recipe, run.folder / BUDGET
    key = content_key(
        {"recipe": recipe.model_dump(mode="json"), "windows": run.windows.digest, "device": run.request.device}
    )
    known = read_json(Budget, path, "remove it") if path.exists() else None
    if known is None or (known.key, known.minutes) != (key, minutes):
        times = time_steps(run)
        known = Budget(key=key, minutes=minutes, factor=_factor(run, times, 60 * minutes))
        write_json(known, path)
    shorter = shortened(recipe, known.factor)
    train = shorter.train
    if shorter != recipe:
        run.progress.say(
            f"{minutes:g} minutes: {train.teacher_epochs} of {recipe.train.teacher_epochs} epochs of each teacher, "
            f"{train.student_epochs} of {recipe.train.student_epochs} of the student"
        )
    return run.with_recipe(shorter)


def shortened(recipe: Recipe, factor: float) -> Recipe:
    """Every number of epochs times a factor, one at least; none stays none."""
    train = recipe.train
    epochs = {name: max(min(1, getattr(train, name)), math.floor(factor * getattr(train, name))) for name in _EPOCHS}
    return recipe.model_copy(update={"train": train.model_copy(update=epochs)})


def seconds(recipe: Recipe, times: StepTimes, searched: int, steps: int, judged: bool) -> float:
    """What all trainings of a recipe take.

    Args:
        recipe: Epochs, number of teachers, whether a teacher teaches.
        times: Of a step.
        searched: Steps an epoch of the head search, which leaves validation people out.
        steps: Of any other epoch.
        judged: Whether the teacher's lead is measured before.
    """
    train, distill = recipe.train, recipe.distill
    answers = 0.0 if distill.method in UNTAUGHT else train.teachers * _FORWARD * times.teacher
    taught = times.student + answers
    lead = max(1, round(distill.lead * train.student_epochs)) if judged and distill.lead else 0
    total = train.teachers * (train.teacher_epochs * steps + lead * searched) * times.teacher
    total += (train.search_epochs * searched if len(recipe.model.heads) > 1 else 0) * times.teacher
    total += lead * searched * times.student
    return total + (train.student_epochs + _INT8 * train.int8_epochs) * steps * taught


def time_steps(run: Run) -> StepTimes:
    """Train both networks for a few steps and throw them away."""
    from factory.devices.host import choose_device

    device, model = choose_device(run.request.device), run.recipe.model
    return StepTimes(teacher=_time(run, model.teacher, device, teacher=True), student=_time(run, model.student, device))


def _factor(run: Run, times: StepTimes, available: float) -> float:
    from factory.training.teacher import labelled_batches, training_indices

    recipe, split = run.recipe, run.split
    searched, steps = (
        max(1, labelled_batches(recipe, split, len(known)).steps)
        for known in (split.train, training_indices(recipe, split))
    )
    judged = recipe.distill.method == "smldist" and can_judge_lead(recipe, run.windows, split)

    def wanted(factor: float) -> float:
        return seconds(shortened(recipe, factor), times, searched, steps, judged)

    most = max(int(getattr(recipe.train, name)) for name in _EPOCHS)
    factors = [step / most for step in range(most, 0, -1)]
    found = next((factor for factor in factors if wanted(factor) <= available), None)
    if found is None:
        least = wanted(factors[-1]) / 60
        raise RecipeError(
            f"--minutes {available / 60:g}: one epoch of each training takes {least:.1f} minutes here: allow more, "
            "or lower train.teachers"
        )
    return found


def _time(run: Run, backbone: BackboneRecipe, device: str, teacher: bool = False) -> float:
    from factory.models import build_network
    from factory.training.batches import Batches
    from factory.training.data import network_spec, training_data
    from factory.training.loop import Fit, fit
    from factory.training.teacher import cross_entropy

    recipe, train = run.recipe, run.recipe.train
    windows = run.windows.for_teacher() if teacher else run.windows
    data = training_data(recipe, windows, run.split.train)
    network = build_network(network_spec(recipe, backbone, recipe.model.heads[0], windows, data.normalisation))
    batches = Batches(((np.arange(len(data.x)), train.batch),), _STEPS)
    with TemporaryDirectory() as folder:
        plan = Fit(
            phase="timing",
            key="",
            epochs=_ROUNDS,
            seed=recipe.seed,
            device=device,
            folder=Path(folder),
            recipe=train,
            augment=data.augment,
        )
        history = fit(plan, network.to(device), cross_entropy(network, train), data.x, data.y, Silent(), batches)
    timed = [float(row["seconds"]) for row in history[1:]]
    return max(float(np.median(timed)), _LEAST_S) / _STEPS
