"""Costs against figures worked by hand."""

import pytest

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BackboneRecipe, BlockKind, HeadKind, ModelRecipe, StageRecipe
from factory.contracts.window import Normalisation
from factory.models import build_network
from factory.models.cost import network_cost
from tests.unit.models.conftest import spec_of

KINDS: tuple[HeadKind, ...] = ("linear", "hopfield", "cosine", "mlp")


def _tiny(head: HeadKind) -> NetworkSpec:
    """2 channels x 16 samples, one block of expansion 2 that strides, 3 classes, one pattern a class."""
    return NetworkSpec(
        backbone=BackboneRecipe(
            stem=4,
            stages=(StageRecipe(width=6, blocks=1, expansion=2, kernel=3, stride=2),),
            features=8,
            activation="relu",
        ),
        head=head,
        channels=2,
        window=16,
        classes=3,
        patterns=1,
        normalisation=Normalisation(mean=(0.0, 0.0), std=(1.0, 1.0), clip=6.0),
    )


_BACKBONE_MACS = sum(
    (
        8 * 4 * 2 * 5,  # stem, kernel 5, 16 -> 8 steps
        8 * 8 * 4,  # expand 4 -> 8
        4 * 8 * 3,  # depthwise kernel 3, 8 -> 4 steps
        8 * 8 + 8 * 8,  # gate, hidden max(8, 8 // 4)
        4 * 6 * 8,  # project 8 -> 6
        4 * 8 * 6,  # last 6 -> 8
    )
)
_BACKBONE_PARAMETERS = sum(
    (4 * 2 * 5 + 4, 8 * 4 + 8, 8 * 3 + 8, (8 * 8 + 8) * 2, 6 * 8 + 6, 8 * 6 + 8)  # weights and folded biases
)


@pytest.mark.parametrize(
    ("head", "macs", "parameters"),
    [
        ("linear", 8 * 3, 8 * 3 + 3),
        ("cosine", 8 * 3, 8 * 3),
        ("mlp", 8 * 64 + 64 * 3, 8 * 64 + 64 + 64 * 3 + 3),
        ("hopfield", 8 * 3 + 3 * 3, 8 * 3 + 3 + 3 * 3 + 3),
    ],
)
def test_costs_of_a_tiny_network_by_hand(head: HeadKind, macs: int, parameters: int) -> None:
    cost = network_cost(build_network(_tiny(head)))
    assert cost.macs == _BACKBONE_MACS + macs
    assert cost.parameters == _BACKBONE_PARAMETERS + parameters


@pytest.mark.parametrize("block", ["plain", "residual"])
def test_costs_of_plain_convolutions_by_hand(block: BlockKind) -> None:
    backbone = BackboneRecipe(
        block=block,
        stem=4,
        stem_kernel=9,
        stem_stride=4,
        stages=(
            StageRecipe(width=6, blocks=1, kernel=5, stride=2),
            StageRecipe(width=6, blocks=2, kernel=3, stride=1),
        ),
        features=8,
        activation="relu",
    )
    cost = network_cost(build_network(_tiny("linear").model_copy(update={"backbone": backbone})))
    stem, first, further, last, head = 4 * 2 * 9, 6 * 4 * 5, 6 * 6 * 3, 8 * 6, 3 * 8
    assert cost.macs == 4 * stem + 2 * (first + 2 * further + last) + head  # 16 samples -> 4 -> 2 steps
    assert cost.parameters == stem + first + 2 * further + last + head + (4 + 6 + 6 + 6 + 8 + 3)  # and biases


def test_peak_memory_of_a_tiny_network_by_hand() -> None:
    # Largest pair that lives at once: expand's output 8 x 8 beside its input 4 x 8, then depthwise's
    # input 8 x 8 beside its output 8 x 4: 96 values of four bytes each.
    assert network_cost(build_network(_tiny("linear"))).peak_activation_bytes == 96 * 4


def test_a_residual_keeps_its_input_alive() -> None:
    spec = _tiny("linear")
    stages = (StageRecipe(width=4, blocks=1, expansion=2, kernel=3, stride=1),)
    backbone = spec.backbone.model_copy(update={"stages": stages})
    # Gate: 8 x 8 in and out beside the gate of 8, and the block's input of 4 x 8 waits for the addition.
    cost = network_cost(build_network(spec.model_copy(update={"backbone": backbone})))
    assert cost.peak_activation_bytes == (64 + 64 + 8 + 32) * 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_student_has_at_most_fifty_thousand_parameters(mobilenet: ModelRecipe, kind: HeadKind) -> None:
    cost = network_cost(build_network(spec_of(mobilenet.student, kind)))
    assert 30_000 < cost.parameters <= 50_000
    assert 0.5e6 < cost.macs < 0.9e6


def test_the_default_teacher_is_larger_than_the_student(mobilenet: ModelRecipe) -> None:
    teacher = network_cost(build_network(spec_of(mobilenet.teacher, "linear")))
    student = network_cost(build_network(spec_of(mobilenet.student, "linear")))
    assert teacher.parameters > 1.5 * student.parameters
    assert teacher.macs > 1.5 * student.macs
