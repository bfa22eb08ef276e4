"""What a student's int8_static file will cost, before it is exported: a fitted sum over its operators.

costs.json beside this file holds the coefficients; python -m tests.benchmarks.fit_costs measured and fitted them.
"""

from functools import cache
from pathlib import Path

from factory.contracts.costs import CostModel, Fitted
from factory.contracts.recipe import Core
from factory.contracts.stored import read_json
from factory.models.network import Network
from factory.models.operators import quantities

COSTS = Path(__file__).with_name("costs.json")


@cache
def cost_model(path: Path = COSTS) -> CostModel:
    """The shipped coefficients.

    Raises:
        ArtifactError: The file is missing or corrupt.
    """
    return read_json(CostModel, path, "install the package again")


def predict_cost(network: Network) -> tuple[dict[Core, int], int]:
    """Instructions of one inference by core, and bytes of the file, of a network trained or not."""
    model, found = cost_model(), quantities(network)
    return {core: _sum(fitted, found) for core, fitted in model.instructions.items()}, _sum(model.size_bytes, found)


def _sum(fitted: Fitted, found: dict[str, float]) -> int:
    return round(sum(coefficient * found[name] for name, coefficient in fitted.coefficients.items()))
