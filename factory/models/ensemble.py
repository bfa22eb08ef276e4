"""A teacher of one or more networks: the mean of their probabilities is steadier than any one of them [ours].

Shape legend: B batch, C sensor channels, T time steps, D feature width, K classes.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write
from factory.models.checkpoint import load_network, save_network
from factory.models.network import Network, build_network, fold

ENSEMBLE_FILE = "ensemble.safetensors"


class Ensemble(nn.Module):
    """Networks of one architecture; features and stages are those of the first.

    Attributes:
        members: At least one.
    """

    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def first(self) -> Network:
        """The member whose features and stages the student is shown."""
        return cast(Network, self.members[0])

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of windows (B, C, 1, T): the logarithm of the members' mean probability."""
        return self.teach(x)[2]

    def teach(self, x: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Features (B, D) and stages (B, C_s, 1, L_s) of the first member, and the logits (B, K) of all."""
        features, hints = self.first.backbone(x)
        logits = [cast(Tensor, self.first.head(features)), *(member(x) for member in self.members[1:])]
        if len(logits) == 1:
            return features, hints, logits[0]
        log_p = torch.stack([F.log_softmax(member, dim=1) for member in logits])
        return features, hints, torch.logsumexp(log_p, dim=0) - math.log(len(logits))

    def folded(self) -> "Ensemble":
        """An inference copy with folded members, in eval mode."""
        return Ensemble([fold(cast(Network, member)) for member in self.members]).eval()


def save_ensemble(ensemble: Ensemble, folder: Path) -> None:
    """Write the first member as a network, and the others' weights beside it; each file is complete or absent."""
    save_network(ensemble.first, folder)
    others = {
        f"{index}.{name}": tensor.detach().cpu().contiguous()
        for index, member in enumerate(ensemble.members)
        for name, tensor in member.state_dict().items()
        if index
    }
    with atomic_write(folder / ENSEMBLE_FILE) as temporary:
        save_file(others, temporary)


def load_ensemble(folder: Path) -> Ensemble:
    """Rebuild a trained teacher in eval mode.

    Raises:
        ArtifactError: A file is missing, corrupt or does not fit the others.
    """
    first = load_network(folder)
    try:
        weights = load_file(folder / ENSEMBLE_FILE)
        count = 1 + len({name.split(".", 1)[0] for name in weights})
        members = [first]
        for index in range(1, count):
            member = build_network(first.spec)
            prefix = f"{index}."
            member.load_state_dict({n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)})
            members.append(member)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ArtifactError(f"{folder / ENSEMBLE_FILE} is missing or corrupt: train the teacher again") from error
    return Ensemble(members).eval()
