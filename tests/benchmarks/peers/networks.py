"""The networks that are compared, by name, behind the same normalisation."""

from collections.abc import Callable

from torch import nn

from factory.contracts.dataset import WindowSet
from factory.contracts.recipe import Recipe
from factory.contracts.window import Normalisation
from factory.models import build_network
from factory.models.blocks import Normalise
from factory.training.data import network_spec
from tests.benchmarks.peers.cnn_har import CnnHAR
from tests.benchmarks.peers.deep_conv_lstm import DeepConvLSTM
from tests.benchmarks.peers.tinier_har import TinierHAR
from tests.benchmarks.peers.tiny_har import TinyHAR

STUDENT = "student"
PEERS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "TinierHAR": TinierHAR,
    "TinyHAR": TinyHAR,
    "CNN-HAR": CnnHAR,
    "DeepConvLSTM": DeepConvLSTM,
}
NAMES = (STUDENT, *PEERS)


def build(name: str, recipe: Recipe, windows: WindowSet, normalisation: Normalisation) -> nn.Module:
    """A network for these windows, (B, C, 1, T) in SI units to logits (B, K); ours with the first head of the recipe.

    Args:
        name: One of NAMES; 'student' is the recipe's, whatever that is today.
        recipe: Says the student's layout.
        windows: Say channels, length and classes.
        normalisation: Of training windows; every network begins with it.
    """
    if name == STUDENT:
        return build_network(network_spec(recipe, recipe.model.student, recipe.model.heads[0], windows, normalisation))
    spec = windows.spec
    peer = PEERS[name](len(spec.channels), spec.length, len(spec.labels))
    return nn.Sequential(Normalise(normalisation), peer)
