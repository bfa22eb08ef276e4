"""Head search: one score per head, the best kept, ties to the cheapest."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from factory.contracts.progress import Silent
from factory.contracts.recipe import HeadKind
from factory.models import build_network
from factory.training import predict, train_teacher
from factory.training.data import network_spec
from factory.training.search import HeadMixture, judge_heads
from tests.fakes import tiny_recipe, tiny_split, tiny_windows
from tests.unit.training.harness import poisoned, tiny_data

_KINDS: tuple[HeadKind, ...] = ("mlp", "hopfield", "linear")


def _mixture(kinds: tuple[HeadKind, ...] = _KINDS) -> HeadMixture:
    data, windows, recipe = tiny_data()
    torch.manual_seed(0)
    spec = network_spec(recipe, recipe.model.teacher, kinds[0], windows, data.normalisation)
    return HeadMixture(build_network(spec), kinds)


def _answer_always(head: nn.Module, label: int) -> None:
    """Silence a head's last layer but for one bias."""
    last = [module for module in head.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        last.bias[label] = 1.0


def test_equal_heads_tie_to_the_one_with_fewer_macs() -> None:
    mixture = _mixture()
    for head in mixture.heads:
        _answer_always(head, 0)
    windows = tiny_windows()
    kept, scores = judge_heads(mixture, windows.x, windows.y, "cpu")
    # Always 'still': F1 of it is 2 * 72 / (72 + 216) = 1/2, of the others 0.
    assert scores == pytest.approx(dict.fromkeys(_KINDS, 1 / 6))
    assert kept == "linear"


@pytest.mark.parametrize("best", _KINDS)
def test_the_best_head_wins_whatever_it_costs(best: HeadKind) -> None:
    mixture = _mixture()
    for kind, head in zip(_KINDS, mixture.heads, strict=True):
        if kind != best:
            _answer_always(head, 0)
    x = tiny_windows().x
    winner = mixture.with_head(_KINDS.index(best))
    with torch.no_grad():  # spread its answers over the classes, then call them the truth
        logits = torch.from_numpy(predict(winner, x))
        last = [m for m in mixture.heads[_KINDS.index(best)].modules() if isinstance(m, nn.Linear)][-1]
        last.bias.sub_(logits.median(dim=0).values)
    truth = predict(mixture.with_head(_KINDS.index(best)), x).argmax(axis=1)
    assert len(np.unique(truth)) > 1
    kept, scores = judge_heads(mixture, x, truth, "cpu")
    assert kept == best
    assert scores[best] == 1.0
    assert max(score for kind, score in scores.items() if kind != best) < 1.0


def test_mixture_loss_by_hand() -> None:
    mixture = _mixture(("linear", "mlp")).eval()
    with torch.no_grad():
        mixture.alpha.copy_(torch.tensor([0.0, np.log(3.0)]))
    for head, label in zip(mixture.heads, (0, 1), strict=True):
        _answer_always(head, label)
    x, y = torch.zeros(1, 6, 1, 64), torch.tensor([0])
    high, low = np.e / (np.e + 2), 1 / (np.e + 2)
    total, parts = mixture.loss(x, y, 0.0)
    expected = -np.log(0.25 * high + 0.75 * low)
    assert parts["mixture"].item() == pytest.approx(expected, rel=1e-5)
    assert total.item() == pytest.approx(expected - (np.log(high) + np.log(low)) / 2, rel=1e-5)


def test_every_head_and_alpha_learn() -> None:
    mixture = _mixture()
    total, _ = mixture.loss(torch.randn(8, 6, 1, 64), torch.arange(8) % 3, 0.0)
    total.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None for weight in [mixture.alpha, *mixture.heads.parameters()])


def test_a_head_under_the_backbone_gives_its_own_logits() -> None:
    mixture = _mixture().eval()
    window = torch.randn(3, 6, 1, 64)
    features, _ = mixture.network.backbone(window)
    for index, kind in enumerate(_KINDS):
        network = mixture.with_head(index)
        assert network.spec.head == kind
        torch.testing.assert_close(network(window), mixture.heads[index](features))


def test_the_search_judges_on_validation_and_never_looks_at_the_test_part(tmp_path: Path) -> None:
    recipe = tiny_recipe(heads=("linear", "mlp"), epochs=4, refit=False)
    windows, split = tiny_windows(), tiny_split(tiny_windows())
    clean = train_teacher(recipe, windows, split, tmp_path / "a", "cpu", Silent()).head_search
    no_test = train_teacher(recipe, poisoned(windows, split.test), split, tmp_path / "b", "cpu", Silent()).head_search
    assert set(clean) == {"linear", "mlp"}
    assert no_test == clean
    relabelled = windows.y.copy()
    relabelled[split.validation] = (relabelled[split.validation] + 1) % 3
    other = train_teacher(recipe, replace(windows, y=relabelled), split, tmp_path / "c", "cpu", Silent()).head_search
    assert other != clean


def test_predictions_do_not_depend_on_the_batch() -> None:
    network, x = _mixture().with_head(0), tiny_windows().x
    np.testing.assert_allclose(predict(network, x, batch=7), predict(network, x), atol=1e-5)
    assert F.softmax(torch.from_numpy(predict(network, x)), dim=1).isfinite().all()
