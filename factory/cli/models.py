"""`factory models`: what teacher and student cost, with each head, before anything is trained."""

from typing import TYPE_CHECKING

import factory
from factory.cli._options import JsonOption, RecipeArgument
from factory.cli._output import print_json

if TYPE_CHECKING:
    from factory.contracts.recipe import BackboneRecipe, HeadKind, Recipe


def models(recipe: RecipeArgument = "demo", as_json: JsonOption = False) -> None:
    """Print parameters, multiply-accumulates and peak activation memory of a recipe's networks.

    Example: factory models uci_har
    """
    rows = _rows(recipe)
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("network", "head")
    for title in ("parameters", "MACs", "peak activations kB"):
        table.add_column(title, justify="right")
    for row in rows:
        peak = f"{int(row['peak_activation_bytes']) / 1000:.1f}"
        table.add_row(str(row["network"]), str(row["head"]), f"{row['parameters']:,}", f"{row['macs']:,}", peak)
    Console().print(table)


def _rows(name: str) -> list[dict[str, int | str]]:
    """One row a network and head; only the source's description is read, no recording."""
    from factory.data.preparation import window_spec
    from factory.data.sources import open_source
    from factory.data.windows import plan_labels

    recipe = factory.load_recipe(name)
    source = open_source(recipe.data.source, recipe.data.description)
    spec = window_spec(recipe.data, source, plan_labels(source.labels, recipe.data.labels, recipe.data.merge))
    channels, classes = len(spec.channels), len(spec.labels)
    networks = {"teacher": recipe.model.teacher, "student": recipe.model.student}
    return [
        {"network": network, "head": head, **_cost(recipe, backbone, head, channels, classes)}
        for network, backbone in networks.items()
        for head in recipe.model.heads
    ]


def _cost(
    recipe: "Recipe", backbone: "BackboneRecipe", head: "HeadKind", channels: int, classes: int
) -> dict[str, int]:
    from factory.contracts.network import NetworkSpec
    from factory.contracts.window import Normalisation
    from factory.models import build_network
    from factory.models.cost import network_cost

    spec = NetworkSpec(
        backbone=backbone,
        head=head,
        channels=channels,
        window=recipe.data.window,
        classes=classes,
        patterns=recipe.distill.patterns,
        normalisation=Normalisation(mean=(0.0,) * channels, std=(1.0,) * channels, clip=recipe.model.clip_sd),
    )
    return network_cost(build_network(spec).eval()).model_dump()
