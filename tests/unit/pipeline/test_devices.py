"""A build's files on devices: what joins manifest and report, what breaks the build, what is not asked twice."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from exporters import registry
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, DeviceError, GateError, MissingToolError, RecipeError
from factory.contracts.manifest import Check, Outcome
from factory.devices.device import Answer, Device, Question
from factory.pipeline import build as build_module
from factory.pipeline import devices as module
from factory.pipeline import verify as verify_module
from factory.pipeline.build import build
from factory.pipeline.devices import MOST_WINDOWS, choose_windows
from factory.pipeline.measure import HeldOut
from factory.pipeline.request import BuildRequest
from factory.pipeline.result import Build, open_build
from factory.pipeline.verify import Recordings, verify
from tests.unit.pipeline import mirror_target
from tests.unit.pipeline.conftest import Ready, request, trained_recipe
from tests.unit.pipeline.mirror_target import MirrorRunner


class FakeCore:
    """Answers as the host does, unless told otherwise; keeps what it was asked."""

    emulated = True

    def __init__(self, name: str = "arm64:cortex-a76") -> None:
        self.name, self.facts = name, {"processor": "fake"}
        self.asked: list[Question] = []
        self.spoil: Callable[[Floats], Floats] = lambda logits: logits
        self.fails: Exception | None = None
        self.instructions: tuple[int, ...] = (1000, 1002, 1001)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def runs(self, target: str) -> bool:
        return target == "tflite"

    def limits(self, target: str) -> str:
        return target

    def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        if self.fails is not None:
            raise self.fails
        with MirrorRunner(question.path) as runner:
            return Answer(
                logits=self.spoil(runner.run(question.windows)), runtime="Mirror 1", instructions=self.instructions
            )


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    """What every device name stands for."""
    fake = FakeCore()

    def opened(name: str, cache: Path, open_runner: object) -> tuple[Device, ...]:
        return (fake,)

    monkeypatch.setattr(module, "open_devices", opened)
    monkeypatch.setattr(verify_module, "open_devices", opened)
    return fake


@pytest.fixture
def asked(
    trained_folder: Path, tmp_path: Path, mirror: type[MirrorRunner], monkeypatch: pytest.MonkeyPatch
) -> BuildRequest:
    """A build for a phone whose only target is a mirror, verified on arm64."""
    shutil.copytree(trained_folder / "build", tmp_path / "build")
    monkeypatch.setattr(build_module, "Run", Ready)
    monkeypatch.setattr(registry, "_TARGETS", (mirror_target.phone_row(),))
    wanted = dataclasses.replace(request(tmp_path), targets=("tflite",), verify_on="arm64")
    return dataclasses.replace(wanted, recipe=trained_recipe("fp32"))


def bounded(asked: BuildRequest, bound: int) -> BuildRequest:
    export = asked.recipe.export.model_copy(update={"max_instructions": {"cortex-a76": bound}})
    return dataclasses.replace(asked, recipe=asked.recipe.model_copy(update={"export": export}))


def device_checks(built: Build) -> list[Check]:
    return [check for check in built.manifest.checks if check.gate.startswith(module.GATES)]


def test_what_a_device_answered_is_in_manifest_and_report(asked: BuildRequest, core: FakeCore) -> None:
    built = build(asked)
    built.require()
    (run,) = built.manifest.devices
    (seen,) = run.artifacts
    assert (run.device, seen.instructions, seen.difference.max_abs) == ("arm64:cortex-a76", 1001, 0)
    assert seen.latency is None
    assert {check.gate for check in device_checks(built)} == {"device.max_abs", "device.equal", "device.accuracy_pp"}
    assert seen.difference.windows == built.manifest.data.windows["test"] + seen.parity.windows
    page = built.report.read_text("utf-8")
    assert "On devices" in page
    assert "arm64:cortex-a76" in page
    assert "1,001" in page


def test_a_device_is_asked_once_for_the_same_files(asked: BuildRequest, core: FakeCore) -> None:
    build(asked)
    build(bounded(asked, 2000))
    assert len(core.asked) == 1


def test_a_device_that_computes_otherwise_breaks_the_build(asked: BuildRequest, core: FakeCore) -> None:
    core.spoil = lambda logits: logits + np.float32(2e-4)
    with pytest.raises(GateError, match=r"tflite/fp32 device\.max_abs is 0\.0002.*arm64:cortex-a76, Mirror 1"):
        build(asked).require()


def test_a_bound_below_the_count_breaks_the_build_and_one_above_does_not(asked: BuildRequest, core: FakeCore) -> None:
    build(bounded(asked, 1001)).require()
    with pytest.raises(GateError, match=r"instructions\.cheapest is 1001 instructions, expected <= 1000") as caught:
        build(bounded(asked, 1000)).require()
    assert caught.value.exit_code == 8


def test_a_bound_that_nothing_could_be_measured_for_is_not_run(asked: BuildRequest) -> None:
    built = build(dataclasses.replace(bounded(asked, 10), verify_on="auto"))
    built.require()
    found = {check.gate: check.outcome for check in device_checks(built)}
    assert found == {"device.reached": Outcome.NOT_RUN, "instructions.cheapest": Outcome.NOT_RUN}
    notes = {check.note for check in device_checks(built)}
    assert all("factory devices setup arm64" in note for note in notes)


def test_no_device_leaves_no_trace(asked: BuildRequest) -> None:
    built = build(dataclasses.replace(asked, verify_on="none"))
    assert device_checks(built) == []
    assert built.manifest.devices == ()


def test_a_device_that_goes_away_leaves_the_build_whole(asked: BuildRequest, core: FakeCore) -> None:
    core.fails = DeviceError("adb:x: the cable is out: put it in")
    built = build(asked)
    assert (built.path / "manifest.json").is_file()
    with pytest.raises(DeviceError, match="the cable is out"):
        built.require()
    assert [check.gate for check in built.manifest.failed] == ["device.reached"]


def test_a_device_that_was_named_and_is_not_set_up_is_an_error(asked: BuildRequest) -> None:
    with pytest.raises(MissingToolError, match=r"factory devices setup arm64|apt-get install"):
        build(asked).require()
    with pytest.raises(RecipeError, match="no device 'arm65'"):
        build(dataclasses.replace(asked, verify_on="arm65"))


def test_a_file_that_a_device_refuses_fails_alone(asked: BuildRequest, core: FakeCore) -> None:
    core.fails = ArtifactError("tflite/fp32.onnx fails on arm64: build the target again")
    built = build(asked)
    assert [check.gate for check in built.manifest.failed] == ["device.run"]
    assert built.manifest.verifications, "the host's figures stay"


def test_verify_replaces_what_it_measured_again_and_keeps_the_rest(
    asked: BuildRequest, core: FakeCore, tmp_path: Path
) -> None:
    build(bounded(asked, 1001))
    nowhere = Recordings(data=None, cache=tmp_path / "cache", wanted=False)
    kept = verify(open_build(asked.build), nowhere)
    assert [run.device for run in kept.devices] == ["arm64:cortex-a76"]
    assert any(check.gate == "device.max_abs" for check in kept.checks)

    core.name, core.instructions = "arm64:cortex-a53", (3000,)
    verify(open_build(asked.build), nowhere, device="arm64", update=True)
    core.name, core.instructions = "arm64:cortex-a76", (1002,)
    result = verify(open_build(asked.build), nowhere, device="arm64", update=True)
    assert [run.device for run in result.devices] == ["arm64:cortex-a53", "arm64:cortex-a76"]
    (cost,) = [check for check in result.checks if check.gate == "instructions.cheapest"]
    assert (cost.outcome, cost.value) == (Outcome.FAILED, 1002)
    places = [check.where for check in result.checks if check.gate == "device.max_abs"]
    assert sorted(places) == ["arm64:cortex-a53, Mirror 1", "arm64:cortex-a76, Mirror 1"]
    assert open_build(asked.build).manifest.devices == result.devices


def test_a_large_test_split_is_drawn_from_evenly() -> None:
    windows = Ready.windows
    many = HeldOut(
        x=np.repeat(windows.x[:3], MOST_WINDOWS, axis=0),
        y=np.repeat(windows.y[:3], MOST_WINDOWS),
        subject=np.repeat(windows.subject[:3], MOST_WINDOWS),
    )
    chosen = choose_windows(windows.x[:5], many)
    assert chosen.test is not None
    assert len(chosen.test.x) == MOST_WINDOWS
    assert len(chosen.x) == MOST_WINDOWS + 5
    counts = [int((chosen.test.x == windows.x[i]).all(axis=(1, 2)).sum()) for i in range(3)]
    assert max(counts) - min(counts) <= 2
