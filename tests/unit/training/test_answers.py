"""A teacher that sees more answers beforehand: each window gets its own answer, and the student no foreign channel."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from scipy.special import logsumexp
from torch.nn import functional as F

from factory.contracts.dataset import WindowSet
from factory.contracts.errors import ArtifactError
from factory.contracts.progress import Silent
from factory.contracts.recipe import DistillRecipe, Recipe
from factory.distill.method import Setup, Shapes
from factory.distill.objective import Objective
from factory.distill.smldist import SMLDist
from factory.models import Network, load_network
from factory.training import predict, train_student, train_teacher
from factory.training.answers import ANSWERS_FILE, teacher_answers
from factory.training.augment import shifted
from factory.training.data import training_data
from factory.training.neighbours import averaged
from factory.training.student import _labelled_then_unlabelled
from factory.training.teacher import load_teacher, training_indices
from tests.fakes import LENGTH
from tests.unit.training.few import few_recipe, few_split, wide_windows
from tests.unit.training.harness import rows, same_weights

_WINDOWS = wide_windows()
_SPLIT = few_split(_WINDOWS)
_RECIPE = few_recipe(crops=1)
_LONGER = _RECIPE.model_copy(update={"train": _RECIPE.train.model_copy(update={"teacher_epochs": 15})})


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher of nine channels."""
    folder = tmp_path_factory.mktemp("wide") / "teacher"
    train_teacher(_LONGER, _WINDOWS, _SPLIT, folder, "cpu", Silent())
    return folder


def student(teacher: Path, folder: Path, recipe: Recipe = _RECIPE, windows: WindowSet = _WINDOWS) -> Network:
    train_student(recipe, windows, _SPLIT, teacher, folder, "cpu", Silent())
    return load_network(folder)


def test_teacher_and_student_have_channels_and_constants_of_their_own(teacher: Path, tmp_path: Path) -> None:
    ours, theirs = student(teacher, tmp_path).spec, load_network(teacher).spec
    known = training_indices(_RECIPE, _SPLIT)
    assert (ours.channels, theirs.channels) == (6, 9)
    assert ours.normalisation == training_data(_RECIPE, _WINDOWS, known).normalisation
    assert theirs.normalisation == training_data(_RECIPE, _WINDOWS.for_teacher(), known).normalisation
    assert all(mean > 50 for mean in theirs.normalisation.mean[6:])
    assert not any(abs(mean) > 50 for mean in ours.normalisation.mean)


def test_each_window_gets_the_answer_to_itself(teacher: Path, tmp_path: Path) -> None:
    ensemble, _ = load_teacher(teacher)
    order = np.random.default_rng(0).permutation(len(_WINDOWS.y))[:40]
    answers = teacher_answers(_RECIPE, ensemble, _WINDOWS, order, tmp_path, "cpu", Silent())
    expected = predict(ensemble, _WINDOWS.for_teacher().x[order])
    np.testing.assert_allclose(answers, F.log_softmax(torch.from_numpy(expected), dim=1).numpy(), atol=1e-4)
    assert np.abs(np.roll(answers, 1, axis=0) - answers).max() > 1  # one window further would be seen


def test_answers_are_the_mean_probability_over_crops(teacher: Path, tmp_path: Path) -> None:
    ensemble, _ = load_teacher(teacher)
    recipe = few_recipe(crops=3)
    order = np.arange(10)
    answers = teacher_answers(recipe, ensemble, _WINDOWS, order, tmp_path, "cpu", Silent())
    x = torch.from_numpy(_WINDOWS.for_teacher().x[order])
    crops = [
        F.softmax(torch.from_numpy(predict(ensemble, shifted(x, torch.full((10, 1), by), "reflect").numpy())), dim=1)
        for by in (-4, 0, 4)
    ]
    np.testing.assert_allclose(np.exp(answers), torch.stack(crops).mean(dim=0).numpy(), atol=1e-5)
    np.testing.assert_allclose(logsumexp(answers, axis=1), 0, atol=1e-5)


