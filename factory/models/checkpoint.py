"""A trained network on disk: network.json says what it is, network.safetensors holds its weights."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write
from factory.contracts.network import NetworkSpec
from factory.contracts.stored import read_json
from factory.models.network import Network, build_network

SPEC_FILE = "network.json"
WEIGHTS_FILE = "network.safetensors"


def save_network(network: Network, folder: Path) -> None:
    """Write specification and weights; each file is complete or absent."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with atomic_write(folder / WEIGHTS_FILE) as temporary:
        save_file(weights, temporary)
    with atomic_write(folder / SPEC_FILE) as temporary:
        temporary.write_text(network.spec.model_dump_json(indent=2))


def load_network(folder: Path) -> Network:
    """Rebuild a trained network in eval mode.

    Raises:
        ArtifactError: A file is missing, corrupt or does not fit the other.
    """
    network = build_network(_load_spec(folder / SPEC_FILE))
    path = folder / WEIGHTS_FILE
    try:
        network.load_state_dict(load_file(path))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: train the network again (factory train)") from error
    except (SafetensorError, RuntimeError) as error:
        raise ArtifactError(f"{path} is corrupt or foreign: train the network again") from error
    return network.eval()


def _load_spec(path: Path) -> NetworkSpec:
    return read_json(NetworkSpec, path, "train the network again (factory train)")
