"""The lead: who is compared, on whom, and what follows."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from factory.contracts.dataset import WindowSet
from factory.contracts.network import Lead
from factory.contracts.progress import Silent
from factory.training.lead import measure_lead
from tests.unit.training.few import few_recipe, few_split, wide_windows
from tests.unit.training.harness import poisoned


def lead(folder: Path, windows: WindowSet, epochs: int = 24) -> Lead:
    found = measure_lead(few_recipe(epochs=epochs, lead=0.5), windows, few_split(windows), folder, "cpu", Silent())
    assert not list(folder.iterdir())
    return found


def confusing(telling: float) -> WindowSet:
    """The student's own channels say nothing, those of the teacher what `telling` says."""
    windows = wide_windows(telling)
    noise = np.random.default_rng(1).normal(size=windows.x.shape).astype(np.float32)
    assert windows.teacher_x is not None
    return replace(windows, x=noise, teacher_x=np.concatenate([noise, windows.teacher_x[:, 6:]], axis=1))


def test_a_teacher_that_sees_more_leads(tmp_path: Path) -> None:
    found = lead(tmp_path, confusing(4.0))
    assert found.pp > 10
    assert found.distils
    assert (found.people, found.windows) == (1, 36)
    assert found.epochs == 12


def test_a_teacher_whose_channels_mislead_does_not(tmp_path: Path) -> None:
    windows = wide_windows(0.0)
    noise = np.random.default_rng(1).normal(size=windows.x.shape).astype(np.float32)
    assert windows.teacher_x is not None
    blind = replace(windows, teacher_x=np.concatenate([noise, windows.teacher_x[:, 6:]], axis=1))
    found = lead(tmp_path, blind)
    assert found.pp < -10
    assert not found.distils
    assert "the student is trained by cross-entropy" in found.verdict


def test_nobody_looks_at_test_people_and_validation_people_are_not_trained_on(tmp_path: Path) -> None:
    windows = wide_windows()
    split = few_split(windows)
    hidden = np.concatenate([split.test, split.unlabelled])
    poor = poisoned(windows, hidden)
    assert windows.teacher_x is not None
    teacher_x = windows.teacher_x.copy()
    teacher_x[hidden] = np.nan
    first, second = lead(tmp_path / "a", windows, 4), lead(tmp_path / "b", replace(poor, teacher_x=teacher_x), 4)
    assert (first.teacher, first.control) == (second.teacher, second.control)
    x, teacher_x = windows.x.copy(), windows.teacher_x.copy()
    x[split.validation], teacher_x[split.validation] = 0, 0  # all answered alike, by networks that are the same
    silent = lead(tmp_path / "c", replace(windows, x=x, teacher_x=teacher_x), 4)
    assert max(silent.teacher, silent.control) <= 0.2
