"""Which layout of a student is worth having: trained for equal steps, judged on people of the training side.

python tests/benchmarks/layouts.py OUT.json --data DATA [--sets hapt_6,hapt_12] [--layouts mobilenet,s4b] [--steps 2000]
    [--seeds 2] [--method smldist]

By cross-entropy alone unless `--method smldist` gives every student the same teachers, one ensemble a group of people.

DATA holds a folder a data set (hapt, motionsense, uci_har). A recipe's training people are dealt into groups; each
group is held out once, so every person is answered for once a seed. Test subjects are never read. Finished cells are
kept in OUT.json and not repeated; `--table` prints what is there. Differences to `mobilenet` are paired by person and
seed; their brackets are 95 % of 2000 draws of people.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from factory.contracts.dataset import Ints, Split, WindowSet
from factory.contracts.files import atomic_write
from factory.contracts.progress import Silent
from factory.contracts.recipe import BackboneRecipe, Recipe
from factory.contracts.scores import class_f1, confusion, macro_f1
from factory.data import make_split, prepare
from factory.models import Network, fold, load_network
from factory.models.cost import network_cost
from factory.models.int8 import imitate_int8, release_weights
from factory.quantize.calibration import choose_calibration
from factory.recipes import find_recipe
from factory.training import predict, train_student, train_teacher
from factory.training.alone import train_alone
from tests.benchmarks.student_layouts import BASELINE, LAYOUTS

_BASIC = ("walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying")
_CALIBRATION, _DRAWS = 512, 2000
_HEADER = (
    "| layout | parameters | MACs | CPU s | people x seeds | macro-F1 | difference | worst class | int8 - float "
    "| agreement |\n|---|---|---|---|---|---|---|---|---|---|"
)
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Windows of a shipped recipe, and into how many groups its training people are dealt."""

    recipe: str
    groups: int
    labels: tuple[str, ...] | None = None


class Method(StrEnum):
    """How students are trained."""

    CROSS_ENTROPY = "cross_entropy"
    SMLDIST = "smldist"


TASKS = {
    "hapt_6": Task(recipe="hapt", groups=3, labels=_BASIC),
    "hapt_12": Task(recipe="hapt", groups=3),
    "motionsense": Task(recipe="motionsense", groups=4),
    "watch": Task(recipe="demo", groups=3),
    "uci_har_6ch": Task(recipe="uci_har_6ch", groups=3),
}


def main(
    out: Path,
    data: Annotated[Path, typer.Option(help="folder of the data sets' folders")] = Path("data"),
    cache: Annotated[Path, typer.Option(help="folder of prepared windows")] = Path("cache"),
    sets: Annotated[str, typer.Option()] = ",".join(TASKS),
    layouts: Annotated[str, typer.Option()] = ",".join(LAYOUTS),
    steps: Annotated[int, typer.Option(min=1)] = 2000,
    seeds: Annotated[int, typer.Option(min=1)] = 2,
    method: Annotated[Method, typer.Option()] = Method.CROSS_ENTROPY,
    table: Annotated[bool, typer.Option("--table", help="print what is there, train nothing")] = False,
) -> None:
    """Train what is not yet in `out`, then print the table."""
    torch.set_num_threads(1)
    rows: list[Row] = json.loads(out.read_text()) if out.exists() else []
    chosen_sets, chosen_layouts = sets.split(","), layouts.split(",")
    if not table:
        done = {_cell(row) for row in rows}
        for name in chosen_sets:
            for row in _missing_rows(name, chosen_layouts, steps, range(seeds), method, data, cache, done):
                rows.append(row)
                with atomic_write(out) as temporary:
                    temporary.write_text(json.dumps(rows))
    for name in chosen_sets:
        of_set = [row for row in rows if (row["set"], row["steps"], row["method"]) == (name, steps, method)]
        typer.echo("\n".join(_table(name, of_set, chosen_layouts)))


