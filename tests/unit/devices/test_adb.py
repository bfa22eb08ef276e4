"""A phone over adb: the real client against a small adbd of ours, whose programs run on an emulated core."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exporters.registry import load_runner
from factory.contracts.errors import ArtifactError, DeviceError, FactoryError, MissingToolError, StorageError
from factory.contracts.files import sha256_file
from factory.devices.adb import phone as phone_device
from factory.devices.adb import serials
from factory.devices.device import Answer, Question
from factory.devices.setups import Setup
from tests.unit.devices.adbd import Faults, Phone

Connect = Callable[..., AbstractContextManager[tuple[Phone, str]]]


@pytest.fixture
def connect(tmp_path: Path, arm64: Setup, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Start a phone and connect a client of its own server to it."""
    if shutil.which("adb") is None:
        pytest.skip("needs adb: apt-get install adb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(probe.getsockname()[1]))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    @contextmanager
    def start(**faults: object) -> Iterator[tuple[Phone, str]]:
        with Phone(arm64, tmp_path, Faults(**faults)) as phone:  # type: ignore[arg-type]
            serial = f"127.0.0.1:{phone.port}"
            subprocess.run(["adb", "connect", serial], capture_output=True, timeout=30, check=True)
            yield phone, serial

    yield start
    subprocess.run(["adb", "kill-server"], capture_output=True, timeout=30, check=False)


def ask(serial: str, setup: Setup, question: Question) -> Answer:
    with phone_device(serial, setup) as device:
        return device.ask(question)


def test_a_phone_answers_as_the_host_and_is_left_as_it_was(connect: Connect, arm64: Setup, question: Question) -> None:
    with load_runner("tflite")(question.path) as runner:
        expected = runner.run(question.windows)
    with connect() as (phone, serial):
        assert serials() == {serial: "device"}
        with phone_device(serial, arm64) as device:
            answer = device.ask(question)
            assert phone.left, "it works in a folder of its own"
            assert device.facts["model"] == "Test Phone"
            assert device.facts["thermal_status"] == "0"
            assert device.facts["battery_level"] == "87"
        assert phone.left == []
    assert np.abs(answer.logits - expected).max() <= 0.05 * float(np.ptp(expected))
    assert (answer.logits.argmax(1) == expected.argmax(1)).all()
    assert len(answer.latency_us) == 5
    assert answer.instructions == ()
    assert answer.runtime.startswith("LiteRT ")


# Runs what it is given and prints what Android's simpleperf prints: 1000 instructions for each timed inference, 70,000
# for all else. The last argument of every program of ours is the number of those inferences.
COUNTING = r"""shift 3
"$@" > /dev/null
for last; do :; done
[ "$last" = true ] && last=0
total=$((70000 + 1000 * last))
printf 'Performance counter statistics:\n\n'
printf '  %s,%s  instructions:u   # 1.2 G/sec\n' ${total%???} ${total#${total%???}}"""


def test_instructions_are_counted_where_the_phone_has_simpleperf(
    connect: Connect, arm64: Setup, question: Question
) -> None:
    with connect(programs={"simpleperf": COUNTING}) as (_, serial), phone_device(serial, arm64) as device:
        assert device.facts["counter"] == "simpleperf"
        assert device.ask(replace(question, counted=9)).instructions == (1000,)
        assert device.ask(question).instructions == ()


def test_a_phone_that_may_not_count_says_so(connect: Connect, arm64: Setup, question: Question) -> None:
    refused = "echo 'Permission denied' >&2; exit 1"
    programs = {"simpleperf": refused, "perf": refused}
    with connect(programs=programs) as (_, serial), phone_device(serial, arm64) as device:
        assert device.facts["counter"] == "perf, not allowed to count"
        assert device.ask(replace(question, counted=9)).instructions == ()


def test_what_a_killed_run_left_goes_with_the_next(connect: Connect, arm64: Setup, question: Question) -> None:
    with connect() as (phone, serial):
        (phone.files / "data/local/tmp/smldist-old").mkdir()
        (phone.files / "data/local/tmp/theirs").mkdir()
        ask(serial, arm64, question)
        assert phone.left == ["theirs"]


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ({"full_on": "windows.f32"}, StorageError, "no space left while pushing windows.f32"),
        ({"full_on": "libc.so.6"}, StorageError, "no space left while pushing libc.so.6"),
        ({"damage": "libLiteRt.so"}, DeviceError, "libLiteRt.so arrived damaged"),
        ({"garbage_on": "./litert "}, DeviceError, "running .* failed"),
        ({"replace": {'"windows": 16': '"windows": 15'}}, DeviceError, "for 15 windows, 16 were asked"),
        ({"replace": {'"classes"': '"clazzes"'}}, DeviceError, "instead of a result"),
        ({"replace": {"Android": "", "arm64-v8a": "x86_64"}}, DeviceError, "is x86_64, expected arm64-v8a"),
        ({"replace": {'"runtime": ""': '"runtime": "LiteRT 1.0"'}}, DeviceError, "runs LiteRT 1.0, .* LiteRT 2"),
        ({"replace": {"-23712, ": "-23711, "}, "garbage_on": "./selftest"}, DeviceError, "its self-test failed"),
    ],
)
def test_what_goes_wrong_is_one_line_and_leaves_nothing(
    fault: dict[str, object], kind: type[FactoryError], told: str, connect: Connect, arm64: Setup, question: Question
) -> None:
    with connect(**fault) as (phone, serial):
        with pytest.raises(kind, match=told) as caught:
            ask(serial, arm64, question)
        assert phone.left == []
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("moment", ["model.tflite", "./litert ", "sha256sum"])
def test_a_phone_that_vanishes_is_named_and_the_next_run_tidies(
    moment: str, connect: Connect, arm64: Setup, question: Question
) -> None:
    with connect(vanish_on=moment) as (phone, serial):
        with pytest.raises(DeviceError, match=rf"adb:{serial}.*look at the phone"):
            ask(serial, arm64, question)
        phone.faults.vanish_on = "\0"
        for again in (["disconnect", serial], ["connect", serial], ["-s", serial, "wait-for-device"]):
            subprocess.run(["adb", *again], capture_output=True, timeout=30, check=False)
        ask(serial, arm64, question)
        assert phone.left == []


def test_a_serial_that_is_not_there_lists_those_that_are(connect: Connect, arm64: Setup, question: Question) -> None:
    with connect() as (_, serial), pytest.raises(DeviceError, match=rf"adb:other is not there, adb sees {serial}"):
        ask("other", arm64, question)


def test_a_file_that_the_runtime_refuses_is_an_artifacts_fault(
    connect: Connect, arm64: Setup, question: Question, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(question.path.read_bytes()[:4000])
    believed = question.artifact.model_copy(update={"sha256": sha256_file(broken)})
    wrong = Question(artifact=believed, path=broken, windows=question.windows)
    with connect() as (phone, serial), pytest.raises(ArtifactError, match=r"(fails|crashes the runtime .*) on adb"):
        ask(serial, arm64, wrong)
    assert phone.left == []


def test_adb_that_is_missing_is_said_with_its_package(
    arm64: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install adb"), phone_device("any", arm64):
        pass
