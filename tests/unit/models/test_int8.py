"""int8 arithmetic imitated in float: where it rounds, how much, and that training on it changes the network itself."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from factory.contracts.recipe import HeadKind, ModelRecipe
from factory.models import Network, build_network, fold
from factory.models.int8 import RoundedActivation, RoundedWeight, imitate_int8, release_weights
from factory.models.network import unfold
from tests.unit.models.conftest import LAYOUTS, move_statistics, plain, spec_of

_HEADS: tuple[HeadKind, ...] = ("linear", "hopfield", "cosine", "mlp")


def _student(head: HeadKind = "linear", layout: str = "mobilenet") -> Network:
    torch.manual_seed(0)
    network = build_network(spec_of(LAYOUTS[layout], head))
    move_statistics(network)
    return network.eval()


def _windows(count: int = 64) -> Tensor:
    return 3 * torch.randn(count, 9, 1, 128, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("head", "layout"), [*((head, "mobilenet") for head in _HEADS), *(("linear", layout) for layout in LAYOUTS)]
)
def test_rounding_changes_logits_a_little(head: HeadKind, layout: str) -> None:
    folded, x = fold(_student(head, layout)), _windows()
    expected = folded(x)
    rounded = imitate_int8(folded).train()
    rounded(x)
    error = (rounded.eval()(x) - expected).abs().max()
    assert 0 < error < 0.1 * (expected.max() - expected.min())


def test_the_front_and_a_head_with_a_root_stay_in_float() -> None:
    folded = fold(_student("cosine"))
    imitate_int8(folded)
    float_front = {"stem.conv", *(f"stages.0.0.body.{i}.conv" for i in (0, 1, 3))}
    float_front |= {"stages.0.0.body.2.reduce", "stages.0.0.body.2.expand"}
    weighted = {n for n, m in folded.named_modules() if isinstance(m, nn.Conv2d | nn.Linear) and ".param" not in n}
    rounded = {name for name in weighted if parametrize.is_parametrized(folded.get_submodule(name))}
    assert weighted - rounded == float_front | {"head.1"}


def test_plain_convolutions_are_rounded_behind_the_stem() -> None:
    folded = fold(build_network(spec_of(plain(), "linear")))
    imitate_int8(folded)
    weighted = {n for n, m in folded.named_modules() if isinstance(m, nn.Conv2d | nn.Linear) and ".param" not in n}
    rounded = {name for name in weighted if parametrize.is_parametrized(folded.get_submodule(name))}
    assert weighted - rounded == {"stem.conv"}


def test_released_weights_are_the_trained_ones_unrounded() -> None:
    folded = fold(_student())
    before = copy.deepcopy(folded.state_dict())
    imitate_int8(folded)
    release_weights(folded)
    assert folded.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in folded.state_dict().items())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("head", _HEADS)
def test_unfolding_gives_a_network_the_function_of_its_trained_copy(head: HeadKind, layout: str) -> None:
    network, x = _student(head, layout), _windows()
    folded = fold(network)
    with torch.no_grad():
        for name, parameter in folded.named_parameters():
            if not name.startswith("head") or head in ("linear", "mlp"):
                parameter.mul_(1.1).add_(0.01)
    expected = folded(x)
    assert not torch.allclose(network(x), expected, atol=1e-2)
    unfold(folded, network)
    torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(fold(network)(x), expected, rtol=1e-4, atol=1e-4)


def test_a_weight_has_255_steps_an_output_channel_and_lets_gradients_through() -> None:
    weight = torch.stack([torch.linspace(-1, 1, 1001), torch.linspace(-0.01, 0.01, 1001)])
    weight.requires_grad_()
    rounded = RoundedWeight()(weight)
    assert [len(row.unique()) for row in rounded.detach()] == [255, 255]
    torch.testing.assert_close(rounded, weight, rtol=0, atol=1 / 127)
    rounded.sum().backward()
    assert weight.grad is not None
    assert (weight.grad == 1).all()


def test_an_activation_keeps_zero_exact_and_saturates_beyond_what_it_saw() -> None:
    rounding = RoundedActivation().train()
    rounding(torch.tensor([-0.3, 5.0]))
    rounding.eval()
    got = rounding(torch.tensor([0.0, 7.0, -1.0, 2.503]))
    assert got[0] == 0
    torch.testing.assert_close(got[1:], torch.tensor([5.0, -0.3, 2.503]), rtol=0, atol=0.022)


def test_the_network_of_one_stage_has_an_int8_part_too() -> None:
    backbone = ModelRecipe().student
    spec = spec_of(backbone.model_copy(update={"stages": backbone.stages[:1]}), "linear")
    folded = fold(build_network(spec))
    imitate_int8(folded)
    assert parametrize.is_parametrized(folded.last.conv)
    assert not parametrize.is_parametrized(folded.stem.conv)
