"""Teacher and student networks, their classifier heads and what they cost."""

from factory.models.checkpoint import load_network, save_network
from factory.models.committee import Committee, load_committee, save_committee
from factory.models.mobilenet1d import Network, build_network, fold

__all__ = [
    "Committee",
    "Network",
    "build_network",
    "fold",
    "load_committee",
    "load_network",
    "save_committee",
    "save_network",
]
