"""Teachers of several networks."""

from pathlib import Path

import pytest
import torch

from factory.contracts.errors import ArtifactError
from factory.contracts.recipe import ModelRecipe
from factory.models import Ensemble, build_network, load_ensemble, save_ensemble
from factory.models.cost import ensemble_cost, network_cost
from tests.unit.models.conftest import move_statistics, spec_of

_X = torch.randn(4, 9, 1, 128, generator=torch.Generator().manual_seed(1))


def _ensemble(count: int) -> Ensemble:
    torch.manual_seed(0)
    members = [build_network(spec_of(ModelRecipe().teacher, "linear")) for _ in range(count)]
    for member in members:
        move_statistics(member)
    return Ensemble(members).eval()


@torch.inference_mode()
def test_probabilities_are_the_mean_of_the_members() -> None:
    ensemble = _ensemble(3)
    expected = torch.stack([member(_X).softmax(dim=1) for member in ensemble.members]).mean(dim=0)
    torch.testing.assert_close(ensemble(_X).softmax(dim=1), expected)


@torch.inference_mode()
def test_one_member_answers_with_its_own_logits() -> None:
    ensemble = _ensemble(1)
    torch.testing.assert_close(ensemble(_X), ensemble.first(_X), rtol=0, atol=0)


@torch.inference_mode()
def test_features_and_stages_are_the_first_members() -> None:
    ensemble = _ensemble(2)
    features, stages, _ = ensemble.teach(_X)
    expected, outputs = ensemble.first.backbone(_X)
    assert torch.equal(features, expected)
    assert all(torch.equal(a, b) for a, b in zip(stages, outputs, strict=True))


@torch.inference_mode()
def test_folding_and_a_round_trip_through_files_keep_the_logits(tmp_path: Path) -> None:
    ensemble = _ensemble(3)
    save_ensemble(ensemble, tmp_path)
    torch.testing.assert_close(load_ensemble(tmp_path)(_X), ensemble(_X), rtol=0, atol=0)
    torch.testing.assert_close(ensemble.folded()(_X), ensemble(_X), rtol=1e-4, atol=1e-5)


def test_a_member_of_another_shape_is_refused(tmp_path: Path) -> None:
    save_ensemble(_ensemble(2), tmp_path)
    content = (tmp_path / "ensemble.safetensors").read_bytes()
    (tmp_path / "ensemble.safetensors").write_bytes(content.replace(b"1.stem.conv.weight", b"1.stem.conv.weighT"))
    with pytest.raises(ArtifactError, match=r"ensemble.safetensors.*train the teacher again"):
        load_ensemble(tmp_path)


def test_cost_counts_every_member() -> None:
    ensemble = _ensemble(3)
    one, three = network_cost(ensemble.first), ensemble_cost(ensemble)
    assert (three.parameters, three.macs) == (3 * one.parameters, 3 * one.macs)
    assert three.peak_activation_bytes == one.peak_activation_bytes
