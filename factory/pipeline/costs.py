"""What a recipe's networks cost, with each head, before anything is trained."""

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BackboneRecipe, HeadKind, Recipe
from factory.contracts.window import Normalisation
from factory.data.preparation import teacher_recipe, window_spec
from factory.data.sources import open_source
from factory.data.windows import plan_labels
from factory.models import Network, build_network
from factory.models.cost import network_cost


def network_costs(recipe: Recipe) -> list[dict[str, int | str]]:
    """One row a network and head; only the source's description is read, no recording."""
    source = open_source(recipe.data.source, recipe.data.description)
    plan = plan_labels(source.labels, recipe.data.labels, recipe.data.merge)
    networks = {
        "teacher": (recipe.model.teacher, teacher_recipe(recipe.data)),
        "student": (recipe.model.student, recipe.data),
    }
    return [
        {
            "network": network,
            "head": head,
            **_cost(recipe, backbone, head, len(window_spec(seen, source, plan).channels), len(plan.names)),
        }
        for network, (backbone, seen) in networks.items()
        for head in recipe.model.heads
    ]


def _cost(recipe: Recipe, backbone: BackboneRecipe, head: HeadKind, channels: int, classes: int) -> dict[str, int]:
    return network_cost(untrained(recipe, backbone, head, channels, classes)).model_dump()


def untrained(recipe: Recipe, backbone: BackboneRecipe, head: HeadKind, channels: int, classes: int) -> Network:
    """A network of a recipe with random weights, in eval mode: what it costs does not depend on them."""
    spec = NetworkSpec(
        backbone=backbone,
        head=head,
        channels=channels,
        window=recipe.data.window,
        classes=classes,
        patterns=recipe.distill.patterns,
        normalisation=Normalisation(mean=(0.0,) * channels, std=(1.0,) * channels, clip=recipe.model.clip_sd),
    )
    return build_network(spec).eval()
