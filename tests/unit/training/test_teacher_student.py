"""Teacher and student end to end on tiny windows: files, repeatability, and what must not matter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from factory.contracts.errors import ArtifactError, DataError
from factory.contracts.network import TrainingSummary
from factory.contracts.progress import Silent
from factory.models import build_network, load_network
from factory.models.heads import MemoryHead
from factory.training import predict, train_student, train_teacher
from factory.training.data import network_spec, training_data
from factory.training.loop import fit
from factory.training.seed import seed_epoch
from factory.training.teacher import cross_entropy, fit_memory, load_teacher, training_indices
from tests.fakes import tiny_recipe, tiny_split, tiny_windows
from tests.unit.training.harness import StopAfter, plan_for, poisoned, rows, same_weights, tiny_data

_RECIPE = tiny_recipe(heads=("linear", "hopfield"), epochs=2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with teacher/ and student/."""
    folder = tmp_path_factory.mktemp("trained")
    windows = tiny_windows()
    split = tiny_split(windows)
    train_teacher(_RECIPE, windows, split, folder / "teacher", "cpu", Silent())
    train_student(_RECIPE, windows, split, folder / "teacher", folder / "student", "cpu", Silent())
    return folder


def test_the_files_are_complete_and_nothing_else_is_left(trained: Path) -> None:
    common = {"network.json", "network.safetensors", "summary.json", "epochs.jsonl"}
    assert {path.name for path in (trained / "student").iterdir()} == common
    assert {p.name for p in (trained / "teacher").iterdir()} == common | {"ensemble.safetensors", "memory.safetensors"}
    assert not list(trained.rglob("checkpoint.safetensors"))
    assert not list(trained.rglob(".*.part"))


def test_summaries_say_what_was_done(trained: Path) -> None:
    teacher, student = (
        TrainingSummary.model_validate_json((trained / role / "summary.json").read_text())
        for role in ("teacher", "student")
    )
    assert set(teacher.head_search) == {"linear", "hopfield"}
    assert all(0 <= score <= 1 for score in teacher.head_search.values())
    assert teacher.head_search[teacher.head] == max(teacher.head_search.values())
    assert (teacher.method, student.method) == ("cross_entropy", "smldist")
    assert teacher.epochs == student.epochs == 2
    assert student.head == teacher.head
    assert teacher.device == student.device == "cpu"
    assert teacher.seconds > 0


def test_epochs_are_logged_by_phase_with_every_loss(trained: Path) -> None:
    teacher, student = rows(trained / "teacher"), rows(trained / "student")
    assert [(row["phase"], row["epoch"]) for row in teacher] == [
        ("search", 1),
        ("search", 2),
        ("teacher", 1),
        ("teacher", 2),
    ]
    assert "validation_macro_f1" in teacher[1]
    assert [(row["phase"], row["epoch"]) for row in student] == [("student", 1), ("student", 2), ("int8", 1)]
    assert all({"loss", "lr", "logits", "stage", "memory"} <= row.keys() for row in student[:2])


def test_a_loaded_student_gives_the_same_logits_when_trained_again(trained: Path, tmp_path: Path) -> None:
    windows = tiny_windows()
    train_student(_RECIPE, windows, tiny_split(windows), trained / "teacher", tmp_path, "cpu", Silent())
    first, second = load_network(trained / "student"), load_network(tmp_path)
    assert np.array_equal(predict(first, windows.x), predict(second, windows.x))
    assert rows(tmp_path) == rows(trained / "student")


def test_the_stored_student_is_a_plain_network(trained: Path) -> None:
    student = load_network(trained / "student")
    assert student.state_dict().keys() == build_network(student.spec).state_dict().keys()


@pytest.mark.parametrize("stop", [1, 3])
def test_an_interrupted_teacher_resumes_in_its_phase(trained: Path, tmp_path: Path, stop: int) -> None:
    windows = tiny_windows()
    split = tiny_split(windows)
    with pytest.raises(KeyboardInterrupt):  # after epoch 1 of the search, or of the teacher
        train_teacher(_RECIPE, windows, split, tmp_path, "cpu", StopAfter(stop))
    assert not (tmp_path / "network.safetensors").exists()
    train_teacher(_RECIPE, windows, split, tmp_path, "cpu", Silent())
    assert same_weights(load_network(tmp_path), load_network(trained / "teacher"))
    assert same_weights(load_teacher(tmp_path)[1], load_teacher(trained / "teacher")[1])
    assert rows(tmp_path) == rows(trained / "teacher")


