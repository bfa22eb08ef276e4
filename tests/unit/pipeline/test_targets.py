"""Several targets: side by side, each failure its own, and nothing left running."""

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters import registry
from factory.artifacts.store import StageRecord, open_store
from factory.contracts.artifact import Precision
from factory.contracts.errors import ExportError, MissingToolError, RecipeError
from factory.contracts.manifest import Outcome
from factory.contracts.progress import Cancelled, Silent
from factory.pipeline.request import BuildRequest, Run
from factory.pipeline.targets import Chosen, choose_targets, export_targets
from tests.fakes import tiny_recipe
from tests.unit.pipeline.conftest import Ready
from tests.unit.pipeline.tin_target import Buggy, Dying, Failing, Full, Hanging, Tin, row

BOTH = (Precision.FP32, Precision.INT8_STATIC)


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple(row(kind) for kind in (Tin, Failing, Dying, Hanging, Buggy, Full))
    absent = dataclasses.replace(row(Tin, "no_such_sdk"), name="absent", extra="absent")
    monkeypatch.setattr(registry, "_TARGETS", (*rows, absent))


@pytest.fixture
def run(tmp_path: Path, targets: None) -> Iterator[Run]:
    request = BuildRequest(
        recipe=tiny_recipe(), cache=tmp_path / "cache", build=tmp_path / "build", device="cpu", targets=()
    )
    with open_store(request.build, Silent()) as store:
        for name in ("student", "onnx"):
            record = StageRecord(name=name, key="k", outputs=(), result={}, seconds=0)
            (request.build / ".stages" / f"{name}.json").write_text(record.model_dump_json())
        yield Ready(request, store)


def chosen(*names: str) -> Chosen:
    return Chosen(names=names, checks=())


def test_a_failing_target_leaves_the_others_whole(run: Run) -> None:
    exports = export_targets(run, chosen("fails", "well", "dies"))
    assert [artifact.path for artifact in exports.artifacts] == ["well/fp32.tin", "well/int8_static.tin"]
    assert all((run.folder / artifact.path).is_file() for artifact in exports.artifacts)
    assert [(c.target, c.gate, c.outcome) for c in exports.checks] == [
        ("fails", "export", Outcome.FAILED),
        ("dies", "export", Outcome.FAILED),
    ]
    assert "operator Foo is unknown" in exports.checks[0].note
    assert [type(failure) for failure in exports.failures] == [ExportError, ExportError]
    assert run.store.record("well") is not None
    assert run.store.record("fails") is None
    assert not list(run.folder.glob(".fails-*"))


def test_a_bug_of_one_exporter_is_reported_as_one(run: Run) -> None:
    exports = export_targets(run, chosen("bug", "well"))
    assert len(exports.artifacts) == 2
    assert "this is a bug" in exports.checks[0].note
    assert isinstance(exports.failures[0], ZeroDivisionError)


def test_a_full_disk_is_no_targets_failure(run: Run) -> None:
    with pytest.raises(Exception, match="no space left"):
        export_targets(run, chosen("full", "well"))
    assert run.store.record("well") is not None, "the others came to their end"


def test_what_is_current_is_not_exported_again(run: Run) -> None:
    first = export_targets(run, chosen("well")).artifacts
    (run.folder / "well" / "fp32.tin").touch()
    before = (run.folder / "well" / "fp32.tin").stat().st_mtime_ns
    assert export_targets(run, chosen("well")).artifacts == first
    assert (run.folder / "well" / "fp32.tin").stat().st_mtime_ns == before


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_every_worker_before_it_goes_on(run: Run) -> None:
    workers: list[int] = []

    def interrupt() -> None:
        while not (found := list(run.folder.glob(".hangs-*/pid"))) or not found[0].read_text():
            time.sleep(0.05)
        workers.append(int(found[0].read_text()))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        export_targets(run, chosen("hangs", "well"))
    with pytest.raises(ProcessLookupError):
        os.kill(workers[0], 0)
    assert not list(run.folder.glob(".hangs-*"))
    assert run.store.record("hangs") is None


@pytest.mark.usefixtures("targets")
def test_all_is_what_is_installed_and_the_rest_is_not_run_with_its_install_command() -> None:
    found = choose_targets(("all",), BOTH)
    assert found.names == ("well", "fails", "dies", "hangs", "bug", "full")
    (check,) = found.checks
    assert (check.target, check.gate, check.outcome) == ("absent", "export", Outcome.NOT_RUN)
    assert "pip install 'smldist-factory[absent]'" in check.note


@pytest.mark.usefixtures("targets")
def test_a_target_that_is_named_must_be_there_even_beside_all() -> None:
    with pytest.raises(MissingToolError, match="no_such_sdk"):
        choose_targets(("all", "absent"), BOTH)
    with pytest.raises(RecipeError, match="no target 'coreml'"):
        choose_targets(("all", "coreml"), BOTH)


@pytest.mark.usefixtures("targets")
def test_a_target_that_makes_none_of_the_precisions_is_refused_by_name_and_left_out_of_all() -> None:
    with pytest.raises(RecipeError, match="asks for fp16, target well makes fp32, int8_static"):
        choose_targets(("well",), (Precision.FP16,))
    with pytest.raises(RecipeError, match=r"nothing would be exported \(.*target well makes fp32, int8_static"):
        choose_targets(("all",), (Precision.FP16,))
    with pytest.raises(RecipeError, match=r"nothing would be exported \(no target is named"):
        choose_targets((), BOTH)


@pytest.mark.usefixtures("targets")
def test_targets_named_twice_are_exported_once() -> None:
    assert choose_targets(("well", "fails", "well"), BOTH).names == ("well", "fails")


@pytest.mark.usefixtures("targets")
def test_android_is_what_a_phone_runs_of_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    here = dataclasses.replace(row(Tin), name="tflite")
    absent = dataclasses.replace(row(Tin, "no_such_sdk"), name="executorch", extra="executorch")
    monkeypatch.setattr(registry, "_TARGETS", (row(Tin), here, absent))
    found = choose_targets(("android",), BOTH)
    assert found.names == ("tflite",)
    assert [(check.target, check.outcome) for check in found.checks] == [("executorch", Outcome.NOT_RUN)]
    monkeypatch.setattr(registry, "_TARGETS", (row(Tin), absent))
    with pytest.raises(MissingToolError, match="no model for a phone"):
        choose_targets(("android",), BOTH)


def test_a_cancelled_build_ends_its_workers_and_says_so(run: Run) -> None:
    def cancel() -> None:
        while not (found := list(run.folder.glob(".hangs-*/pid"))) or not found[0].read_text():
            time.sleep(0.05)
        run.request.cancel.set()

    threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(Cancelled):
        export_targets(run, chosen("hangs"))
    assert not list(run.folder.glob(".hangs-*"))
    assert run.store.record("hangs") is None
