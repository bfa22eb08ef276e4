"""The four heads; above all a memory whose association says something."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from factory.contracts.recipe import HeadKind
from factory.models.heads import ASSOCIATION_WIDTH, CosineHead, FoldableHead, MemoryHead, build_head
from tests.unit.models.conftest import move_statistics

KINDS: tuple[HeadKind, ...] = ("linear", "hopfield", "cosine", "mlp")


@pytest.mark.parametrize("kind", KINDS)
def test_every_head_gives_one_logit_a_class(kind: HeadKind) -> None:
    assert build_head(kind, 10, 4, 2).eval()(torch.randn(3, 10)).shape == (3, 4)


def _separable(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three clouds of 60 in 12 dimensions, far apart."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(3).repeat_interleave(60)
    centres = 4 * torch.eye(3, 12)
    return centres[labels] + 0.5 * torch.randn(180, 12, generator=generator), labels


@pytest.fixture(scope="module")
def fitted() -> MemoryHead:
    """A memory fitted to the clouds, four patterns a class."""
    torch.manual_seed(0)
    features, labels = _separable()
    memory = MemoryHead(12, 3, 4)
    memory.store(features[::15])
    optimizer = torch.optim.AdamW(memory.parameters(), lr=1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        F.cross_entropy(memory(features), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return memory.eval()


def test_association_is_a_distribution_over_the_patterns(fitted: MemoryHead) -> None:
    association = fitted.associate(_separable(1)[0])[0].exp()
    assert association.shape == (180, 12)
    torch.testing.assert_close(association.sum(dim=1), torch.ones(180))


def test_association_is_neither_certain_nor_indifferent(fitted: MemoryHead) -> None:
    log_association, _ = fitted.associate(_separable(1)[0])
    entropy = -(log_association.exp() * log_association).sum(dim=1)
    assert entropy.min().item() > 0.01
    assert entropy.mean().item() < 0.95 * math.log(12)


def test_association_tells_classes_apart(fitted: MemoryHead) -> None:
    features, labels = _separable(1)
    association = fitted.associate(features)[0].exp().detach()
    means = torch.stack([association[labels == label].mean(dim=0) for label in range(3)])
    spread = torch.stack([association[labels == label].std(dim=0) for label in range(3)]).mean()
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert (means[first] - means[second]).abs().max() > 2 * spread
    assert (fitted(features).argmax(dim=1) == labels).float().mean().item() > 0.95


def test_a_single_pattern_would_be_degenerate_which_is_the_early_codes_trap() -> None:
    memory = MemoryHead(12, 3, 4).eval()
    with torch.no_grad():
        memory.stored = nn.Parameter(memory.stored[:1])
    log_association, _ = memory.associate(_separable()[0])
    assert log_association.abs().max().item() == 0.0


def test_association_by_hand() -> None:
    memory = MemoryHead(2, 2, 1).eval()
    width = ASSOCIATION_WIDTH
    with torch.no_grad():
        memory.query.weight.zero_()
        memory.query.weight[0, 0] = 1.0
        memory.key.weight.copy_(torch.eye(width))
        memory.stored.zero_()
        memory.stored[0, 0], memory.stored[1, 0] = 1.0, -1.0
    # Layer norm of a unit vector of 32: first entry (1 - 1/32) / sqrt(1/32 - 1/32^2 + eps).
    entry = (1 - 1 / width) / math.sqrt(1 / width - 1 / width**2 + 1e-5)
    query = 2.0 / math.sqrt(1 + 1e-5)
    odds = math.exp(2 * width**-0.5 * query * entry)
    association = memory.associate(torch.tensor([[2.0, 5.0]]))[0].exp()
    torch.testing.assert_close(association, torch.tensor([[odds / (1 + odds), 1 / (1 + odds)]]), rtol=1e-4, atol=0)


def test_store_takes_features_as_patterns() -> None:
    memory = MemoryHead(12, 3, 2).train()
    features = torch.randn(6, 12)
    memory.store(features)
    expected = (features @ memory.query.weight.T) / math.sqrt(1 + memory.query_norm.eps)
    torch.testing.assert_close(memory.stored.detach(), expected.detach(), rtol=1e-4, atol=1e-5)
    assert memory.training


def test_copy_memory_copies_all_but_the_query() -> None:
    torch.manual_seed(0)
    teacher, student = MemoryHead(16, 3, 2), MemoryHead(8, 3, 2)
    query = student.query.weight.clone()
    student.copy_memory(teacher)
    for name in ("stored", "key.weight", "value.weight", "output.weight", "output.bias"):
        assert torch.equal(student.state_dict()[name], teacher.state_dict()[name]), name
        assert student.state_dict()[name].data_ptr() != teacher.state_dict()[name].data_ptr()
    assert torch.equal(student.query.weight, query)


def test_folded_memory_is_two_products_and_a_softmax() -> None:
    torch.manual_seed(0)
    memory = MemoryHead(12, 5, 3)
    move_statistics(memory)
    folded = memory.eval().folded()
    assert isinstance(folded, nn.Sequential)
    assert [type(layer) for layer in folded] == [nn.Linear, nn.Softmax, nn.Linear]
    features = torch.randn(20, 12)
    torch.testing.assert_close(folded(features), memory(features), atol=1e-5, rtol=1e-5)


def test_cosine_logits_by_hand() -> None:
    head = CosineHead(2, 2)
    with torch.no_grad():
        head.prototypes.copy_(torch.tensor([[5.0, 0.0], [3.0, 4.0]]))
    # Cosines of (3, 4): 3/5 and 1, times 16.
    torch.testing.assert_close(head(torch.tensor([[3.0, 4.0]])), torch.tensor([[9.6, 16.0]]), rtol=1e-5, atol=0)


def test_cosine_ignores_the_features_length_and_survives_zeros() -> None:
    head = CosineHead(4, 3)
    features = torch.rand(5, 4) + 1
    torch.testing.assert_close(head(features), head(7 * features), rtol=1e-5, atol=1e-5)
    assert torch.equal(head(torch.zeros(1, 4)), torch.zeros(1, 3))


def test_a_foldable_head_without_a_folded_form_says_so() -> None:
    class Unfinished(FoldableHead):
        pass

    with pytest.raises(TypeError, match="Unfinished"):
        Unfinished().folded()
