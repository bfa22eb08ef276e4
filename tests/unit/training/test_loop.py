"""The training loop: schedule, resuming after every kind of stop, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from factory.contracts.errors import TrainingError
from factory.contracts.progress import Cancel, Cancelled, Silent
from factory.models import Network, build_network
from factory.training import predict
from factory.training.data import network_spec
from factory.training.loop import fit, one_cycle, write_history
from factory.training.seed import seed_epoch
from factory.training.teacher import cross_entropy
from tests.fakes import tiny_recipe, tiny_windows
from tests.unit.training.harness import StopAfter, plan_for, rows, same_weights, tiny_data, train_tiny


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Path]:
    """Four epochs in one go."""
    folder = tmp_path_factory.mktemp("straight")
    return train_tiny(folder)[0], folder


def test_one_cycle_climbs_to_the_peak_and_falls_along_half_a_cosine() -> None:
    assert one_cycle(0.0, 2.0, 0.1) == pytest.approx(2.0 * 1e-3)
    assert one_cycle(0.05, 2.0, 0.1) == pytest.approx(1.0)
    assert one_cycle(0.1, 2.0, 0.1) == pytest.approx(2.0)
    assert one_cycle(0.55, 2.0, 0.1) == pytest.approx(1.0)
    assert one_cycle(0.325, 2.0, 0.1) == pytest.approx(1 + 2**-0.5)
    assert one_cycle(1.0, 2.0, 0.1) == pytest.approx(2.0 * 1e-3)


@pytest.mark.parametrize("warmup", [0.0, 0.3, 1.0])
def test_one_cycle_stays_positive_and_below_its_peak(warmup: float) -> None:
    rates = [one_cycle(done / 100, 1.0, warmup) for done in range(101)]
    assert all(0 < rate <= 1 for rate in rates)
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_the_loss_falls_and_every_epoch_has_a_row(straight: tuple[Network, Path]) -> None:
    table = rows(straight[1])
    assert [row["epoch"] for row in table] == [1, 2, 3, 4]
    assert {row["phase"] for row in table} == {"student"}
    assert table[-1]["loss"] < 0.9 * table[0]["loss"]
    assert all(row["lr"] > 0 for row in table)


def test_two_runs_give_the_same_logits_and_another_seed_others(straight: tuple[Network, Path], tmp_path: Path) -> None:
    x = tiny_windows().x
    again, _ = train_tiny(tmp_path / "again")
    other, _ = train_tiny(tmp_path / "other", seed=1)
    assert np.array_equal(predict(again, x), predict(straight[0], x))
    assert not np.array_equal(predict(other, x), predict(straight[0], x))


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_an_interrupted_run_resumes_bit_for_bit(straight: tuple[Network, Path], tmp_path: Path, epochs: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path, StopAfter(epochs))
    assert len(rows(tmp_path)) == epochs
    resumed, _ = train_tiny(tmp_path)
    assert same_weights(resumed, straight[0])
    assert rows(tmp_path) == rows(straight[1])


_KILLED_IN_EPOCH_THREE = """
import os, signal, sys
from pathlib import Path
import factory.training.loop as loop
from tests.unit.training.harness import train_tiny

cycle = loop.one_cycle
def fatal(done, peak, warmup):
    if done > 0.6:
        os.kill(os.getpid(), signal.SIGKILL)
    return cycle(done, peak, warmup)