def test_an_interrupted_committee_resumes_at_its_second_member(tmp_path: Path) -> None:
    windows = tiny_windows()
    split, recipe = tiny_split(windows), tiny_recipe(teachers=2)
    whole, interrupted = tmp_path / "whole", tmp_path / "interrupted"
    train_teacher(recipe, windows, split, whole, "cpu", Silent())
    with pytest.raises(KeyboardInterrupt):  # two epochs of the first member, one of the second
        train_teacher(recipe, windows, split, interrupted, "cpu", StopAfter(3))
    train_teacher(recipe, windows, split, interrupted, "cpu", Silent())
    ensemble = load_teacher(interrupted)[0]
    assert len(ensemble.members) == 2
    assert same_weights(ensemble, load_teacher(whole)[0])
    assert not same_weights(*ensemble.members)
    assert {path.name for path in interrupted.iterdir()} == {path.name for path in whole.iterdir()}


@pytest.mark.parametrize("stop", [1, 3])
def test_an_interrupted_student_resumes_in_its_phase(trained: Path, tmp_path: Path, stop: int) -> None:
    windows = tiny_windows()
    split = tiny_split(windows)
    with pytest.raises(KeyboardInterrupt):  # with adapters and spectra, or with int8 rounding
        train_student(_RECIPE, windows, split, trained / "teacher", tmp_path, "cpu", StopAfter(stop))
    train_student(_RECIPE, windows, split, trained / "teacher", tmp_path, "cpu", Silent())
    assert same_weights(load_network(tmp_path), load_network(trained / "student"))
    assert rows(tmp_path) == rows(trained / "student")


def test_the_control_has_the_same_student_and_no_distillation(trained: Path, tmp_path: Path) -> None:
    windows = tiny_windows()
    control = tiny_recipe(heads=("linear", "hopfield"), method="cross_entropy")
    summary = train_student(control, windows, tiny_split(windows), trained / "teacher", tmp_path, "cpu", Silent())
    assert summary.method == "cross_entropy"
    assert load_network(tmp_path).spec == load_network(trained / "student").spec
    assert all("stage" not in row for row in rows(tmp_path))


def test_refit_trains_on_validation_subjects_and_otherwise_not() -> None:
    split = tiny_split(tiny_windows())
    assert set(training_indices(tiny_recipe(refit=False), split)) == set(split.train)
    assert set(training_indices(tiny_recipe(refit=True), split)) == set(split.train) | set(split.validation)


@pytest.mark.parametrize("refit", [False, True])
def test_windows_that_are_not_for_training_influence_nothing(tmp_path: Path, refit: bool) -> None:
    windows = tiny_windows()
    split = tiny_split(windows)
    recipe = tiny_recipe(epochs=1, refit=refit)
    hidden = split.test if refit else np.concatenate([split.test, split.validation])
    networks = []
    for name, values in (("clean", windows), ("poisoned", poisoned(windows, hidden))):
        folder = tmp_path / name
        train_teacher(recipe, values, split, folder / "teacher", "cpu", Silent())
        train_student(recipe, values, split, folder / "teacher", folder / "student", "cpu", Silent())
        networks.append((load_teacher(folder / "teacher"), load_network(folder / "student")))
    (clean_teacher, clean_memory), clean_student = networks[0]
    (teacher, memory), student = networks[1]
    assert student.spec == clean_student.spec  # the normalisation too
    assert same_weights(teacher, clean_teacher)
    assert same_weights(memory, clean_memory)
    assert same_weights(student, clean_student)


def test_training_windows_that_are_not_finite_are_refused_by_channel(tmp_path: Path) -> None:
    windows = tiny_windows()
    x = windows.x.copy()
    x[0, 4, 7] = np.inf
    with pytest.raises(DataError, match=r"training windows of gyro_y are not finite: see 'factory data check'"):
        train_teacher(tiny_recipe(), replace(windows, x=x), tiny_split(windows), tmp_path, "cpu", Silent())


