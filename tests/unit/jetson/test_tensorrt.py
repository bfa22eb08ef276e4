"""The Python builder: jetson/trt.py and cuda.py against a stand-in of the API they call, in host memory."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.jetson.scripts import Ran, run

pytestmark = pytest.mark.slow
FAKES = Path(__file__).parent / "fakes"
FP32 = ("--precision", "fp32", "--builder", "python")


class Machine:
    """A folder with a bundle, a libcudart and a TensorRT."""

    def __init__(self, folder: Path, unpacked: Path) -> None:
        self.bundle = shutil.copytree(unpacked, folder / "bundle")
        self.engines = folder / "engines"
        library, package = folder / "lib", folder / "python"
        library.mkdir()
        package.mkdir()
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library / "libcudart.so", FAKES / "cudart.c"], check=True)
        shutil.copy(FAKES / "tensorrt.py", package)
        self.environment = {"LD_LIBRARY_PATH": str(library), "PYTHONPATH": str(package)}

    def run(self, script: str, *arguments: str, **environment: str) -> Ran:
        return run(script, self.bundle, *arguments, **self.environment, **environment)

    def asked(self, engine: str) -> object:
        """What the builder was asked for."""
        (path,) = self.engines.glob(f"{engine}-*.engine")
        return json.loads(path.read_bytes().partition(b"\n")[0])


@pytest.fixture
def machine(unpacked: Path, tmp_path: Path) -> Machine:
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler: apt-get install gcc")
    return Machine(tmp_path, unpacked)


def test_each_engine_is_built_with_its_own_flags(machine: Machine) -> None:
    ran = machine.run("build_engine", "--builder", "python")
    assert ran.code == 0, ran.text
    assert ran.report["runtime"] == "TensorRT 8.5.2.2"
    cache = (machine.bundle / "graphs" / "calibration.cache").stat().st_size
    assert machine.asked("fp32_gpu") == {"flags": [], "dla": -1, "calibration": 0}
    assert machine.asked("int8_gpu") == {"flags": ["INT8"], "dla": -1, "calibration": 0}
    assert machine.asked("fp16_dla") == {"flags": ["FP16", "GPU_FALLBACK"], "dla": 0, "calibration": 0}
    assert machine.asked("int8_dla") == {"flags": ["FP16", "GPU_FALLBACK", "INT8"], "dla": 0, "calibration": cache}
    (timing,) = machine.engines.glob("timing-*.cache")
    assert timing.read_bytes() == b"timing" * len(ran.report["engines"])


def test_engines_answer_the_golden_pack_and_the_test_split(machine: Machine) -> None:
    machine.run("build_engine", *FP32)
    ran = machine.run("verify", *FP32)
    assert ran.code == 0, ran.text
    for gate in ("engine.parity.max_abs", "engine.accuracy.drop_pp"):
        assert ran.checks(gate) == {"fp32_gpu": "passed", "fp32_gpu_batch": "passed"}


def test_cudas_own_words_reach_the_report(machine: Machine) -> None:
    machine.run("build_engine", *FP32)
    ran = machine.run("verify", *FP32, FAKE_CUDA_FAILS="1")
    assert ran.code == 1
    assert "cudaMemcpyAsync failed: unspecified launch failure (719)" in ran.text


def test_a_refusal_of_parser_or_builder_fails_the_engine(machine: Machine) -> None:
    ran = machine.run("build_engine", *FP32, FAKE_NO_BUILD="1")
    assert ran.code == 1
    assert "TensorRT builds no fp32_gpu engine of model.onnx" in ran.text
    (machine.bundle / "graphs" / "model.onnx").write_bytes(b"no graph")
    ran = machine.run("build_engine", *FP32)
    assert "TensorRT's parser refuses model.onnx: In node -1" in ran.text
    assert not list(machine.engines.glob("*.part"))


def test_an_engine_that_tensorrt_refuses_fails_and_says_what_to_do(machine: Machine) -> None:
    machine.run("build_engine", *FP32)
    (engine,) = machine.engines.glob("fp32_gpu-*.engine")
    engine.write_bytes(b"of another version")
    ran = machine.run("verify", *FP32)
    assert ran.code == 1
    assert "refuses" in ran.text
    assert "build_engine.py --rebuild" in ran.text


def test_benchmark_by_python_times_further_builds(machine: Machine) -> None:
    machine.run("build_engine", *FP32)
    ran = machine.run("benchmark", *FP32, "--builds", "2", "--runs", "20")
    assert ran.code == 0, ran.text
    assert [len(row["builds_median_us"]) for row in ran.report["engines"]] == [2, 2]
    assert not list(machine.engines.glob("another-*"))
