"""Quantities of operators against figures worked by hand, and costs that follow from them."""

import pytest

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BackboneRecipe, HeadKind, StageRecipe
from factory.contracts.window import Normalisation
from factory.models import build_network, fold
from factory.models.instructions import cost_model, predict_cost
from factory.models.operators import SIZE, SPEED, quantities
from tests.unit.models.conftest import LAYOUTS, plain, spec_of

MOST_ERROR = 0.10
"""Mean relative error of predicted instructions that a search can live with."""


def tiny(head: HeadKind) -> NetworkSpec:
    """2 channels x 16 samples; stem and first stage halve the time steps to 8 and 4; 3 classes."""
    return NetworkSpec(
        backbone=BackboneRecipe(
            block="plain",
            stem=4,
            stages=(
                StageRecipe(width=6, blocks=1, kernel=3, stride=2),
                StageRecipe(width=20, blocks=1, kernel=3, stride=1),
            ),
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


BY_HAND = {
    "float_macs": 8 * 8 * 2 * 5,  # the stem, width 4 padded to 8
    "float_taps": 2 * 1 * 5,  # tiles of 4 steps x 8 channels, times kernel
    "float_outputs": 8 * 8,
    "float_elements": 0,
    "float_operators": 1,
    "by_window": 2 * 16,
    "by_channel": 0,
    "float_weights": 4 * 2 * 5,
    "int8_macs": 4 * 16 * 4 * 3 + 4 * 32 * 8 * 3 + 4 * 16 * 20 * 1,  # 6, 20, 8 channels padded to 16, 32, 16
    "int8_taps": 1 * 1 * 3 + 1 * 2 * 3 + 1 * 1 * 1,  # tiles of 4 steps x 16 channels
    "int8_outputs": 4 * 16 + 4 * 32 + 4 * 16,
    "int8_linear_macs": 8 * 16,  # 3 classes padded to 16
    "int8_pooled": 4 * 8,
    "int8_operators": 3 + 1 + 1,
    "int8_weights": 6 * 4 * 3 + 20 * 6 * 3 + 8 * 20 + 3 * 8,
    "padded": 2 * 16 + 4 * 8,  # what the two strided convolutions read
    "quantised": 8 * 4,  # what the stem gives
    "sensors": 2,
    "classes": 3,
    "files": 1,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_quantity_is_as_worked_by_hand(name: str) -> None:
    assert quantities(build_network(tiny("linear")).eval())[name] == BY_HAND[name]


def test_constants_of_the_windows_shape_are_counted_where_a_file_has_them() -> None:
    weights = sum(each.numel() for each in fold(build_network(tiny("linear"))).parameters())
    longest = weights // 8  # 2 constants, 2 channels, 2 weights for each value
    for window, kind, other in (
        (longest, "by_window", "by_channel"),
        (longest + 1, "by_channel", "by_window"),
    ):
        found = quantities(build_network(tiny("linear").model_copy(update={"window": window})).eval())
        assert (found[kind], found[other]) == (2 * window, 0)


def test_a_head_with_a_softmax_or_a_root_is_float_whole() -> None:
    for head in ("hopfield", "cosine"):
        found = quantities(build_network(tiny(head)).eval())
        assert found["int8_linear_macs"] == 0, head
        assert found["float_linear_macs"] > 0, head
        assert found["int8_macs"] == BY_HAND["int8_macs"], head


def test_depthwise_convolutions_count_apart() -> None:
    found = quantities(build_network(spec_of(LAYOUTS["mobilenet"], "linear")).eval())
    assert found["int8_depthwise_macs"] > 0
    assert quantities(build_network(spec_of(plain(), "linear")).eval())["int8_depthwise_macs"] == 0


def test_coefficients_are_of_quantities_there_are_and_near_enough() -> None:
    model = cost_model()
    assert model.layouts >= 39
    assert set(model.instructions) == {"cortex-a53", "cortex-a76"}
    for fitted in model.instructions.values():
        assert set(fitted.coefficients) <= set(SPEED)
        assert fitted.held_out_error <= MOST_ERROR
    assert set(model.size_bytes.coefficients) <= set(SIZE)
    assert model.size_bytes.held_out_error <= MOST_ERROR


def test_a_wider_student_costs_more_of_everything() -> None:
    narrow = plain()
    wide = narrow.model_copy(
        update={"stages": tuple(stage.model_copy(update={"width": 2 * stage.width}) for stage in narrow.stages)}
    )
    (instructions, size), (more, larger) = (
        predict_cost(build_network(spec_of(backbone, "linear")).eval()) for backbone in (narrow, wide)
    )
    assert all(more[core] > 1.3 * instructions[core] for core in instructions)
    assert larger > size