def test_a_class_missing_from_training_is_refused_by_name(tmp_path: Path) -> None:
    windows = tiny_windows()
    split = tiny_split(windows)
    short = replace(split, train=split.train[windows.y[split.train] != 2])
    with pytest.raises(DataError, match=r"no training window of shake: drop the class \(data\.labels\)"):
        train_teacher(tiny_recipe(refit=False), windows, short, tmp_path, "cpu", Silent())


def test_the_normalisation_is_fitted_on_training_windows_by_hand() -> None:
    data, windows, _ = tiny_data()
    train = windows.x[tiny_split(windows).train].astype(np.float64)
    np.testing.assert_allclose(data.normalisation.mean, train.mean(axis=(0, 2)), rtol=1e-6)
    np.testing.assert_allclose(data.normalisation.std, train.std(axis=(0, 2)), rtol=1e-6)
    assert data.normalisation.clip == 6.0


def test_a_constant_channel_does_not_divide_by_zero() -> None:
    windows = tiny_windows()
    x = windows.x.copy()
    x[:, 3] = 0.0
    data = training_data(tiny_recipe(), replace(windows, x=x), tiny_split(windows).train)
    assert data.normalisation.std[3] == pytest.approx(1e-3)


@pytest.mark.parametrize("name", ["network.json", "network.safetensors", "ensemble.safetensors", "memory.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "noise"])
def test_a_student_refuses_a_damaged_teacher(trained: Path, tmp_path: Path, name: str, damage: str) -> None:
    for path in (trained / "teacher").glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = (tmp_path / name).read_bytes()
    if damage == "missing":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content[:-9] if damage == "truncated" else b"\xff" * len(content))
    windows = tiny_windows()
    with pytest.raises(ArtifactError, match=rf"{name}.*train .* again"):
        train_student(_RECIPE, windows, tiny_split(windows), tmp_path, tmp_path / "student", "cpu", Silent())


def test_the_fitted_memory_associates_each_class_with_its_own_patterns(tmp_path: Path) -> None:
    data, windows, recipe = tiny_data(tiny_recipe(epochs=10))
    seed_epoch(0, "teacher", -1)
    network = build_network(network_spec(recipe, recipe.model.teacher, "linear", windows, data.normalisation))
    fit(plan_for(tmp_path, data, recipe), network, cross_entropy(network, recipe.train), data.x, data.y, Silent())
    memory = fit_memory(network.eval(), data, recipe)
    with torch.inference_mode():
        features, _ = network.backbone(torch.from_numpy(data.x).unsqueeze(2))
        log_association, _ = memory.associate(features)
        loss = F.cross_entropy(memory(features), torch.from_numpy(data.y))
    association = log_association.exp()
    torch.testing.assert_close(association.sum(dim=1), torch.ones(len(data.y)))
    entropy = -(association * log_association).sum(dim=1)
    assert 0.01 < entropy.mean().item() < 0.9 * np.log(6)  # 3 classes x 2 patterns
    means = torch.stack([association[torch.from_numpy(data.y == label)].mean(dim=0) for label in range(3)])
    assert torch.cdist(means, means).fill_diagonal_(1.0).min().item() > 0.2
    assert loss.item() < 0.3


def test_a_teacher_with_a_memory_head_keeps_that_memory() -> None:
    data, windows, recipe = tiny_data()
    spec = network_spec(recipe, recipe.model.teacher, "hopfield", windows, data.normalisation)
    network = build_network(spec).eval()
    assert isinstance(network.head, MemoryHead)
    assert fit_memory(network, data, recipe) is network.head


class _Seen(torch.nn.Module):
    """Answers with its input, and keeps it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.x = x
        return x.flatten(1)


@pytest.mark.parametrize(("mixed", "kept"), [(0.0, 32), (0.25, 24), (0.5, 16)])
def test_the_share_of_the_recipe_is_mixed_with_both_labels(mixed: float, kept: int) -> None:
    train = tiny_recipe().train.model_copy(update={"mixed": mixed, "label_smoothing": 0.0})
    x, y = torch.eye(32).view(32, 32, 1, 1), torch.arange(32)  # each window spells its label
    torch.manual_seed(1)
    network = _Seen()
    loss, _ = cross_entropy(network, train)(x, y, 0.0)
    assert torch.equal(network.x[:kept], x[:kept])
    logits = network.x.flatten(1)
    torch.testing.assert_close(loss, F.cross_entropy(logits, logits))  # the mixed window is its own mixed label
    assert mixed == 0 or not torch.equal(network.x, x)
