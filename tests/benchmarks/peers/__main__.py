"""Published networks beside our student, at equal training, by accuracy and by instructions on ARM.

python -m tests.benchmarks.peers OUT.json --data DATA [--recipe hapt --recipe motionsense] [--seed 0] [--epochs 20]
    [--network TinierHAR ...] [--target ort_mobile ...] [--picture docs/images/peers.png]

DATA holds a folder a data set. Every network gets the recipe's windows, split, optimiser, schedule and augmentation,
cross-entropy, and equal epochs: the recipe's student_epochs unless --epochs says otherwise. Our student is the
recipe's, as it is today, with its first head. Files are made for LiteRT, ONNX Runtime and ExecuTorch, answer the test
split on this host, and are counted on the emulated cores (factory devices setup arm64). What is finished is kept in
OUT.json and in --work, and not repeated; `--table` prints what is there and draws the picture.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer

from factory.contracts.dataset import Ints
from factory.contracts.files import atomic_write
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.contracts.scores import confusion, macro_f1
from factory.data import make_split, prepare
from factory.pipeline.provenance import provenance
from factory.quantize.calibration import choose_calibration
from factory.recipes import find_recipe
from factory.training import predict
from factory.training.data import training_data
from factory.training.teacher import training_indices
from tests.benchmarks.peers.exporting import TARGETS, Wanted, answers, count, export
from tests.benchmarks.peers.networks import NAMES
from tests.benchmarks.peers.picture import draw
from tests.benchmarks.peers.recurrent import macs
from tests.benchmarks.peers.results import PeerFile, PeerResults, PeerRow, table
from tests.benchmarks.peers.training import Cell, train

_ASKED = 32
"""Test windows that the emulated cores answer too."""


def main(
    out: Path,
    data: Annotated[Path, typer.Option(help="folder of the data sets' folders")] = Path("data"),
    work: Annotated[Path, typer.Option(help="folder of windows, weights and files")] = Path("build/peers"),
    recipe: Annotated[list[str], typer.Option(help="may be repeated")] = ["hapt", "motionsense"],  # noqa: B006
    seed: Annotated[list[int], typer.Option(help="may be repeated")] = [0],  # noqa: B006
    network: Annotated[list[str], typer.Option(help="may be repeated")] = list(NAMES),  # noqa: B006
    target: Annotated[list[str], typer.Option(help="of the files; may be repeated")] = list(TARGETS),  # noqa: B006
    epochs: Annotated[int | None, typer.Option(min=1, help="of every network; the recipe's if not given")] = None,
    device: Annotated[str, typer.Option(help="torch's name, to train on")] = "cpu",
    picture: Annotated[Path | None, typer.Option(help="PNG, drawn from OUT.json")] = None,
    only_table: Annotated[bool, typer.Option("--table", help="train and count nothing")] = False,
) -> None:
    """Train, export, count and score what is not yet in `out`, then print the tables."""
    torch.set_num_threads(1)
    results = _read(out)
    for name in [] if only_table else recipe:
        for one in seed:
            for row in _rows(results, find_recipe(name, one), epochs, network, target, data, work, device):
                results = results.model_copy(update={"rows": (*results.rows, row)})
                with atomic_write(out) as temporary:
                    temporary.write_text(results.model_dump_json(indent=1) + "\n", "utf-8")
    typer.echo("\n".join(table(results)))
    if picture is not None and results.rows:
        draw(results, picture)


def _read(out: Path) -> PeerResults:
    if out.exists():
        return PeerResults.model_validate_json(out.read_text("utf-8"))
    command = shlex.join(["python", "-m", "tests.benchmarks.peers", *sys.argv[1:]])
    return PeerResults(command=command, provenance=provenance())


def _rows(
    results: PeerResults,
    recipe: Recipe,
    epochs: int | None,
    names: list[str],
    targets: list[str],
    data: Path,
    work: Path,
    device: str,
) -> Iterator[PeerRow]:
    """The rows of one recipe and seed that are missing."""
    shortened = {"int8_epochs": 0} | ({} if epochs is None else {"student_epochs": epochs})
    recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update=shortened)})
    of_recipe = (recipe.name, recipe.seed, recipe.train.student_epochs)
    done = {row.network for row in results.rows if (row.recipe, row.seed, row.epochs) == of_recipe}
    missing = [name for name in names if name not in done]
    if not missing:
        return
    source = recipe.data.source
    windows = prepare(recipe.data, None if source == "watch" else data / source, work / "cache", Silent())
    split = make_split(windows, recipe.split, recipe.seed)
    for name in missing:
        folder = work / recipe.name / str(recipe.seed) / name
        cell = Cell(network=name, recipe=recipe, windows=windows, split=split, folder=folder)
        yield _row(cell, device, targets)


def _row(cell: Cell, device: str, targets: list[str]) -> PeerRow:
    recipe, windows = cell.recipe, cell.windows
    network = train(cell, device)
    known, test = training_indices(recipe, cell.split), cell.split.test
    wanted = Wanted(
        spec=windows.spec,
        normalisation=training_data(recipe, windows, known).normalisation,
        calibration=choose_calibration(windows, known, recipe.export.calibration_windows, recipe.seed),
        folder=cell.folder,
    )
    x, y, classes = windows.x[test], windows.y[test], len(windows.spec.labels)

    def score(predicted: Ints) -> float:
        return macro_f1(confusion(y, predicted, classes))

    artifacts, refused = export(network, wanted, targets)
    files = tuple(
        PeerFile(
            target=artifact.target,
            precision=artifact.precision,
            runtime=artifact.runtime,
            size_bytes=artifact.size_bytes,
            macro_f1=score(answers(artifact, cell.folder, x).argmax(axis=1)),
            instructions=counts,
        )
        for artifact, counts in count(artifacts, cell.folder, x[:_ASKED])
    )
    return PeerRow(
        recipe=recipe.name,
        seed=recipe.seed,
        network=cell.network,
        epochs=recipe.train.student_epochs,
        train_windows=len(known),
        test_windows=len(test),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=macs(network, len(windows.spec.channels), windows.spec.length),
        macro_f1=score(predict(network, x).argmax(axis=1)),
        files=files,
        refused=refused,
    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    typer.run(main)
