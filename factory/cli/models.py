"""`factory models`: what teacher and student cost, with each head, before anything is trained."""

import factory
from factory.cli._options import JsonOption, RecipeArgument
from factory.cli._output import print_json


def models(recipe: RecipeArgument = "demo", as_json: JsonOption = False) -> None:
    """Print parameters, multiply-accumulates and peak activation memory of a recipe's networks.

    Example: factory models uci_har
    """
    from factory.pipeline.costs import network_costs

    rows = network_costs(factory.load_recipe(recipe))
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
