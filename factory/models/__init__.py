"""Teacher and student networks, their classifier heads and what they cost."""

from factory.models.checkpoint import load_network, save_network
from factory.models.mobilenet1d import Network, build_network, fold

__all__ = ["Network", "build_network", "fold", "load_network", "save_network"]