loop.one_cycle = fatal
train_tiny(Path(sys.argv[1]))
"""


def test_a_run_killed_with_signal_nine_resumes_bit_for_bit(straight: tuple[Network, Path], tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED_IN_EPOCH_THREE, str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert len(rows(tmp_path)) == 2
    assert not list(tmp_path.glob(".*.part"))
    resumed, _ = train_tiny(tmp_path)
    assert same_weights(resumed, straight[0])
    assert rows(tmp_path) == rows(straight[1])


def test_rows_lost_between_checkpoint_and_log_are_written_on_resuming(
    straight: tuple[Network, Path], tmp_path: Path
) -> None:
    train_tiny(tmp_path)
    log = tmp_path / "epochs.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    train_tiny(tmp_path)
    assert rows(tmp_path) == rows(straight[1])


def test_a_checkpoint_of_another_recipe_is_not_resumed(straight: tuple[Network, Path], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path, StopAfter(2), key="another", seed=1)
    fresh, history = train_tiny(tmp_path)
    assert len(history) == 4
    assert same_weights(fresh, straight[0])
    assert rows(tmp_path) == rows(straight[1])


@pytest.mark.parametrize("damage", ["empty", "truncated", "noise", "header"])
def test_a_corrupt_checkpoint_starts_afresh(straight: tuple[Network, Path], tmp_path: Path, damage: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path, StopAfter(2))
    path = tmp_path / "checkpoint.safetensors"
    content = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "truncated": content[:-7],
            "noise": b"\xff" * len(content),
            "header": content[:8] + b"\x00" + content[9:],
        }[damage]
    )
    fresh, history = train_tiny(tmp_path)
    assert len(history) == 4
    assert same_weights(fresh, straight[0])


def test_windows_that_are_not_finite_stop_training_with_epoch_and_remedy(tmp_path: Path) -> None:
    data, windows, recipe = tiny_data()
    x = data.x.copy()
    x[:, 0, 0] = np.nan
    network = build_network(network_spec(recipe, recipe.model.student, "linear", windows, data.normalisation))
    with pytest.raises(TrainingError, match=r"student: the loss is not finite in epoch 1 .*lower train\.lr"):
        fit(plan_for(tmp_path, data, recipe), network, cross_entropy(network, recipe.train), x, data.y, Silent())
    assert not list(tmp_path.iterdir())  # a diverged epoch leaves no checkpoint to resume


def test_a_batch_larger_than_the_data_is_refused(tmp_path: Path) -> None:
    data, windows, recipe = tiny_data(tiny_recipe(batch=109))
    network = build_network(network_spec(recipe, recipe.model.student, "linear", windows, data.normalisation))
    with pytest.raises(TrainingError, match=r"108 training windows, train\.batch is 109: lower it"):
        fit(plan_for(tmp_path, data, recipe), network, cross_entropy(network, recipe.train), data.x, data.y, Silent())


def test_the_parts_of_a_loss_are_averaged_into_the_row(tmp_path: Path) -> None:
    data, windows, recipe = tiny_data(tiny_recipe(epochs=1))
    network = build_network(network_spec(recipe, recipe.model.student, "linear", windows, data.normalisation))
    seen: list[float] = []

    def loss(x: Tensor, y: Tensor, done: float) -> tuple[Tensor, dict[str, Tensor]]:
        seen.append(done)
        assert x.shape == (16, 6, 1, 64)
        return network(x).square().mean(), {"logits": torch.tensor(float(len(seen)))}

    (row,) = fit(plan_for(tmp_path, data, recipe), network, loss, data.x, data.y, Silent())
    assert seen == pytest.approx([step / 6 for step in range(6)])  # 108 windows, 6 full batches of 16
    assert row["logits"] == pytest.approx(3.5)


def test_rows_of_other_phases_stay(tmp_path: Path) -> None:
    write_history(tmp_path, "search", [{"epoch": 1, "phase": "search"}])
    write_history(tmp_path, "teacher", [{"epoch": 1, "phase": "teacher"}])
    write_history(tmp_path, "teacher", [{"epoch": 1, "phase": "teacher"}, {"epoch": 2, "phase": "teacher"}])
    table = [json.loads(line) for line in (tmp_path / "epochs.jsonl").read_text().splitlines()]
    assert [(row["phase"], row["epoch"]) for row in table] == [("search", 1), ("teacher", 1), ("teacher", 2)]


@pytest.mark.slow
def test_tensorboard_events_are_written_when_asked(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    data, windows, recipe = tiny_data(tiny_recipe(epochs=1))
    network = build_network(network_spec(recipe, recipe.model.student, "linear", windows, data.normalisation))
    plan = replace(plan_for(tmp_path, data, recipe), events=tmp_path / "tensorboard")
    fit(plan, network, cross_entropy(network, recipe.train), data.x, data.y, Silent())
    assert list((tmp_path / "tensorboard" / "student").glob("events.out.tfevents.*"))


def test_seeding_depends_on_seed_phase_and_epoch_alone() -> None:
    def draws(seed: int, phase: str, epoch: int) -> tuple[float, float]:
        generator = seed_epoch(seed, phase, epoch)
        return torch.rand(1).item(), torch.rand(1, generator=generator).item()

    first = draws(0, "student", 3)
    torch.rand(100)
    assert draws(0, "student", 3) == first
    assert first[0] != first[1]
    others = [draws(1, "student", 3), draws(0, "teacher", 3), draws(0, "student", 4)]
    assert len({first, *others}) == 4


def test_a_cancelled_training_keeps_the_epoch_at_hand_and_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    def trained(folder: Path, cancel: Cancel) -> torch.nn.Module:
        data, windows, recipe = tiny_data(tiny_recipe(epochs=3))
        torch.manual_seed(0)
        network = build_network(network_spec(recipe, recipe.model.student, "linear", windows, data.normalisation))
        plan = replace(plan_for(folder, data, recipe), cancel=cancel)
        fit(plan, network, cross_entropy(network, recipe.train), data.x, data.y, Silent())
        return network

    whole = trained(tmp_path / "whole", Cancel())
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        trained(tmp_path / "part", cancel)
    assert len((tmp_path / "part" / "epochs.jsonl").read_text().splitlines()) == 1
    resumed = trained(tmp_path / "part", Cancel())
    for one, other in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other)