def _cell(row: Row) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("set", "steps", "method", "seed", "group", "layout"))


def _missing_rows(
    name: str,
    layouts: Sequence[str],
    steps: int,
    seeds: Iterable[int],
    method: Method,
    data: Path,
    cache: Path,
    done: set[Any],
) -> Iterator[Row]:
    """One row a cell that is not done, seeds outermost, so that a stopped study holds whole seeds."""
    task = TASKS[name]
    cells = [(seed, group, layout) for seed in seeds for group in range(task.groups) for layout in layouts]
    missing = [cell for cell in cells if (name, steps, method, *cell) not in done]
    if not missing:
        return
    recipe = find_recipe(task.recipe, 0)
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"labels": task.labels})})
    source = recipe.data.source
    windows = prepare(recipe.data, None if source == "watch" else data / source, cache, Silent())
    for seed, group, layout in missing:
        train, held = held_out_group(recipe, windows, group, task.groups)
        teacher = cache / "teachers" / f"{name}-{group}-{steps}" if method is Method.SMLDIST else None
        recipe_of_cell = _with_steps(recipe, len(train), steps, seed, LAYOUTS[layout])
        measured = _measure(recipe_of_cell, windows, train, held, teacher)
        yield {
            "set": name,
            "steps": steps,
            "method": str(method),
            "seed": seed,
            "group": group,
            "layout": layout,
        } | measured


def held_out_group(recipe: Recipe, windows: WindowSet, group: int, groups: int) -> tuple[Ints, Ints]:
    """Indices to train on and held out, by subject, both of the recipe's training subjects."""
    split = make_split(windows, recipe.split, 0)
    known = np.sort(np.concatenate([split.train, split.validation]))
    subjects = np.random.default_rng(5).permutation(np.unique(windows.subject[known]))
    away = np.isin(windows.subject[known], subjects[group::groups])
    return known[~away], known[away]


