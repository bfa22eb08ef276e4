"""An arm64 board over ssh: a real sshd, whose programs run on an emulated core."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

from exporters.registry import load_runner
from factory.contracts.errors import DeviceError, FactoryError, RecipeError, StorageError
from factory.devices.catalogue import open_devices, require_name
from factory.devices.device import Question
from factory.devices.setups import Setup
from factory.devices.ssh_device import board
from tests.unit.devices.boards import Board, sshd

pytest.importorskip("fabric", reason="needs fabric: pip install 'smldist-factory[jetson]'")
Connect = Callable[..., AbstractContextManager[Board]]


@pytest.fixture
def connect(tmp_path: Path, arm64: Setup, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Start an sshd that takes itself for an arm64 board; `before` runs ahead of each command."""

    @contextmanager
    def start(machine: str = "aarch64", before: str = ":") -> Iterator[Board]:
        emulator = f"qemu-aarch64 -cpu cortex-a76 -L {arm64.root('cortex-a76')} ./ld-linux-aarch64.so.1"
        posing = (
            f'uname() {{ echo {machine}; }}; SSH_ORIGINAL_COMMAND=$(printf %s "$SSH_ORIGINAL_COMMAND" | '
            f"sed 's#\\./ld-linux-aarch64\\.so\\.1#{emulator}#'); {before}"
        )
        with sshd(tmp_path / "board", posing) as found:
            monkeypatch.setenv("HOME", str(found.client))
            yield found

    return start


def left(found: Board) -> list[str]:
    """What lies in the board's store."""
    store = found.home / ".cache"
    return sorted(path.name for path in store.iterdir()) if store.is_dir() else []


def test_a_board_answers_as_the_host_and_is_left_as_it_was(connect: Connect, arm64: Setup, question: Question) -> None:
    with load_runner("tflite")(question.path) as runner:
        expected = runner.run(question.windows)
    with connect() as found:
        with board(found.url, arm64) as device:
            answer = device.ask(question)
            assert left(found), "it works in a folder of its own"
            assert device.name == found.url
            assert device.facts["machine"] == "aarch64"
            assert device.facts["system"]
        assert left(found) == []
    assert np.abs(answer.logits - expected).max() <= 0.05 * float(np.ptp(expected))
    assert (answer.logits.argmax(1) == expected.argmax(1)).all()
    assert len(answer.latency_us) == 5
    assert answer.instructions == ()


def test_what_a_killed_run_left_goes_with_the_next(connect: Connect, arm64: Setup, question: Question) -> None:
    with connect() as found:
        for name in ("smldist-device-old", "smldist-factory", "theirs"):
            (found.home / ".cache" / name).mkdir(parents=True)
        with board(found.url, arm64) as device:
            device.ask(question)
        assert left(found) == ["smldist-factory", "theirs"]


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ({"machine": "x86_64"}, DeviceError, "is x86_64, expected aarch64"),
        ({"machine": "armv7l"}, DeviceError, "is armv7l, expected aarch64"),
        ({"before": "trap '' XFSZ; ulimit -f 100"}, StorageError, "no space left"),
        ({"before": "qemu-aarch64() { echo hello; }"}, DeviceError, "logits.f32 is not there"),
        ({"before": "qemu-aarch64() { return 1; }"}, DeviceError, "fails its self-test"),
        ({"before": "sha256sum() { echo 0 $1; }"}, DeviceError, "selftest arrived damaged"),
    ],
)
def test_what_goes_wrong_is_one_line_and_leaves_nothing(
    fault: dict[str, str], kind: type[FactoryError], told: str, connect: Connect, arm64: Setup, question: Question
) -> None:
    with connect(**fault) as found:
        with pytest.raises(kind, match=told) as caught, board(found.url, arm64) as device:
            device.ask(question)
        assert left(found) == []
    assert "\n" not in str(caught.value)


def test_a_connection_that_breaks_is_named_and_the_next_run_tidies(
    connect: Connect, arm64: Setup, question: Question
) -> None:
    with connect() as found:
        with board(found.url, arm64) as device:
            found.cut()
            with pytest.raises(DeviceError, match=f"{found.url}: the connection broke"):
                device.ask(question)
        assert left(found)
        with board(found.url, arm64) as device:
            device.ask(question)
        assert left(found) == []


def test_a_board_that_is_not_there_is_said(connect: Connect, arm64: Setup) -> None:
    with connect() as found:
        pass
    with pytest.raises(DeviceError, match=r"cannot be reached .*check host, port"), board(found.url, arm64):
        pass


def test_the_name_is_checked_before_anything_is_built(arm64: Setup, tmp_path: Path) -> None:
    require_name("ssh://pi@raspberry:2222")
    for wrong in ("ssh://", "ssh:pi", "ssh://pi:secret@raspberry", "ssh://pi@raspberry/home"):
        with pytest.raises(RecipeError, match="expected ssh://user@host"):
            require_name(wrong)
    with pytest.raises(RecipeError, match="expected ssh://user@host"):
        open_devices("ssh://pi@raspberry/home", tmp_path, lambda target, path: load_runner(target)(path))
