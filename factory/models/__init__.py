"""Teacher and student networks, their classifier heads and what they cost."""

from factory.models.checkpoint import load_network, save_network
from factory.models.ensemble import Ensemble, load_ensemble, save_ensemble
from factory.models.network import Network, build_network, fold

__all__ = [
    "Ensemble",
    "Network",
    "build_network",
    "fold",
    "load_ensemble",
    "load_network",
    "save_ensemble",
    "save_network",
]