def test_answers_are_computed_once_for_the_same_content_and_anew_for_another(teacher: Path, tmp_path: Path) -> None:
    ensemble, _ = load_teacher(teacher)
    order = np.arange(20)
    first = teacher_answers(_RECIPE, ensemble, _WINDOWS, order, tmp_path, "cpu", Silent())
    assert _WINDOWS.teacher_x is not None
    unread = replace(_WINDOWS, teacher_x=np.full_like(_WINDOWS.teacher_x, np.nan))  # the same digest
    assert np.array_equal(teacher_answers(_RECIPE, ensemble, unread, order, tmp_path, "cpu", Silent()), first)
    later = teacher_answers(_RECIPE, ensemble, _WINDOWS, order + 1, tmp_path, "cpu", Silent())
    np.testing.assert_allclose(later[:-1], first[1:], atol=1e-5)
    (tmp_path / ANSWERS_FILE).write_bytes(b"damaged")
    again = teacher_answers(_RECIPE, ensemble, _WINDOWS, order, tmp_path, "cpu", Silent())
    np.testing.assert_allclose(again, first, atol=1e-6)


def test_answers_are_averaged_over_the_recipes_neighbours_from_one_cache(teacher: Path, tmp_path: Path) -> None:
    ensemble, _ = load_teacher(teacher)
    order = np.arange(20)
    alone = teacher_answers(_RECIPE, ensemble, _WINDOWS, order, tmp_path, "cpu", Silent())
    kept = (tmp_path / ANSWERS_FILE).read_bytes()
    near = few_recipe(crops=1, neighbours=1)
    found = teacher_answers(near, ensemble, _WINDOWS, order, tmp_path, "cpu", Silent())
    np.testing.assert_allclose(found, averaged(alone, _WINDOWS, order, 1), atol=1e-6)
    assert np.abs(found - alone).max() > 1e-3
    assert (tmp_path / ANSWERS_FILE).read_bytes() == kept


def test_a_teacher_of_other_channels_is_refused(teacher: Path, tmp_path: Path) -> None:
    narrow = replace(_WINDOWS, teacher_x=None, teacher_spec=None)
    with pytest.raises(ArtifactError, match=r"takes 9 channels, its windows have 6: train the teacher again"):
        teacher_answers(_RECIPE, load_teacher(teacher)[0], narrow, np.arange(3), tmp_path, "cpu", Silent())


def test_the_student_is_shown_each_window_with_its_own_label() -> None:
    known = training_indices(_RECIPE, _SPLIT)
    data = training_data(_RECIPE, _WINDOWS, known)
    found = _labelled_then_unlabelled(_RECIPE, data, _WINDOWS, _SPLIT)
    order = np.concatenate([known, _SPLIT.unlabelled])
    assert np.array_equal(found.rows, order)
    assert np.array_equal(found.x, _WINDOWS.x[order])
    assert np.array_equal(found.y, np.where(np.isin(order, known), _WINDOWS.y[order], -1))


def test_the_answers_that_a_student_learns_from_are_in_the_order_of_its_windows(teacher: Path, tmp_path: Path) -> None:
    student(teacher, tmp_path)
    answers = load_file(teacher / ANSWERS_FILE)["answers"]
    order = np.concatenate([training_indices(_RECIPE, _SPLIT), _SPLIT.unlabelled])
    expected = predict(load_teacher(teacher)[0], _WINDOWS.for_teacher().x[order])
    np.testing.assert_allclose(answers.softmax(dim=1), torch.from_numpy(expected).softmax(dim=1), atol=1e-4)


