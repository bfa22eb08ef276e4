"""Losses of the baselines: against formulas worked out apart in numpy, and what a loss must do whatever its formula."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from factory.contracts.dataset import UNLABELLED
from factory.contracts.recipe import DistillRecipe, MethodName, TrainRecipe
from factory.distill.baselines.at import attention_loss
from factory.distill.baselines.cc import congruence_loss
from factory.distill.baselines.controls import CrossEntropy
from factory.distill.baselines.crd import CRD, contrast_loss
from factory.distill.baselines.dist import relation_loss
from factory.distill.baselines.dkd import decoupled_loss
from factory.distill.baselines.lengths import same_length
from factory.distill.baselines.literal import literal_distribution, literal_loss
from factory.distill.baselines.lupi import imitation_loss
from factory.distill.baselines.nst import selectivity_loss
from factory.distill.baselines.pkt import neighbourhood_loss
from factory.distill.baselines.pseudo_labels import PseudoLabels
from factory.distill.baselines.reviewkd import hierarchical_loss
from factory.distill.baselines.rkd import relational_loss
from factory.distill.baselines.selfhar import confident_loss
from factory.distill.baselines.sp import similarity_loss
from factory.distill.baselines.vid import negative_log_likelihood
from factory.distill.logits import distribution_loss
from factory.distill.method import Added, Batch, Setup, Shapes, View, labels_loss
from factory.distill.objective import Objective
from factory.distill.registry import METHODS, TERMS
from factory.models import Ensemble, Network
from tests.unit.distill.pair import ROWS, X, Y, network, setup

_RANDOM = torch.Generator().manual_seed(11)
Z_S, Z_T = (2 * torch.randn(5, 4, generator=_RANDOM) for _ in range(2))
G_S, G_T = torch.randn(5, 3, generator=_RANDOM), torch.randn(5, 6, generator=_RANDOM)
F_S, F_T = torch.randn(5, 3, 8, generator=_RANDOM), torch.randn(5, 6, 8, generator=_RANDOM)
LABELS = torch.tensor([0, 3, 1, 1, 2])


Array = NDArray[Any]


def softmax(values: Array) -> Array:
    exponentials: Array = np.exp(values - values.max(axis=-1, keepdims=True))
    exponentials /= exponentials.sum(axis=-1, keepdims=True)
    return exponentials


def unit(values: Array, axis: int = -1) -> Array:
    units: Array = values / np.linalg.norm(values, axis=axis, keepdims=True)
    return units


def close(found: Tensor, expected: Any) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-5, atol=1e-6)


def test_lupi_compares_the_unsoftened_student() -> None:
    expected = -(softmax(Z_T.numpy() / 2) * np.log(softmax(Z_S.numpy()))).sum(axis=1)
    close(imitation_loss(Z_S, Z_T, 2.0), expected)


def test_dkd_is_two_divergences_by_hand() -> None:
    for row, target in enumerate(LABELS.tolist()):
        ours, theirs = softmax(Z_S[row].numpy() / 4), softmax(Z_T[row].numpy() / 4)
        rest = [k for k in range(4) if k != target]
        tckd = theirs[target] * np.log(theirs[target] / ours[target])
        tckd += (1 - theirs[target]) * np.log((1 - theirs[target]) / (1 - ours[target]))
        left, right = theirs[rest] / theirs[rest].sum(), ours[rest] / ours[rest].sum()
        nckd = (left * np.log(left / right)).sum()
        found = decoupled_loss(Z_S[row : row + 1], Z_T[row : row + 1], LABELS[row : row + 1], 4.0)
        close(found[0], 16 * (tckd + 8 * nckd))


def test_dkd_of_equal_weights_by_class_is_kd() -> None:
    # KL = TCKD + (1 - p_target of the teacher) NCKD, the identity that the paper starts from.
    rest = 1 - F.softmax(Z_T / 4, dim=1)[torch.arange(5), LABELS]
    tckd, nckd = (decoupled_loss(Z_S, Z_T, LABELS, 4.0, *weights) for weights in ((1.0, 0.0), (0.0, 1.0)))
    torch.testing.assert_close(tckd + rest * nckd, distribution_loss(Z_S, Z_T, 4.0), rtol=1e-4, atol=1e-6)


def test_dist_is_pearsons_correlation_of_rows_and_columns() -> None:
    ours, theirs = softmax(Z_S.numpy() / 2), softmax(Z_T.numpy() / 2)
    inter = np.mean([1 - np.corrcoef(ours[b], theirs[b])[0, 1] for b in range(5)])
    intra = np.mean([1 - np.corrcoef(ours[:, k], theirs[:, k])[0, 1] for k in range(4)])
    close(relation_loss(Z_S, Z_T, 2.0), 4 * (inter + intra))


def test_pseudo_labels_are_the_teachers_answers() -> None:
    answers = Z_T.numpy().argmax(axis=1)
    expected = -np.log(softmax(Z_S.numpy())[np.arange(5), answers]).mean()
    close(PseudoLabels(_setup())(_view(Z_S), _view(Z_T), _batch()), expected)


def test_selfhar_takes_confident_answers_where_it_is_asked() -> None:
    teacher = torch.tensor([[2.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.0, 2.0]])  # .79, .36, .79
    student = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    found = confident_loss(student, teacher, torch.tensor([True, True, False]))
    close(found, np.array([-math.log(math.e / (math.e + 2)), 0, 0]))


def test_selfhar_leaves_labelled_windows_to_their_labels() -> None:
    term = TERMS["selfhar"](_setup())
    sure = 10 * F.one_hot(LABELS, 4).float()
    batch = _batch(own=torch.tensor([0, UNLABELLED, 1, 1, UNLABELLED]))
    expected = -np.log(softmax(Z_S.numpy())[[1, 4], [3, 2]]).sum() / 5
    close(term(_view(Z_S), _view(sure), batch), expected)


def test_the_literal_rule_is_capped_near_uniform() -> None:
    ours, theirs = (softmax(softmax(unit(values.numpy()))) for values in (Z_S, Z_T))
    close(literal_loss(Z_S, Z_T), (theirs * np.log(theirs / ours)).sum(axis=1))
    assert literal_distribution(torch.tensor([[30.0, 0, 0, 0, 0, 0]])).max().item() < math.e / (math.e + 5)


def test_attention_is_the_normalised_energy_over_time() -> None:
    ours, theirs = (unit((stage.numpy() ** 2).mean(axis=1)) for stage in (F_S, F_T))
    close(attention_loss(F_S, F_T), ((ours - theirs) ** 2).mean())


def test_similarity_is_of_rows_of_unit_length() -> None:
    grams = [unit(values.numpy() @ values.numpy().T) for values in (G_S, G_T)]
    close(similarity_loss(G_S, G_T), ((grams[0] - grams[1]) ** 2).sum() / 25)


def test_congruence_is_close_to_the_gaussian_kernel_and_equal_to_its_series() -> None:
    def kernel(features: Tensor) -> tuple[Array, Array]:
        u = unit(features.numpy().astype(np.float64))
        exact = np.exp(-0.4 * ((u[:, None] - u[None]) ** 2).sum(axis=2))
        cosine = u @ u.T
        return exact, math.exp(-0.8) * (1 + 0.8 * cosine + 0.32 * cosine**2)

    (exact_s, ours), (_, theirs) = kernel(G_S), kernel(G_T)
    assert np.abs(exact_s - ours).max() < 0.06
    close(congruence_loss(G_S, G_T), ((ours - theirs) ** 2).mean())


def test_vid_is_a_gaussians_negative_log_likelihood() -> None:
    variance = torch.linspace(0.5, 3.0, 6)
    mean = F_T + 0.3
    expected = np.mean([0.5 * (0.09 / v + math.log(v)) for v in variance.tolist()])
    close(negative_log_likelihood(mean, variance, F_T), expected)


def test_rkd_by_loops() -> None:
    def huber(a: float, b: float) -> float:
        return 0.5 * (a - b) ** 2 if abs(a - b) < 1 else abs(a - b) - 0.5

    def relations(features: Tensor) -> tuple[Array, Array]:
        g = features.numpy().astype(np.float64)
        distance = np.array([[np.linalg.norm(g[i] - g[j]) for j in range(5)] for i in range(5)])
        angle = np.zeros((5, 5, 5))
        for i, j, k in product(range(5), repeat=3):
            if i not in (j, k):
                angle[i, j, k] = unit(g[j] - g[i]) @ unit(g[k] - g[i])
        return distance / (distance.sum() / 20), angle

    ours, theirs = relations(G_S), relations(G_T)
    distance, angle = (
        np.mean([huber(a, b) for a, b in zip(left.flat, right.flat, strict=True)])
        for left, right in zip(ours, theirs, strict=True)
    )
    close(relational_loss(G_S, G_T), 25 * distance + 50 * angle)


def test_pkt_is_a_divergence_of_neighbourhoods() -> None:
    p = []
    for features in (G_S, G_T):
        kernel = (unit(features.numpy()) @ unit(features.numpy()).T + 1) / 2
        p.append(kernel / kernel.sum(axis=1, keepdims=True))
    close(neighbourhood_loss(G_S, G_T), (p[1] * np.log((p[1] + 1e-7) / (p[0] + 1e-7))).sum() / 5)


def test_nst_by_loops_over_pairs_of_channels() -> None:
    def kernel(left: Array, right: Array) -> float:
        return float(np.mean([(a @ b) ** 2 for a in left for b in right]))

    expected = []
    for ours, theirs in zip(F_S.numpy(), F_T.numpy(), strict=True):
        s, t = unit(ours), unit(theirs)
        expected.append(kernel(s, s) + kernel(t, t) - 2 * kernel(s, t))
    close(selectivity_loss(F_S, F_T), np.mean(expected))


def test_crd_by_loops() -> None:
    positive, negative = torch.tensor([0.8, -0.2]), torch.tensor([[0.1, 0.7, -0.5], [0.3, 0.0, 0.2]])
    apart = torch.tensor([[True, True, False], [False, True, True]])
    windows, log_z = 40, 7.0
    expected = 0.0
    for b in range(2):
        noise = 2 / windows
        e = math.exp(positive[b].item() / 0.07 - log_z)
        expected -= math.log(e / (e + noise))
        for m in range(3):
            if apart[b, m]:
                e = math.exp(negative[b, m].item() / 0.07 - log_z)
                expected -= math.log(noise / (e + noise))
    found = contrast_loss(positive, negative, apart, windows, torch.tensor(log_z))
    close(found, expected / 2)


def test_reviewkd_averages_over_ever_fewer_parts() -> None:
    difference = (F_S - F_T[:, :3]).numpy()
    parts = [difference, *(difference.reshape(5, 3, n, -1).mean(axis=3) for n in (4, 2, 1))]
    errors = [(part**2).mean() for part in parts]
    expected = np.average(errors, weights=[1, 1 / 2, 1 / 4, 1 / 8])
    close(hierarchical_loss(F_S, F_T[:, :3]), expected)
    short = hierarchical_loss(F_S[:, :, :2], F_T[:, :3, :2])
    left = difference[:, :, :2]
    close(short, np.average([(left**2).mean(), (left.mean(axis=2) ** 2).mean()], weights=[1, 1 / 2]))


def test_the_longer_stage_is_averaged_to_the_shorter() -> None:
    long = torch.arange(8.0).view(1, 1, 8)
    ours, theirs = same_length(long, torch.zeros(1, 2, 4))
    assert ours.flatten().tolist() == [0.5, 2.5, 4.5, 6.5]
    assert torch.equal(same_length(theirs, long)[1], ours)


_LOGITS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "kd": lambda ours, theirs: distribution_loss(ours, theirs, 4.0).mean(),
    "dkd": lambda ours, theirs: decoupled_loss(ours, theirs, LABELS, 4.0).mean(),
    "dist": lambda ours, theirs: relation_loss(ours, theirs, 4.0),
    "smldist_literal": lambda ours, theirs: literal_loss(ours, theirs).mean(),
}
_FEATURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sp": similarity_loss,
    "cc": congruence_loss,
    "rkd": relational_loss,
    "pkt": neighbourhood_loss,
    "fitnet": F.mse_loss,
}
_STAGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "at": attention_loss,
    "nst": selectivity_loss,
    "vid": lambda ours, theirs: negative_log_likelihood(ours, torch.ones(6), theirs),
    "reviewkd": hierarchical_loss,
}
_ALL = {
    **{name: (loss, Z_T) for name, loss in _LOGITS.items()},
    **{name: (loss, G_T) for name, loss in _FEATURES.items()},
    **{name: (loss, F_T) for name, loss in _STAGES.items()},
}


@pytest.mark.parametrize("name", _ALL)
def test_a_student_that_equals_its_teacher_has_no_loss_and_any_other_has(name: str) -> None:
    loss, teacher = _ALL[name]
    least = loss(teacher.clone(), teacher).item()
    assert least == pytest.approx(0.0, abs=2e-6)
    for seed in range(5):
        noise = torch.randn(teacher.shape, generator=torch.Generator().manual_seed(seed))
        assert loss(teacher + 0.5 * noise, teacher).item() > least + 1e-6
    assert loss(teacher.roll(1, dims=0), teacher).item() > least + 1e-5
    ours = teacher.clone().requires_grad_()
    loss(ours, teacher).backward()  # type: ignore[no-untyped-call]
    assert ours.grad is not None
    assert ours.grad.abs().max().item() < 1e-4


def test_lupi_is_least_for_a_student_that_is_softened_already() -> None:
    softened, entropy = Z_T / 4, -(F.softmax(Z_T / 4, dim=1) * F.log_softmax(Z_T / 4, dim=1)).sum(dim=1)
    torch.testing.assert_close(imitation_loss(softened, Z_T, 4.0), entropy)
    assert imitation_loss(Z_T, Z_T, 4.0).mean() > entropy.mean()
    assert imitation_loss(softened.roll(1, dims=0), Z_T, 4.0).mean() > entropy.mean()


def test_answers_of_another_window_cost_a_student_of_hard_labels() -> None:
    term = PseudoLabels(_setup())
    own, foreign = (term(_view(Z_T), _view(values), _batch()) for values in (Z_T, Z_T.roll(1, dims=0)))
    assert foreign > own


def test_crd_prefers_pairs_of_one_window() -> None:
    torch.manual_seed(0)
    term = CRD(_setup(features=6, labels=LABELS))
    with torch.no_grad():
        term.theirs.load_state_dict(term.ours.state_dict())
    own = term(_view(Z_S, G_T), _view(Z_T, G_T), _batch()).item()
    term.eval()
    again = term(_view(Z_S, G_T), _view(Z_T, G_T), _batch()).item()
    foreign = term(_view(Z_S, G_T), _view(Z_T, G_T.roll(1, dims=0)), _batch()).item()
    assert foreign > again + 1
    assert own > 0


def test_crd_remembers_windows_by_their_row_and_forgets_mixed_ones() -> None:
    torch.manual_seed(0)
    term = CRD(_setup(features=6, labels=LABELS.repeat(2)))
    before = term.get_buffer("bank_ours").clone()
    share = torch.tensor([1.0, 1.0, 1.0, 0.4, 0.6])
    batch = _batch(rows=torch.tensor([7, 2, 9, 1, 0]), share=share)
    term(_view(Z_S, G_T), _view(Z_T, G_T), batch)
    after = term.get_buffer("bank_ours")
    moved = (after != before).any(dim=1).nonzero().flatten().tolist()
    assert moved == [2, 7, 9]
    fresh = F.normalize(term.ours(G_T[:1]), dim=1)
    torch.testing.assert_close(after[7:8], F.normalize(0.5 * before[7:8] + 0.5 * fresh, dim=1))
    nothing = term(_view(Z_S, G_T), _view(Z_T, G_T), _batch(share=torch.full((5,), 0.5)))
    assert nothing.item() == 0


def test_mixed_windows_are_compared_with_both_labels_and_unlabelled_ones_with_none() -> None:
    batch = _batch(
        own=torch.tensor([0, 3, UNLABELLED]),
        share=torch.tensor([0.7, 0.4, 1.0]),
        other=torch.tensor([1, 0, 2]),
    )
    log_p = np.log(softmax(Z_S[:3].numpy()))
    expected = -(0.7 * log_p[0, 0] + 0.3 * log_p[0, 3] + 0.4 * log_p[1, 3] + 0.6 * log_p[1, 0]) / 3
    close(labels_loss(Z_S[:3], batch, 0.0), expected)
    assert batch.labels.tolist() == [UNLABELLED, UNLABELLED, UNLABELLED]


@pytest.mark.parametrize(("weight", "times"), [(None, 9.0), (0.5, 4.5), (0.0, 0.0)])
def test_the_weight_multiplies_the_published_one(weight: float | None, times: float) -> None:
    given = _setup(DistillRecipe(weight=weight, temperature=2.0))
    total, parts = Added(TERMS["kd"](given), given)(_view(Z_S), _view(Z_T), _batch())
    torch.testing.assert_close(parts["term"], distribution_loss(Z_S, Z_T, 2.0).mean())
    torch.testing.assert_close(total, parts["labels"] + times * parts["term"])
    torch.testing.assert_close(parts["labels"], F.cross_entropy(Z_S, LABELS, label_smoothing=0.05))


def test_dkd_warms_up_and_takes_the_teachers_class_where_no_label_holds() -> None:
    term, batch = TERMS["dkd"](_setup()), _batch(own=torch.full((5,), UNLABELLED), done=0.5)
    full = decoupled_loss(Z_S, Z_T, Z_T.argmax(dim=1), 4.0).mean()
    torch.testing.assert_close(term(_view(Z_S), _view(Z_T), batch), full)
    early = _batch(own=torch.full((5,), UNLABELLED), done=1 / 24)
    torch.testing.assert_close(term(_view(Z_S), _view(Z_T), early), full / 2)


def test_label_smoothing_is_a_tenth_and_follows_the_weight() -> None:
    for weight, smoothing in ((None, 0.1), (2.0, 0.2), (100.0, 0.9)):
        method = METHODS["label_smoothing"].build(_setup(DistillRecipe(weight=weight)))
        assert isinstance(method, CrossEntropy)
        total, _ = method(_view(Z_S), _view(Z_T), _batch())
        torch.testing.assert_close(total, F.cross_entropy(Z_S, LABELS, label_smoothing=smoothing))


def _opinionated() -> Network:
    """A teacher that is sure of itself; its running means fit its windows, or its features were all close to 0."""
    member = network("teacher")
    for module in member.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    member(X)
    assert isinstance(member.head, torch.nn.Linear)
    with torch.no_grad():
        member.head.weight.mul_(100)
    return member


def _objective(name: MethodName, weight: float | None = None) -> tuple[Objective, Network, Ensemble]:
    torch.manual_seed(0)
    student, teacher = network("student"), Ensemble([_opinionated(), _opinionated()]).eval()
    given = setup(student, teacher.first, Y, DistillRecipe(method=name, weight=weight), TrainRecipe())
    return Objective(student, METHODS[name].build(given), Y, teacher), student, teacher


@pytest.mark.parametrize("name", TERMS)
def test_gradients_of_the_term_reach_student_and_adapters_and_never_the_teacher(name: MethodName) -> None:
    with_term, student, teacher = _objective(name)
    torch.manual_seed(1)
    with_term.loss(X, ROWS, 0.5)[0].backward()  # type: ignore[no-untyped-call]
    without, alone, _ = _objective(name, weight=0.0)
    torch.manual_seed(1)
    without.loss(X, ROWS, 0.5)[0].backward()  # type: ignore[no-untyped-call]
    pairs = zip(student.named_parameters(), alone.parameters(), strict=True)
    changed = [
        n for (n, p), q in pairs if p.grad is not None and q.grad is not None and not torch.allclose(p.grad, q.grad)
    ]
    assert any(n.startswith("stem") for n in changed)
    if not TERMS[name].on_features:
        assert any(n.startswith("head") for n in changed)
    adapters = list(with_term.method.parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in adapters)
    assert bool(adapters) == (name in ("fitnet", "vid", "crd", "reviewkd"))
    assert all(p.grad is None for p in teacher.parameters())


@pytest.mark.parametrize("name", TERMS)
def test_adapters_are_no_part_of_the_student_and_the_teacher_no_part_of_what_is_trained(name: MethodName) -> None:
    objective, student, teacher = _objective(name)
    assert student.state_dict().keys() == network("student").state_dict().keys()
    trained = {id(weight) for weight in objective.parameters()}
    assert not trained & {id(weight) for weight in teacher.parameters()}
    assert {id(weight) for weight in student.parameters()} <= trained
    objective.train()
    objective.loss(X, ROWS, 0.0)
    assert not teacher.training


def _view(logits: Tensor, features: Tensor | None = None) -> View:
    return View(logits=logits, features=torch.empty(len(logits), 0) if features is None else features, stages=())


def _batch(
    own: Tensor = LABELS,
    rows: Tensor | None = None,
    share: Tensor | None = None,
    other: Tensor | None = None,
    done: float = 0.0,
) -> Batch:
    count = len(own)
    return Batch(
        rows=torch.arange(count) if rows is None else rows,
        own=own,
        share=torch.ones(count) if share is None else share,
        other=torch.arange(count) if other is None else other,
        done=done,
    )


def _setup(distill: DistillRecipe | None = None, features: int = 3, labels: Tensor = LABELS) -> Setup:
    shapes = Shapes(features=features, stages=())
    return Setup(student=shapes, teacher=shapes, labels=labels, distill=distill or DistillRecipe(), train=TrainRecipe())
