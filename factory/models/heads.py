"""Heterogeneous classifier heads over pooled features, candidates of SMLDist's head search [paper idea].

Shape legend: B batch, D feature width, K classes, M stored patterns, H association width.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from factory.contracts.recipe import HeadKind

ASSOCIATION_WIDTH = 32
_MLP_WIDTH = 64
_COSINE_SCALE = 16.0


class FoldableHead(nn.Module):
    """A head whose inference form is simpler than its training form."""

    def folded(self) -> nn.Module:
        """The same function of evaluated features, as plain layers."""
        raise TypeError(f"{type(self).__name__} does not say how it folds")


class MemoryHead(FoldableHead):
    """Modern Hopfield memory: class evidence retrieved by association [paper idea; form ours].

        xi = BN(W_Q g);  K = LN(Y) W_K;  A = softmax(beta xi K^T);  m = A K W_V;  z = W_O m + b

    One retrieval step. The query is batch-normalised, not layer-normalised, because TensorRT 8.5 has no
    LayerNormalization and a batch norm folds into W_Q. Patterns live in the association space (width H), so
    teacher and student of different feature widths share them.
    """

    def __init__(self, features: int, classes: int, patterns: int) -> None:
        super().__init__()
        width = ASSOCIATION_WIDTH
        self.query = nn.Linear(features, width, bias=False)
        self.query_norm = nn.BatchNorm1d(width)
        self.stored = nn.Parameter(torch.randn(patterns * classes, width))
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, classes)
        self.beta = width**-0.5
        nn.init.orthogonal_(self.key.weight)
        nn.init.orthogonal_(self.value.weight)

    def keys(self) -> Tensor:
        """(M, H) stored patterns as keys."""
        return cast(Tensor, self.key(F.layer_norm(self.stored, self.stored.shape[1:])))

    def associate(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Log-association with each pattern (B, M) and the retrieved value (B, H) of features (B, D)."""
        query = self.query_norm(self.query(features))
        keys = self.keys()
        log_association = F.log_softmax(self.beta * query @ keys.T, dim=1)
        return log_association, self.value(log_association.exp() @ keys)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (B, K) of features (B, D)."""
        return cast(Tensor, self.output(self.associate(features)[1]))

    @torch.no_grad()
    def store(self, features: Tensor) -> None:
        """Take features (M, D) of real training windows as the stored patterns."""
        was_training = self.training
        self.eval()
        self.stored.copy_(self.query_norm(self.query(features)))
        self.train(was_training)

    @torch.no_grad()
    def copy_memory(self, other: "MemoryHead") -> None:
        """Start from another head's patterns, keys, values and output: student from teacher [code]."""
        for name in ("stored", "key", "value", "output"):
            theirs, ours = getattr(other, name), getattr(self, name)
            if isinstance(ours, nn.Parameter):
                ours.copy_(theirs)
            else:
                ours.load_state_dict(theirs.state_dict())

    @torch.no_grad()
    def folded(self) -> nn.Module:
        """Two matrix products and a softmax."""
        norm = self.query_norm
        gain = cast(Tensor, norm.weight) / torch.sqrt(cast(Tensor, norm.running_var) + norm.eps)
        keys = self.keys()
        scores = nn.Linear(self.query.in_features, len(keys))
        scores.weight.copy_(self.beta * keys @ (gain[:, None] * self.query.weight))
        scores.bias.copy_(self.beta * keys @ (norm.bias - gain * cast(Tensor, norm.running_mean)))
        evidence = nn.Linear(len(keys), self.output.out_features)
        evidence.weight.copy_(self.output.weight @ self.value.weight @ keys.T)
        evidence.bias.copy_(self.output.bias)
        return nn.Sequential(scores, nn.Softmax(dim=1), evidence)


class CosineHead(FoldableHead):
    """Cosine similarity to one prototype a class, times a fixed scale."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(classes, features))

    def forward(self, features: Tensor) -> Tensor:
        """Logits (B, K) of features (B, D)."""
        return F.linear(_unit(features), _COSINE_SCALE * F.normalize(self.prototypes, dim=1))

    @torch.no_grad()
    def folded(self) -> nn.Module:
        """The prototypes' lengths and the scale become one constant weight; converters take no other."""
        linear = nn.Linear(self.prototypes.shape[1], self.prototypes.shape[0], bias=False)
        linear.weight.copy_(_COSINE_SCALE * F.normalize(self.prototypes, dim=1))
        return nn.Sequential(_Unit(), linear)


class _Unit(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return _unit(features)


def _unit(features: Tensor) -> Tensor:
    return features / torch.sqrt((features * features).sum(dim=1, keepdim=True) + 1e-6)


def build_head(kind: HeadKind, features: int, classes: int, patterns: int) -> nn.Module:
    """A head of `kind` over (B, features).

    Args:
        kind: Which of the candidates.
        features: D.
        classes: K.
        patterns: Stored patterns a class; used by 'hopfield' alone.
    """
    if kind == "linear":
        return nn.Linear(features, classes)
    if kind == "mlp":
        return nn.Sequential(nn.Linear(features, _MLP_WIDTH), nn.ReLU(), nn.Linear(_MLP_WIDTH, classes))
    if kind == "cosine":
        return CosineHead(features, classes)
    return MemoryHead(features, classes, patterns)
