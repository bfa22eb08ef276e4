"""What a student gains from a teacher that sees more sensors and answers for people whom nobody labelled.

python -m tests.benchmarks.few_labels OUT.json --data DATA [--folds 4] [--seeds 2] [--labelled 2] [--table]

DSADS, 25 Hz, windows of 64 samples: the student sees acceleration and angular rate of the right arm (6 channels), the
people are dealt into groups, each tests once, and of those that are left `--labelled` keep their labels, others from
seed to seed. All three ways take the same student (`s4b` of layouts.py) and equal steps:

- cross_entropy: the labelled people alone;
- own: three teachers on the student's 6 channels answer for the unlabelled people;
- wide: three teachers on all 45 channels do.

Finished cells are kept in OUT.json and not repeated; `--table` prints what is there. Differences to cross_entropy are
paired by person and seed; their brackets are 95 % of draws of people, p is of a sign-flip test over people.
"""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.files import atomic_write
from factory.contracts.progress import Silent
from factory.contracts.recipe import (
    AugmentRecipe,
    DataRecipe,
    DistillRecipe,
    ModelRecipe,
    Recipe,
    SplitRecipe,
    TrainRecipe,
)
from factory.contracts.scores import confusion, macro_f1
from factory.data import make_split, prepare
from factory.data.sources import open_source
from factory.models import load_network
from factory.training import predict, train_student, train_teacher
from factory.training.lead import measure_lead
from tests.benchmarks.student_layouts import LAYOUTS, plain_layout

CONTROL, OWN, WIDE = "cross_entropy", "own", "wide"
_ARM = tuple(f"right_arm_{sensor}_{axis}" for sensor in ("acc", "gyro") for axis in "xyz")
_TEACHER = plain_layout((24, 9, 4), (48, 1, 5, 2), (96, 1, 5, 2), (96, 1, 3, 1), features=128)
_DRAWS = 2000
Row = dict[str, Any]


def main(
    out: Path,
    data: Annotated[Path, typer.Option(help="folder of the data sets' folders")] = Path("data"),
    cache: Annotated[Path, typer.Option(help="folder of prepared windows")] = Path("cache"),
    folds: Annotated[int, typer.Option(min=2)] = 4,
    seeds: Annotated[int, typer.Option(min=1)] = 2,
    labelled: Annotated[int, typer.Option(min=2)] = 2,
    ways: Annotated[str, typer.Option()] = ",".join((CONTROL, WIDE, OWN)),
    teacher_epochs: Annotated[int, typer.Option(min=1)] = 8,
    student_epochs: Annotated[int, typer.Option(min=1)] = 15,
    mixed: Annotated[float, typer.Option(help="train.mixed of whoever learns from labels alone")] = 0.5,
    edge: Annotated[str, typer.Option(help="train.augment.edge")] = "reflect",
    table: Annotated[bool, typer.Option("--table", help="print what is there, train nothing")] = False,
) -> None:
    """Train what is not yet in `out`, then print the table."""
    torch.set_num_threads(1)
    rows: list[Row] = json.loads(out.read_text()) if out.exists() else []
    for way, seed, fold in product(ways.split(","), range(seeds), range(folds)) if not table else ():
        cell = {"way": way, "seed": seed, "fold": fold, "folds": folds, "labelled": labelled}
        cell |= {"teacher_epochs": teacher_epochs, "student_epochs": student_epochs, "mixed": mixed, "edge": edge}
        if any(cell.items() <= row.items() for row in rows):
            continue
        rows.append(cell | _measure(cell, data / "dsads", cache))
        with atomic_write(out) as temporary:
            temporary.write_text(json.dumps(rows, indent=1))
    for kind in dict.fromkeys((row["mixed"], row["edge"]) for row in rows):
        typer.echo(f"\ntrain.mixed = {kind[0]}, train.augment.edge = {kind[1]!r}\n")
        typer.echo("\n".join(_table([row for row in rows if (row["mixed"], row["edge"]) == kind])))


def _measure(cell: Row, data: Path, cache: Path) -> Row:
    """One student: the lead of its teacher, seconds, and a confusion matrix a test person."""
    recipe = _recipe(cell)
    windows = prepare(recipe.data, data, cache, Silent())
    split = make_split(windows, recipe.split, recipe.seed)
    began = time.process_time()
    with TemporaryDirectory() as folder:
        lead = _train(recipe, windows, split, Path(folder), cell["way"])
        answers = predict(load_network(Path(folder) / "student"), windows.x[split.test]).argmax(axis=1)
    people, classes = windows.subject[split.test], len(windows.spec.labels)
    return {
        "people": sorted(set(windows.subject[np.concatenate([split.train, split.validation])].tolist())),
        "lead_pp": lead,
        "cpu_s": round(time.process_time() - began, 1),
        "confusion": {
            str(name): confusion(windows.y[split.test][people == name], answers[people == name], classes).tolist()
            for name in np.unique(people)
        },
    }


