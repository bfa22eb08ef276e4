"""The network: what it is made of, what folding keeps, and the normalisation inside."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from factory.contracts.recipe import BackboneRecipe, HeadKind, ModelRecipe
from factory.contracts.window import Normalisation
from factory.models import Network, build_network, fold
from factory.models.blocks import Convolution, Normalise, SqueezeGate
from tests.unit.models.conftest import LAYOUTS, move_statistics, plain, spec_of

KINDS: tuple[HeadKind, ...] = ("linear", "hopfield", "cosine", "mlp")
ROLES = ("teacher", "student")


def _network(mobilenet: ModelRecipe, role: str, head: HeadKind = "linear") -> Network:
    torch.manual_seed(0)
    return build_network(spec_of(getattr(mobilenet, role), head))


@pytest.mark.parametrize("role", ROLES)
def test_every_convolution_is_lifted_and_explicitly_padded(mobilenet: ModelRecipe, role: str) -> None:
    network = _network(mobilenet, role)
    assert not any(isinstance(module, nn.Conv1d | nn.BatchNorm1d | nn.LayerNorm) for module in network.modules())
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert convolutions
    for convolution in convolutions:
        assert convolution.kernel_size[0] == 1
        assert convolution.stride[0] == convolution.stride[1]
        assert convolution.padding in ((0, convolution.kernel_size[1] // 2), (0, 0))
        assert convolution.padding_mode == "zeros"
        assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


def test_the_student_has_no_hardswish_and_the_teacher_may(mobilenet: ModelRecipe) -> None:
    def uses(role: str) -> bool:
        return any(isinstance(module, nn.Hardswish | nn.SiLU) for module in _network(mobilenet, role).modules())

    assert not uses("student")
    assert uses("teacher")


def test_a_recipe_refuses_a_hardswish_student(mobilenet: ModelRecipe) -> None:
    told = r"a student's activation is relu, got hardswish: .*: give it to the teacher alone"
    with pytest.raises(ValidationError, match=told):
        ModelRecipe(student=mobilenet.student.model_copy(update={"activation": "hardswish"}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_folding_keeps_the_logits(mobilenet: ModelRecipe, role: str, kind: HeadKind) -> None:
    network = _network(mobilenet, role, kind)
    move_statistics(network)
    window = 3 * torch.randn(4, 9, 1, 128)
    with torch.inference_mode():
        expected = network.eval()(window)
        torch.testing.assert_close(fold(network)(window), expected, atol=1e-4, rtol=1e-4)
    assert expected.shape == (4, 6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_folding_keeps_the_logits_of_every_layout(layout: str, kind: HeadKind) -> None:
    torch.manual_seed(0)
    network = build_network(spec_of(LAYOUTS[layout], kind))
    move_statistics(network)
    window = 3 * torch.randn(4, 9, 1, 128)
    with torch.inference_mode():
        expected = network.eval()(window)
        torch.testing.assert_close(fold(network)(window), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folded_network_has_no_batch_norm_and_leaves_the_original_alone(
    mobilenet: ModelRecipe, kind: HeadKind
) -> None:
    network = _network(mobilenet, "student", kind).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folded = fold(network)
    assert not any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in folded.modules())
    assert not folded.training
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_stages_are_reported_with_their_widths_and_lengths(mobilenet: ModelRecipe) -> None:
    network = _network(mobilenet, "student").eval()
    features, stages = network.backbone(torch.zeros(2, 9, 1, 128))
    assert features.shape == (2, 64)
    assert [tuple(stage.shape) for stage in stages] == [(2, 16, 1, 64), (2, 24, 1, 32), (2, 40, 1, 16)]
    assert network.stage_widths == (16, 24, 40)


def test_plain_stages_are_convolutions_and_nothing_else() -> None:
    network = build_network(spec_of(plain(), "linear")).eval()
    features, stages = network.backbone(torch.zeros(2, 9, 1, 128))
    assert features.shape == (2, 64)
    assert [tuple(stage.shape) for stage in stages] == [(2, 32, 1, 16), (2, 48, 1, 8), (2, 48, 1, 8)]
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert [c.kernel_size[1] for c in convolutions] == [9, 5, 5, 5, 3, 1]
    assert [c.stride[1] for c in convolutions] == [4, 2, 2, 1, 1, 1]
    assert {c.groups for c in convolutions} == {1}
    assert not any(isinstance(module, SqueezeGate) for module in network.modules())


@torch.inference_mode()
def test_a_residual_block_adds_its_input_where_shapes_allow() -> None:
    def blocks(backbone: BackboneRecipe) -> list[Convolution]:
        network = build_network(spec_of(backbone, "linear")).eval()
        return [module for module in network.modules() if isinstance(module, Convolution)]

    adding = blocks(plain("residual"))
    assert [block.residual for block in adding] == [False, False, True, True]
    x = torch.randn(2, 48, 1, 8)
    torch.testing.assert_close(adding[2](x), x + adding[2].body(x))
    assert not any(block.residual for block in blocks(plain()))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("window", [16, 33])
def test_every_layout_takes_any_window_length(layout: str, window: int) -> None:
    network = build_network(spec_of(LAYOUTS[layout], "linear", channels=6, window=window)).eval()
    assert network(torch.zeros(1, 6, 1, window)).shape == (1, 6)


@pytest.mark.parametrize("window", [8, 33, 100])
def test_any_window_length_goes_through(mobilenet: ModelRecipe, window: int) -> None:
    network = build_network(spec_of(mobilenet.student, "linear", channels=6, window=window)).eval()
    assert network(torch.zeros(1, 6, 1, window)).shape == (1, 6)


def test_the_gate_is_a_hard_sigmoid_by_hand() -> None:
    gate = SqueezeGate(1, 1)
    with torch.no_grad():
        for layer in (gate.reduce, gate.expand):
            layer.weight.fill_(1.0)
            assert layer.bias is not None
            layer.bias.zero_()
    # Mean 1 passes both layers: relu6(1 + 3) / 6 = 2/3. Mean 9: relu6(12) / 6 = 1.
    torch.testing.assert_close(gate(torch.tensor([[[[0.0, 2.0]]]])), torch.tensor([[[[0.0, 4 / 3]]]]))
    torch.testing.assert_close(gate(torch.tensor([[[[9.0, 9.0]]]])), torch.tensor([[[[9.0, 9.0]]]]))


def test_normalisation_scales_each_channel_and_saturates() -> None:
    normalise = Normalise(Normalisation(mean=(1.0, 0.0), std=(2.0, 0.5), clip=3.0))
    window = torch.tensor([[[[1.0, 5.0, 100.0]], [[0.5, -0.25, -100.0]]]])
    expected = torch.tensor([[[[0.0, 2.0, 3.0]], [[1.0, -0.5, -3.0]]]])
    torch.testing.assert_close(normalise(window), expected)


def test_normalisation_is_neither_trained_nor_stored(mobilenet: ModelRecipe) -> None:
    network = _network(mobilenet, "student")
    assert not any("normalise" in name for name, _ in network.named_parameters())
    assert not any("normalise" in name for name in network.state_dict())


def test_the_network_eats_si_units(mobilenet: ModelRecipe) -> None:
    # The same motion in another channel's unit: a network normalised for it gives the same logits.
    network = _network(mobilenet, "student").eval()
    constants = network.spec.normalisation
    milli = constants.model_copy(
        update={"mean": tuple(1000 * v for v in constants.mean), "std": tuple(1000 * v for v in constants.std)}
    )
    other = build_network(network.spec.model_copy(update={"normalisation": milli})).eval()
    other.load_state_dict(network.state_dict())
    window = torch.randn(3, 9, 1, 128)
    with torch.inference_mode():
        torch.testing.assert_close(other(1000 * window), network(window), atol=1e-4, rtol=1e-4)
