"""Whole builds on a trained tiny student: what is refused, what is kept, what a phone gets."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters import registry
from factory.artifacts.manifest_io import read_manifest
from factory.artifacts.store import open_store
from factory.contracts.android import Pack
from factory.contracts.dataset import Floats, WindowSet
from factory.contracts.errors import GateError, StorageError
from factory.contracts.manifest import SplitRecord
from factory.contracts.progress import Cancel, Cancelled, Silent
from factory.contracts.recipe import Recipe, SplitRecipe
from factory.pipeline import build as module
from factory.pipeline.android import TELLING_WINDOWS, self_test_windows, write_pack
from factory.pipeline.build import build, train
from factory.pipeline.request import SPLIT_FILE, BuildRequest, Run
from factory.pipeline.result import Build
from factory.verification.golden import read_golden
from tests.unit.pipeline import mirror_target
from tests.unit.pipeline.conftest import Ready, request, trained_recipe
from tests.unit.pipeline.mirror_target import NAME, MirrorRunner


@pytest.fixture
def asked(
    trained_folder: Path, tmp_path: Path, mirror: type[MirrorRunner], monkeypatch: pytest.MonkeyPatch
) -> BuildRequest:
    """A build for the mirror target in a folder whose networks are trained."""
    shutil.copytree(trained_folder / "build", tmp_path / "build")
    monkeypatch.setattr(module, "Run", Ready)
    return dataclasses.replace(request(tmp_path), targets=(NAME,))


@pytest.fixture
def phone(asked: BuildRequest, monkeypatch: pytest.MonkeyPatch) -> BuildRequest:
    """The same for a phone, whose only target is a mirror."""
    monkeypatch.setattr(registry, "_TARGETS", (mirror_target.phone_row(),))
    return dataclasses.replace(asked, targets=("android",), recipe=trained_recipe("int8_static"))


def gates(built: Build) -> set[str]:
    return {check.gate for check in built.manifest.failed}


def test_a_good_student_passes_and_stands_beside_its_baseline(asked: BuildRequest) -> None:
    built = build(asked)
    built.require()
    assert built.passed
    assert built.manifest.baseline.accuracy.windows == built.manifest.data.windows["test"]
    assert {check.gate for check in built.manifest.checks if check.target == "student"} >= {
        "accuracy.over_chance",
        "accuracy.over_majority",
        "accuracy.below_baseline",
        "size.parameters",
    }
    assert built.manifest.data.classes["test"] == {"still": 24, "walk": 24, "shake": 24}


def test_a_student_that_learnt_shuffled_labels_breaks_the_build(
    asked: BuildRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled = np.random.default_rng(0).permutation(Ready.windows.y)
    monkeypatch.setattr(Ready, "windows", dataclasses.replace(Ready.windows, y=shuffled, digest="shuffled"))
    built = build(asked)
    assert {"accuracy.over_chance"} <= gates(built)
    with pytest.raises(GateError, match=r"student accuracy\.over_chance"):
        built.require()


def test_another_recipes_build_is_not_replaced_without_force(asked: BuildRequest) -> None:
    before = build(asked).manifest
    other = dataclasses.replace(asked, recipe=asked.recipe.model_copy(update={"name": "other"}))
    with pytest.raises(StorageError, match=r"holds a build of recipe tiny, this is other: .*--force"):
        build(other)
    assert read_manifest(asked.build / "manifest.json") == before
    assert build(dataclasses.replace(other, force=True)).manifest.name == "other"


def test_a_later_build_keeps_the_people_of_each_part(asked: BuildRequest) -> None:
    """Other windows, a seed that would draw otherwise: whoever tested still tests."""
    recipe = asked.recipe.model_copy(update={"split": SplitRecipe(kind="groups", groups=3)})
    record = SplitRecord(split=recipe.split, seed=0, train=("s1", "s6"), validation=("s4",), test=("s2", "s3", "s5"))
    (asked.build / SPLIT_FILE).write_text(record.model_dump_json())

    def tested(windows: WindowSet, recipe: Recipe) -> set[str]:
        with open_store(asked.build, Silent()) as store:
            run = Run(dataclasses.replace(asked, recipe=recipe), store)
            run.__dict__["windows"] = windows
            return set(windows.subject[run.split.test].tolist())

    windows = Ready.windows
    half = np.arange(0, len(windows.y), 2)
    fewer = dataclasses.replace(
        windows, **{name: getattr(windows, name)[half] for name in ("x", "y", "subject", "recording", "start")}
    )
    assert tested(windows, recipe) == tested(fewer, recipe) == {"s2", "s3", "s5"}
    other_seed = recipe.model_copy(update={"seed": 1})
    assert tested(windows, other_seed) != {"s2", "s3", "s5"}, "another seed is another split"


def test_a_cancelled_build_says_so_and_goes_on_later(asked: BuildRequest) -> None:
    cancel = Cancel()
    cancel.set()
    for run in (build, train):
        with pytest.raises(Cancelled):
            run(dataclasses.replace(asked, cancel=cancel))
    assert build(asked).passed


def test_a_phones_folder_is_packed_and_its_self_test_notices_swapped_axes(phone: BuildRequest) -> None:
    built = build(phone)
    assert built.android is not None, built.manifest.failed
    pack = Pack.model_validate_json((built.android / "pack.json").read_bytes())
    (model,) = pack.models
    x = np.load(built.android / "selftest.npz")["x"]
    with MirrorRunner(built.android / model.path) as runner:
        assert np.abs(runner.run(x) - np.array(model.logits)).max() <= model.max_abs
        swapped = x[:, [2, 1, 0, 5, 4, 3]]
        assert np.abs(runner.run(swapped) - np.array(model.logits)).max() > model.max_abs


def test_windows_that_tell_kernels_apart_are_packed_with_the_error_that_is_still_xnnpacks(
    phone: BuildRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = build(phone).android
    assert bare is not None
    (model,) = Pack.model_validate_json((bare / "pack.json").read_bytes()).models
    assert model.xnnpack_mean_abs is None, "a runtime with one set of kernels"

    other = f"{mirror_target.__name__}:{mirror_target.beside.__name__}"
    monkeypatch.setattr(registry, "_TARGETS", (dataclasses.replace(mirror_target.phone_row(), falls_back=other),))
    built = build(phone).path
    pack = write_pack(built, read_manifest(built / "manifest.json"))
    golden, chosen = read_golden(built / "golden.npz"), read_golden(built / "android" / "selftest.npz")
    last = golden.index[-TELLING_WINDOWS:]
    assert set(last) <= set(chosen.index)
    assert set(golden.index[self_test_windows(golden)]) <= set(chosen.index)
    at = np.flatnonzero(np.isin(golden.index, chosen.index))
    apart = np.linspace(0, 0.5, len(golden.x))[at].mean()
    assert pack.models[0].xnnpack_mean_abs == pytest.approx(apart / 3, rel=1e-3)

    least = f"{mirror_target.__name__}:{mirror_target.alike.__name__}"
    monkeypatch.setattr(registry, "_TARGETS", (dataclasses.replace(mirror_target.phone_row(), falls_back=least),))
    assert write_pack(built, read_manifest(built / "manifest.json")).models[0].xnnpack_mean_abs is None


@pytest.mark.parametrize("gate", ["parity.mean_steps", "size.parameters"])
def test_no_phone_gets_a_model_whose_gates_broke(
    phone: BuildRequest, mirror: type[MirrorRunner], gate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if gate == "size.parameters":
        monkeypatch.setattr("factory.verification.gates.judge_student.__defaults__", (10,))
    else:
        mirror.spoil = staticmethod(lambda windows, logits: logits[:, ::-1])
    built = build(phone)
    assert gate in gates(built)
    assert built.android is None


def test_a_packed_folder_goes_when_a_gate_breaks_later(
    phone: BuildRequest, mirror: type[MirrorRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert build(phone).android is not None
    mirror.spoil = staticmethod(reversed_logits)
    verify = phone.recipe.verify.model_copy(update={"latency_runs": 31})
    built = build(dataclasses.replace(phone, recipe=phone.recipe.model_copy(update={"verify": verify})))
    assert built.manifest.failed
    assert built.android is None


def reversed_logits(windows: Floats, logits: Floats) -> Any:
    return logits[:, ::-1]