def _train(recipe: Recipe, windows: WindowSet, split: Split, folder: Path, way: str) -> float | None:
    """student/ in `folder`; the teacher's lead in pp, which decides nothing here."""
    teacher = folder / "teacher"
    if way == CONTROL:  # needs a teacher's folder for the head alone
        one = recipe.model_copy(update={"train": recipe.train.model_copy(update={"teachers": 1, "teacher_epochs": 1})})
        train_teacher(one, windows, split, teacher, "cpu", Silent())
        train_student(recipe, windows, split, teacher, folder / "student", "cpu", Silent())
        return None
    lead = measure_lead(recipe, windows, split, folder / "lead", "cpu", Silent())
    train_teacher(recipe, windows, split, teacher, "cpu", Silent())
    train_student(recipe, windows, split, teacher, folder / "student", "cpu", Silent())
    return round(lead.pp, 2)


def _recipe(cell: Row) -> Recipe:
    everything = tuple(channel.name for channel in open_source("dsads").channels)
    return Recipe(
        name="few_labels",
        summary="right arm, few labelled people",
        seed=cell["seed"],
        data=DataRecipe(
            source="dsads",
            channels=_ARM,
            teacher_channels=everything if cell["way"] == WIDE else None,
            rate_hz=25.0,
            window=64,
            hop=64,
        ),
        # Groups of seed 0 alike for all seeds, so that each person tests once a seed.
        split=SplitRecipe(
            kind="subjects",
            test_subjects=_test_group(cell["fold"], cell["folds"]),
            labelled_people=cell["labelled"],
        ),
        model=ModelRecipe(student=LAYOUTS["s4b"], teacher=_TEACHER, heads=("linear",)),
        train=TrainRecipe(
            teacher_epochs=cell["teacher_epochs"],
            student_epochs=cell["student_epochs"],
            int8_epochs=0,
            mixed=cell["mixed"],
            augment=AugmentRecipe(shift=6, edge=cell["edge"]),
        ),
        distill=DistillRecipe(method="cross_entropy" if cell["way"] == CONTROL else "smldist", temperature=2.0),
    )


def _test_group(fold: int, folds: int) -> tuple[str, ...]:
    people = np.random.default_rng(5).permutation([str(number) for number in range(1, 9)])
    return tuple(people[fold::folds].tolist())


def _table(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown, one line a way, over the people and seeds that it shares with the control."""
    yield "| way | people x seeds | macro-F1 | difference, pp | p | people better | lead, pp | CPU s |"
    yield "|---|---|---|---|---|---|---|---|"
    control = _by_person(rows, CONTROL)
    for way in (CONTROL, OWN, WIDE):
        ours = _by_person(rows, way)
        shared = sorted(ours.keys() & control.keys())
        if not shared:
            continue
        people = sorted({person for _, person in shared})
        by_person = np.array([np.mean([ours[k] - control[k] for k in shared if k[1] == name]) for name in people])
        leads = [row["lead_pp"] for row in rows if row["way"] == way and row["lead_pp"] is not None]
        cells = [way, str(len(shared)), f"{np.mean([ours[key] for key in shared]):.3f}"]
        if way == CONTROL:
            cells += ["", "", "", ""]
        else:
            low, high = _interval(by_person)
            cells += [
                f"{100 * by_person.mean():+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]",
                f"{_sign_flip(by_person):.3f}",
            ]
            cells += [f"{int((by_person > 0).sum())} of {len(people)}", f"{np.mean(leads):+.1f}"]
        seconds = np.mean([row["cpu_s"] for row in rows if row["way"] == way])
        yield f"| {' | '.join([*cells, f'{seconds:.0f}'])} |"


def _by_person(rows: Sequence[Row], way: str) -> dict[tuple[int, str], float]:
    """(seed, person) to macro-F1."""
    return {
        (row["seed"], name): macro_f1(np.array(matrix))
        for row in rows
        if row["way"] == way
        for name, matrix in row["confusion"].items()
    }


def _interval(differences: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float]:
    """95 % of the mean over draws of people."""
    drawn = np.random.default_rng(0).choice(differences, (_DRAWS, len(differences)))
    low, high = np.quantile(drawn.mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _sign_flip(differences: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Two-sided: how many of all choices of signs give a mean at least as far from 0."""
    signs = np.array(list(product((-1, 1), repeat=len(differences))))
    means = np.abs((signs * differences).mean(axis=1))
    return float((means >= abs(differences.mean()) - 1e-12).mean())


if __name__ == "__main__":
    typer.run(main)
