"""Head search: all candidates on one teacher backbone, judged on held-out training subjects [paper idea]."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from factory.contracts.dataset import Floats, Ints
from factory.contracts.recipe import HeadKind
from factory.contracts.scores import confusion, macro_f1
from factory.models.cost import network_cost
from factory.models.heads import build_head
from factory.models.network import Network, build_network
from factory.training.predict import predict

_TIE = 1e-9


class HeadMixture(nn.Module):
    """p = sum_j softmax(alpha)_j softmax(z_j) over candidate heads.

    Each head also gets its own cross-entropy, so that a head that the mixture neglects is still judged trained [ours].
    """

    def __init__(self, network: Network, kinds: tuple[HeadKind, ...]) -> None:
        super().__init__()
        spec = network.spec
        self.network = network
        self.kinds = kinds
        self.heads = nn.ModuleList(
            build_head(kind, spec.backbone.features, spec.classes, spec.patterns) for kind in kinds
        )
        self.alpha = nn.Parameter(torch.zeros(len(kinds)))

    def loss(self, x: Tensor, y: Tensor, done: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Negative log-likelihood of the mixture plus the mean cross-entropy of its heads."""
        features = self.network.dropout(self.network.backbone(x)[0])
        log_p = torch.stack([F.log_softmax(head(features), dim=1) for head in self.heads])
        log_mixture = torch.logsumexp(log_p + F.log_softmax(self.alpha, dim=0)[:, None, None], dim=0)
        mixture = F.nll_loss(log_mixture, y)
        own = torch.stack([F.nll_loss(log_head, y) for log_head in log_p]).mean()
        return mixture + own, {"mixture": mixture.detach()}

    def with_head(self, index: int) -> Network:
        """The backbone under one of the heads."""
        chosen = build_network(self.network.spec.model_copy(update={"head": self.kinds[index]}))
        weights = {k: v for k, v in self.network.state_dict().items() if not k.startswith("head.")}
        weights |= {f"head.{k}": v for k, v in self.heads[index].state_dict().items()}
        chosen.load_state_dict(weights)
        return chosen.eval()


def judge_heads(mixture: HeadMixture, x: Floats, y: Ints, device: str) -> tuple[HeadKind, dict[str, float]]:
    """Validation macro-F1 of each head, and the kind to keep: the best, ties to fewer MACs."""
    classes = mixture.network.spec.classes
    scores: dict[str, float] = {}
    ranks: list[tuple[float, int, int]] = []
    for index, kind in enumerate(mixture.kinds):
        network = mixture.with_head(index)
        macs = network_cost(network).macs
        scores[kind] = macro_f1(confusion(y, predict(network, x, device).argmax(axis=1), classes))
        ranks.append((round(scores[kind] / _TIE), -macs, index))
    return mixture.kinds[max(ranks)[2]], scores