def test_batches_hold_the_recipes_share_of_unlabelled_windows() -> None:
    data = training_data(_RECIPE, _WINDOWS, training_indices(_RECIPE, _SPLIT))
    found = _labelled_then_unlabelled(_RECIPE, data, _WINDOWS, _SPLIT)
    order = found.batches.draw(torch.Generator().manual_seed(0))
    assert order.shape == (len(found.x) // 16, 16)
    assert ((order >= len(data.x)).sum(dim=1) == round(0.5 * 16)).all()


def test_answers_given_ahead_are_compared_at_temperature_one_unless_told(teacher: Path, tmp_path: Path) -> None:
    trained = {
        tau: student(teacher, tmp_path / str(tau), few_recipe(crops=1, temperature=tau)) for tau in (None, 1.0, 4.0)
    }
    assert same_weights(trained[None], trained[1.0])
    assert not same_weights(trained[None], trained[4.0])


def test_a_teacher_beside_the_students_batches_is_compared_at_temperature_four_unless_told() -> None:
    given = DistillRecipe()
    assert (given.settled(ahead=False).tau, given.settled(ahead=True).tau) == (4.0, 1.0)
    assert DistillRecipe(temperature=2.0).settled(ahead=True).tau == 2.0


class Logits(torch.nn.Module):
    """A student whose windows are its logits."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = self.head = torch.nn.Identity()

    def backbone(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        return x, []


def test_a_labelled_window_learns_from_both_and_an_unlabelled_one_from_the_teacher_alone() -> None:
    logits = torch.tensor([[1.0, 0.0, -1.0], [0.5, 0.2, 0.0]])
    answers = torch.tensor([[3.0, 0.0, 0.0], [9.0, 9.0, 9.0], [0.0, 2.0, 0.0]]).log_softmax(dim=1)
    labels, nothing = torch.tensor([0, 1, -1]), Shapes(features=3, stages=())
    recipe = few_recipe(temperature=2.0, logits=0.5)
    train = recipe.train.model_copy(update={"label_smoothing": 0.0})
    method = SMLDist(Setup(student=nothing, teacher=nothing, labels=labels, distill=recipe.distill, train=train))
    loss, _ = Objective(Logits(), method, labels, answers=answers).loss(logits, torch.tensor([0, 2]), 0.0)

    def soft(row: int, place: int) -> torch.Tensor:
        target = (answers[row] / 2).softmax(dim=0)
        return 4 * (target * (target.log() - (logits[place] / 2).log_softmax(dim=0))).sum()

    hard = -logits[0].log_softmax(dim=0)[0]
    torch.testing.assert_close(loss, (0.5 * hard + 0.5 * soft(0, 0) + soft(2, 1)) / 2)


def test_labels_of_people_without_labels_are_never_read(teacher: Path, tmp_path: Path) -> None:
    y = _WINDOWS.y.copy()
    y[_SPLIT.unlabelled] = 2 - y[_SPLIT.unlabelled]
    y[_SPLIT.test] = 0
    wrong = replace(_WINDOWS, y=y)
    folder = tmp_path / "teacher"
    train_teacher(_LONGER, wrong, _SPLIT, folder, "cpu", Silent())
    assert same_weights(load_network(folder), load_network(teacher))
    first, second = student(teacher, tmp_path / "a"), student(folder, tmp_path / "b", windows=wrong)
    assert same_weights(first, second)


def test_unlabelled_windows_do_teach(teacher: Path, tmp_path: Path) -> None:
    other = replace(_WINDOWS, x=_WINDOWS.x.copy())
    other.x[_SPLIT.unlabelled] *= 0.5
    assert not same_weights(student(teacher, tmp_path / "a"), student(teacher, tmp_path / "b", windows=other))


def test_the_control_takes_as_many_steps(teacher: Path, tmp_path: Path) -> None:
    control = _RECIPE.model_copy(update={"distill": _RECIPE.distill.model_copy(update={"method": "cross_entropy"})})
    batches = (len(training_indices(_RECIPE, _SPLIT)) + len(_SPLIT.unlabelled)) // 16
    student(teacher, tmp_path / "a")
    student(teacher, tmp_path / "b", control)
    assert [row["lr"] for row in rows(tmp_path / "a")] == [row["lr"] for row in rows(tmp_path / "b")]
    assert batches > len(training_indices(_RECIPE, _SPLIT)) // 16


@pytest.mark.parametrize("key", ["stage", "memory"])
def test_losses_on_inner_features_are_refused_where_answers_come_ahead(key: str) -> None:
    values = few_recipe().model_dump()
    values["distill"][key] = 0.1
    with pytest.raises(ValidationError, match="the teacher's answers are computed once: set both to 0"):
        Recipe.model_validate(values)


def test_teacher_windows_are_the_same_windows() -> None:
    seen = _WINDOWS.for_teacher()
    assert np.array_equal(seen.x[:, :6], _WINDOWS.x)
    assert seen.x.shape[2] == LENGTH
    assert [channel.name for channel in seen.spec.channels[:6]] == [channel.name for channel in _WINDOWS.spec.channels]
