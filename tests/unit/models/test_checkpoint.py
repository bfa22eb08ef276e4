"""Networks on disk: what was saved is what is loaded, and damage is refused."""

import json
from pathlib import Path

import pytest
import torch

from factory.contracts.errors import ArtifactError
from factory.contracts.recipe import ModelRecipe
from factory.models import Network, build_network, load_network, save_network
from tests.unit.models.conftest import LAYOUTS, move_statistics, spec_of


@pytest.fixture
def saved(mobilenet: ModelRecipe, tmp_path: Path) -> tuple[Network, Path]:
    torch.manual_seed(0)
    network = build_network(spec_of(mobilenet.student, "hopfield"))
    move_statistics(network)
    save_network(network, tmp_path)
    return network.eval(), tmp_path


def test_a_loaded_network_gives_the_same_logits(saved: tuple[Network, Path]) -> None:
    network, folder = saved
    window = torch.randn(2, 9, 1, 128)
    loaded = load_network(folder)
    assert not loaded.training
    assert loaded.spec == network.spec
    assert torch.equal(loaded(window), network(window))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_network_of_any_layout_comes_back(layout: str, tmp_path: Path) -> None:
    network = build_network(spec_of(LAYOUTS[layout], "linear"))
    save_network(network, tmp_path)
    loaded = load_network(tmp_path)
    assert loaded.spec == network.spec
    window = torch.randn(2, 9, 1, 128)
    assert torch.equal(loaded(window), network.eval()(window))


def test_a_specification_from_before_there_was_a_choice_of_blocks_is_a_mobilenets(saved: tuple[Network, Path]) -> None:
    network, folder = saved
    path = folder / "network.json"
    stored = json.loads(path.read_text())
    for key in ("block", "stem_kernel", "stem_stride"):
        del stored["backbone"][key]
    path.write_text(json.dumps(stored))
    assert load_network(folder).spec == network.spec


def test_nothing_but_the_two_files_is_left(saved: tuple[Network, Path]) -> None:
    assert sorted(path.name for path in saved[1].iterdir()) == ["network.json", "network.safetensors"]


@pytest.mark.parametrize("name", ["network.json", "network.safetensors"])
def test_a_missing_file_is_named(saved: tuple[Network, Path], name: str) -> None:
    (saved[1] / name).unlink()
    with pytest.raises(ArtifactError, match=rf"{name}.*train the network again"):
        load_network(saved[1])


@pytest.mark.parametrize("name", ["network.json", "network.safetensors"])
@pytest.mark.parametrize("damage", ["empty", "truncated", "noise"])
def test_a_damaged_file_is_refused_by_name(saved: tuple[Network, Path], name: str, damage: str) -> None:
    path = saved[1] / name
    content = path.read_bytes()
    path.write_bytes({"empty": b"", "truncated": content[: len(content) // 2], "noise": b"\xff\xfe" * 500}[damage])
    with pytest.raises(ArtifactError, match=rf"{name}.*train the network again"):
        load_network(saved[1])


@pytest.mark.parametrize(
    ("old", "new"), [('"stem": 16', '"stem": 17'), ('"stem": 16', '"stem": -16'), ('"head"', '"haed"'), ("{", "[")]
)
def test_a_specification_with_a_flipped_character_is_refused(saved: tuple[Network, Path], old: str, new: str) -> None:
    path = saved[1] / "network.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ArtifactError):
        load_network(saved[1])


def test_a_specification_with_too_few_normalisation_constants_is_refused(saved: tuple[Network, Path]) -> None:
    network, folder = saved
    short = network.spec.normalisation.model_copy(update={"mean": (0.0,), "std": (1.0,)})
    (folder / "network.json").write_text(network.spec.model_copy(update={"normalisation": short}).model_dump_json())
    with pytest.raises(ArtifactError, match="normalisation"):
        load_network(folder)


def test_a_pickle_is_never_unpickled(saved: tuple[Network, Path]) -> None:
    network, folder = saved
    torch.save(network.state_dict(), folder / "network.safetensors")
    with pytest.raises(ArtifactError):
        load_network(folder)
