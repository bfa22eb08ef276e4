"""The trtexec builder: our command lines and readers against a program with the real one's options and file formats."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.unit.jetson.scripts import Ran, run

pytestmark = pytest.mark.slow
FP32 = ("--precision", "fp32")


class Machine:
    """A folder with a bundle, and a PATH that holds trtexec."""

    def __init__(self, folder: Path, unpacked: Path) -> None:
        self.bundle = shutil.copytree(unpacked, folder / "bundle")
        with np.load(unpacked / "golden.npz") as pack:
            few = {name: pack[name][:3] for name in ("x", "y", "logits")}
        np.savez(self.bundle / "golden.npz", **few)
        self.engines = folder / "engines"
        self.log = folder / "log"
        program = folder / "bin" / "trtexec"
        program.parent.mkdir()
        fake = Path(__file__).parent / "fakes" / "trtexec.py"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n')
        program.chmod(0o755)
        self.path = f"{program.parent}:{os.environ['PATH']}"

    def run(self, script: str, *arguments: str, **environment: str) -> Ran:
        return run(script, self.bundle, *arguments, PATH=self.path, FAKE_LOG=str(self.log), **environment)

    def command(self, word: str) -> str:
        """The one command line that holds a word."""
        (line,) = [line for line in self.log.read_text().splitlines() if word in line]
        return line


@pytest.fixture
def machine(unpacked: Path, tmp_path: Path) -> Machine:
    return Machine(tmp_path, unpacked)


def test_engines_are_named_by_release_version_power_mode_and_graph(machine: Machine) -> None:
    ran = machine.run("build_engine")
    assert ran.code == 0, ran.text
    assert set(ran.checks("engine.build").values()) == {"passed"}
    assert ran.report["runtime"] == "TensorRT 8.5.2"
    files = {row["file"].rsplit("-", 1)[0] for row in ran.report["engines"]}
    assert "int8_dla-L4Tunknown-TRT8.5.2-unknown" in files
    assert {row["builder"] for row in ran.report["engines"]} == {"trtexec"}
    assert len(list(machine.engines.glob("*.engine"))) == len(ran.report["engines"]) == 7
    assert len(list(machine.engines.glob("timing-*.cache"))) == 1
    assert not list(machine.engines.glob("*.part"))


def test_each_engine_is_built_with_its_own_flags(machine: Machine) -> None:
    machine.run("build_engine")
    single, calibrated = machine.command("fp32_gpu-"), machine.command("int8_dla-")
    assert "--fp16" not in single
    assert "--int8" not in single
    assert "model.int8.onnx" in machine.command("int8_gpu-")
    assert "--calib" not in machine.command("int8_gpu-")
    for flag in ("--int8", "--fp16", "--calib=", "--useDLACore=0", "--allowGPUFallback", "model.dla.onnx"):
        assert flag in calibrated


def test_an_engine_that_is_there_is_kept_unless_asked_for_anew(machine: Machine) -> None:
    machine.run("build_engine", *FP32)
    again, anew = machine.run("build_engine", *FP32), machine.run("build_engine", *FP32, "--rebuild")
    assert {row["kept"] for row in again.report["engines"]} == {True}
    assert {row["kept"] for row in anew.report["engines"]} == {False}


def test_a_builder_that_refuses_fails_its_engine_and_no_other(machine: Machine) -> None:
    ran = machine.run("build_engine", FAKE_NO_DLA="1")
    assert ran.code == 1
    built = ran.checks("engine.build")
    assert {built["fp16_dla"], built["int8_dla"]} == {"failed"}
    assert {outcome for name, outcome in built.items() if "dla" not in name} == {"passed"}
    assert "Cannot create DLA engine" in ran.text


def test_verify_judges_engines_on_the_golden_pack(machine: Machine) -> None:
    machine.run("build_engine", *FP32)
    ran = machine.run("verify", *FP32)
    assert ran.code == 0, ran.text
    assert ran.checks("engine.parity.max_abs") == {"fp32_gpu": "passed", "fp32_gpu_batch": "passed"}
    assert set(ran.checks("engine.accuracy.drop_pp").values()) == {"not_run"}


def test_verify_fails_without_an_engine_and_with_another_graphs_engine(machine: Machine) -> None:
    assert machine.run("verify", *FP32).code == 1
    machine.run("build_engine")
    (single,), (other,) = machine.engines.glob("fp32_gpu-*.engine"), machine.engines.glob("int8_gpu-*.engine")
    shutil.copy(other, single)
    ran = machine.run("verify", *FP32)
    assert ran.code == 1
    assert ran.checks("engine.parity.max_abs")["fp32_gpu"] == "failed"


def test_benchmark_reports_the_spread_of_builds_and_leaves_none_behind(machine: Machine) -> None:
    machine.run("build_engine", *FP32)
    before = sorted(machine.engines.iterdir())
    ran = machine.run("benchmark", *FP32, "--builds", "2", "--runs", "20")
    assert ran.code == 0, ran.text
    row = ran.report["engines"][0]
    assert len(row["builds_median_us"]) == 2
    assert row["spread"] >= 0
    assert row["runs"] == 20
    assert sorted(machine.engines.iterdir()) == before


def test_power_needs_the_python_package(machine: Machine) -> None:
    ran = machine.run("power", *FP32)
    assert ran.code == 0
    assert set(ran.checks("engine.power.above_idle").values()) == {"not_run"}
