"""Does `factory data show` find a wrong label? python tests/benchmarks/mislabelled.py demo hapt --data FOLDER.

Gives one random labelled stretch at a time another random label of the recipe, and prints at which place of "Look here
first" it stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from factory.contracts.dataset import Ints, Recording
from factory.contracts.overview import Overview
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe
from factory.data.overview import Collector
from factory.data.preparation import plan_classes
from factory.data.sources import Source, open_source
from factory.data.windows import choose_channels
from factory.recipes import find_recipe

_LEAST_S = 1.0
"""Shorter stretches are not compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Samples of one recording with one label."""

    recording: int
    begin: int
    end: int
    label: int


def stretches(recordings: list[Recording]) -> Iterator[Stretch]:
    """All that are long enough to be compared."""
    for index, item in enumerate(recordings):
        edges = [0, *(np.flatnonzero(np.diff(item.labels)) + 1).tolist(), len(item.labels)]
        for begin, end in pairwise(edges):
            if item.labels[begin] >= 0 and item.time_s[end - 1] - item.time_s[begin] >= _LEAST_S:
                yield Stretch(recording=index, begin=begin, end=end, label=int(item.labels[begin]))


def look(source: Source, recipe: DataRecipe, folder: Path, recordings: list[Recording]) -> Overview:
    """What the page would show of these recordings."""
    columns = choose_channels([channel.name for channel in source.channels], recipe.channels)
    collector = Collector(source, recipe, "", columns, plan_classes(recipe, source, folder), ())
    for item in recordings:
        collector.add(item)
    return collector.result()


def place_of(seen: Overview, recordings: list[Recording], wrong: Stretch) -> int | None:
    """At which place, from 1, the first part of the stretch is listed; None if it is not."""
    time_s = recordings[wrong.recording].time_s
    for place, suspect in enumerate(seen.suspects):
        overlaps = suspect.begin_s < time_s[wrong.end - 1] and suspect.end_s > time_s[wrong.begin]
        if suspect.recording == wrong.recording and overlaps:
            return place + 1
    return None


def main(
    recipes: list[str],
    data: Annotated[Path, typer.Option(help="Folder of the official data sets.")],
    swaps: Annotated[int, typer.Option(help="Labels to swap, one at a time.")] = 40,
) -> None:
    """Print, for each recipe, how many swapped labels stand where."""
    typer.echo("| recipe | stretches | swapped | first | in the first five | listed |\n|---|---|---|---|---|---|")
    for name in recipes:
        recipe = find_recipe(name).data
        source = open_source(recipe.source)
        recordings = list(source.recordings(data, Silent()))
        found = list(stretches(recordings))
        rng = np.random.default_rng(0)
        places = []
        for _ in range(swaps):
            wrong = found[int(rng.integers(len(found)))]
            others = [label for label in range(len(source.labels)) if label != wrong.label]
            labels: Ints = np.array(recordings[wrong.recording].labels)
            labels[wrong.begin : wrong.end] = others[int(rng.integers(len(others)))]
            changed = list(recordings)
            changed[wrong.recording] = replace(recordings[wrong.recording], labels=labels)
            places.append(place_of(look(source, recipe, data, changed), changed, wrong))
        listed = [place for place in places if place is not None]
        first, five = sum(place == 1 for place in listed), sum(place <= 5 for place in listed)
        typer.echo(f"| {name} | {len(found)} | {swaps} | {first} | {five} | {len(listed)} |")


if __name__ == "__main__":
    typer.run(main)