def _with_steps(recipe: Recipe, windows: int, steps: int, seed: int, backbone: BackboneRecipe) -> Recipe:
    """The recipe with epochs that come closest to `steps`, a linear head and this student, none for int8 arithmetic."""
    epochs = max(1, round(steps / (windows // recipe.train.batch)))
    train = recipe.train.model_copy(update={"student_epochs": epochs, "teacher_epochs": epochs, "int8_epochs": 0})
    model = recipe.model.model_copy(update={"student": backbone, "heads": ("linear",)})
    return recipe.model_copy(update={"seed": seed, "train": train, "model": model})


def _measure(recipe: Recipe, windows: WindowSet, train: Ints, held: Ints, teacher: Path | None) -> Row:
    """Train one student; what it costs, and a confusion matrix a held-out person, in float and rounded to int8."""
    split = Split(train=train, validation=train[:0], test=held)
    if teacher is not None and not (teacher / "summary.json").exists():
        train_teacher(recipe.model_copy(update={"seed": 0}), windows, split, teacher, "cpu", Silent())
    began = time.process_time()
    with TemporaryDirectory() as folder:
        student = _student(recipe, windows, split, teacher, Path(folder))
    seconds = time.process_time() - began
    x, y, people = np.ascontiguousarray(windows.x[held]), windows.y[held], windows.subject[held]
    answers = {
        "float": predict(student.eval(), x).argmax(axis=1),
        "int8": _rounded_answers(student, choose_calibration(windows, train, _CALIBRATION, 0), x),
    }
    classes = len(windows.spec.labels)
    cost = network_cost(student)
    return {
        "labels": list(windows.spec.labels),
        "cpu_s": round(seconds, 1),
        "parameters": cost.parameters,
        "macs": cost.macs,
        "agreement": float((answers["float"] == answers["int8"]).mean()),
        **{
            kind: {str(p): confusion(y[people == p], given[people == p], classes).tolist() for p in np.unique(people)}
            for kind, given in answers.items()
        },
    }


def _student(recipe: Recipe, windows: WindowSet, split: Split, teacher: Path | None, folder: Path) -> Network:
    """Trained by cross-entropy alone, or as `factory train` trains one."""
    if teacher is None:
        return train_alone(recipe, windows, split, "linear", folder, "cpu", Silent())
    train_student(recipe, windows, split, teacher, folder, "cpu", Silent())
    return load_network(folder)


def _rounded_answers(student: Network, calibration: NDArray[np.float32], x: NDArray[np.float32]) -> Ints:
    """Class indices of the student with int8 rounding, scales of the calibration windows (N, C, T)."""
    folded = fold(student)
    rounded = imitate_int8(folded).train()
    with torch.inference_mode():
        rounded(torch.from_numpy(np.array(calibration)).unsqueeze(2))
    answers: Ints = predict(rounded, x).argmax(axis=1)
    release_weights(folded)
    return answers


def _table(name: str, rows: list[Row], layouts: Sequence[str]) -> Iterator[str]:
    """Markdown, one row a layout, over the people and seeds that it shares with the baseline."""
    known = {layout: _by_person([row for row in rows if row["layout"] == layout]) for layout in layouts}
    if not known.get(BASELINE):
        yield f"{name}: no cell of {BASELINE} yet"
        return
    labels = rows[0]["labels"]
    how = f"{rows[0]['steps']} steps, {rows[0]['method']}"
    yield f"\n{name}, {how}; macro-F1 of held-out people, differences to {BASELINE} in pp\n"
    yield _HEADER
    for layout, mine in known.items():
        shared = sorted(mine.keys() & known[BASELINE].keys())
        if not shared:
            continue
        of_layout = [row for row in rows if row["layout"] == layout]
        ours = np.array([mine[key] for key in shared])
        theirs = np.array([known[BASELINE][key] for key in shared])
        low, high = difference_interval(shared, ours[:, 0], theirs[:, 0])
        by_class = class_f1(ours[:, 0].sum(0)) - class_f1(theirs[:, 0].sum(0))
        worst = int(by_class.argmin())
        score, rounded = macro_f1(ours[:, 0].sum(0)), macro_f1(ours[:, 1].sum(0))
        yield (
            f"| {layout} | {of_layout[0]['parameters']} | {of_layout[0]['macs']} "
            f"| {np.mean([row['cpu_s'] for row in of_layout]):.0f} | {len(shared)} | {score:.4f} "
            f"| {100 * (score - macro_f1(theirs[:, 0].sum(0))):+.2f} [{100 * low:+.2f}, {100 * high:+.2f}] "
            f"| {labels[worst]} {100 * by_class[worst]:+.1f} | {100 * (rounded - score):+.2f} "
            f"| {np.mean([row['agreement'] for row in of_layout]):.4f} |"
        )


def _by_person(rows: Iterable[Row]) -> dict[tuple[int, str], tuple[Ints, Ints]]:
    """(seed, person) to the confusion matrices in float and int8."""
    return {
        (row["seed"], person): (np.array(row["float"][person]), np.array(row["int8"][person]))
        for row in rows
        for person in row["float"]
    }


def difference_interval(keys: Sequence[tuple[int, str]], ours: Ints, theirs: Ints) -> tuple[float, float]:
    """95 % of the difference in macro-F1 over draws of people; a person's seeds are drawn together."""
    people = sorted({person for _, person in keys})
    of_person = [[index for index, (_, other) in enumerate(keys) if other == person] for person in people]
    generator = np.random.default_rng(0)
    differences = []
    for _ in range(_DRAWS):
        drawn = [index for place in generator.integers(0, len(people), len(people)) for index in of_person[place]]
        differences.append(macro_f1(ours[drawn].sum(0)) - macro_f1(theirs[drawn].sum(0)))
    low, high = np.quantile(differences, (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    typer.run(main)
