"""A bundle measured over ssh by a real sshd on this machine; ONNX Runtime stands in for TensorRT, and says so."""

import json
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory.artifacts.manifest_io import read_manifest
from factory.contracts.errors import DeviceError, StorageError
from factory.contracts.manifest import Outcome
from factory.contracts.progress import Silent
from factory.devices.bundle import Bundle
from factory.devices.options import DeviceOptions
from factory.devices.remote import STORE, run_on_device
from tests.integration.conftest import RECIPE, Factory
from tests.unit.devices.boards import PYTHON, Board, ExportedOf, packed, sshd

pytestmark = pytest.mark.slow
STAND_IN = DeviceOptions(python=PYTHON, runtime="onnxruntime", benchmark_runs=20, power_s=0.1)


class Watching(Silent):
    """Calls back at each advance of a bar, with the bar's name and note."""

    def __init__(self, seen: Callable[[str, str], None]) -> None:
        self.seen = seen
        self.lines: list[str] = []
        self.task = ""

    @contextmanager
    def track(self, task: str, total: int | None, unit: str) -> Iterator["Watching"]:
        self.task = task
        yield self

    def advance(self, amount: int = 1, note: str = "") -> None:
        self.seen(self.task, note)

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def bundle(exported: ExportedOf, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return packed(exported("jetson"), tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    with sshd(tmp_path / "sshd") as running:
        monkeypatch.setenv("HOME", str(running.client))
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        yield running


def leftovers(board: Board) -> list[str]:
    return [str(path.relative_to(board.home)) for path in board.home.rglob("*.part")]


def test_a_bundle_is_verified_on_the_board_and_its_report_brought_home(
    board: Board, bundle: Bundle, tmp_path: Path
) -> None:
    report = run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)

    assert "stand-in; no TensorRT on this machine" in report.where
    engine = [check for check in report.checks if check.gate.startswith("engine.")]
    assert engine
    assert {check.outcome for check in engine} == {Outcome.NOT_RUN}
    graph = {(c.gate, c.variant): c for c in report.checks if c.gate.startswith("graph.parity")}
    assert graph["graph.parity.max_abs", "fp32_gpu"].outcome is Outcome.PASSED
    assert graph["graph.parity.max_abs", "int8_gpu"].outcome is Outcome.PASSED
    assert ("graph.parity.max_abs", "int8_dla") not in graph
    logits = np.load(tmp_path / "out" / "logits" / "fp32_gpu.npz")
    assert logits["golden"].shape == logits["test"].shape == (24, 4)
    assert json.loads((tmp_path / "out" / "report.json").read_text())["bundle_sha256"] == bundle.sha256
    assert leftovers(board) == []
    assert [path.name for path in (board.home / STORE).iterdir()] == [bundle.sha256[:16]]


def test_an_unknown_host_key_is_refused(board: Board, bundle: Bundle, tmp_path: Path) -> None:
    (board.client / ".ssh" / "known_hosts").unlink()
    with pytest.raises(DeviceError, match="not in known_hosts: connect once with ssh"):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)
    assert list(board.home.iterdir()) == []


@pytest.fixture
def gateway(board: Board, tmp_path: Path) -> Iterator[Board]:
    """A second sshd, in front of the board by ProxyJump, that knows the client's key and whose own key is unknown."""
    with sshd(tmp_path / "gateway") as running:
        ssh = board.client / ".ssh"
        (running.client / ".ssh" / "id_ed25519.pub").write_text((ssh / "id_ed25519.pub").read_text())
        port = running.url.rpartition(":")[2]
        (ssh / "config").write_text(
            f"Host gateway\n  HostName 127.0.0.1\n  Port {port}\nHost 127.0.0.1\n  ProxyJump gateway\n"
        )
        yield running


def test_a_board_behind_a_gateway_whose_key_is_unknown_is_not_connected_to(
    board: Board, gateway: Board, bundle: Bundle, tmp_path: Path
) -> None:
    match = f"^gateway gateway of {board.url} is not in known_hosts: connect once with ssh and compare the fingerprint"
    with pytest.raises(DeviceError, match=match):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)
    assert list(board.home.iterdir()) == []


def test_a_board_behind_a_known_gateway_is_measured(
    board: Board, gateway: Board, bundle: Bundle, tmp_path: Path
) -> None:
    known = board.client / ".ssh" / "known_hosts"
    known.write_text(known.read_text() + (gateway.client / ".ssh" / "known_hosts").read_text())
    report = run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)
    assert report.checks
    log = (tmp_path / "gateway" / "log").read_text()
    assert "Accepted publickey" in log, "the connection went past the gateway"


def test_a_gateway_that_breaks_is_one_line(
    board: Board, gateway: Board, bundle: Bundle, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    known = board.client / ".ssh" / "known_hosts"
    known.write_text(known.read_text() + (gateway.client / ".ssh" / "known_hosts").read_text())

    def cut(task: str, note: str) -> None:
        if note == "engines built":
            gateway.cut()

    with pytest.raises(DeviceError, match=r"connection broke while running verify\.py"):
        run_on_device(board.url, bundle, tmp_path / "out", Watching(cut), STAND_IN)
    assert "Traceback" not in capfd.readouterr().err


def test_another_host_key_is_refused(board: Board, bundle: Bundle, tmp_path: Path) -> None:
    known = board.client / ".ssh" / "known_hosts"
    other = (board.client / ".ssh" / "id_ed25519.pub").read_text().split()[1]
    known.write_text(f"{known.read_text().rsplit(' ', 1)[0]} {other}\n")
    with pytest.raises(DeviceError, match="another host key than known_hosts has"):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)


def test_a_refused_key_names_ssh_copy_id(board: Board, bundle: Bundle, tmp_path: Path) -> None:
    key = board.client / ".ssh" / "id_ed25519"
    key.unlink()
    with pytest.raises(DeviceError, match="there is no key to offer"):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)

    key.write_text((tmp_path / "sshd" / "host_key").read_text())
    with pytest.raises(DeviceError, match="refused every key: put yours there with ssh-copy-id"):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)


def test_a_connection_that_breaks_while_copying_leaves_a_part_that_the_next_run_replaces(
    board: Board, bundle: Bundle, tmp_path: Path
) -> None:
    def cut(task: str, note: str) -> None:
        if task.startswith("copy"):
            board.cut()

    with pytest.raises(DeviceError, match=r"connection broke while copying bundle\.tar"):
        run_on_device(board.url, bundle, tmp_path / "out", Watching(cut), STAND_IN)
    assert not (tmp_path / "out").exists()
    assert not list(board.home.rglob("bundle.json"))

    run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)
    assert leftovers(board) == []


def test_a_second_run_goes_on_after_the_last_finished_step(board: Board, bundle: Bundle, tmp_path: Path) -> None:
    written: list[int] = []

    def look(task: str, note: str) -> None:
        if note == "engines built":
            written.extend(path.stat().st_mtime_ns for path in board.home.rglob("build_engine.json"))

    def cut(task: str, note: str) -> None:
        look(task, note)
        if note == "verified":
            board.cut()

    with pytest.raises(DeviceError, match=r"connection broke while running benchmark\.py"):
        run_on_device(board.url, bundle, tmp_path / "out", Watching(cut), STAND_IN)
    second = Watching(look)
    run_on_device(board.url, bundle, tmp_path / "out", second, STAND_IN)

    assert any("bundle: up to date" in line for line in second.lines)
    assert len(written) == 2
    assert written[0] == written[1]
    assert not list(board.home.rglob("build_engine.json"))


def test_a_report_that_names_an_engine_outside_its_folder_is_one_line_and_nothing_is_fetched(
    board: Board, bundle: Bundle, tmp_path: Path
) -> None:
    (board.home / "outside.npz").write_text("of the board")

    def forge(task: str, note: str) -> None:
        if note == "verified":
            (verified,) = board.home.rglob("verify.json")
            forged = {**json.loads(verified.read_text()), "engines": [{"name": "../../outside"}]}
            verified.with_name("benchmark.json").write_text(json.dumps(forged))

    with pytest.raises(DeviceError, match=r"report of benchmark\.py cannot be used \(engines\.0\.name") as error:
        run_on_device(board.url, bundle, tmp_path / "out", Watching(forge), STAND_IN)
    assert str(error.value).isprintable()
    assert not list(tmp_path.glob("out*"))


def test_a_full_disk_is_told_from_other_failures_and_its_part_removed(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No file of the login may pass 50 blocks of 512 bytes; the signal ignored, writing fails as on a full disk.
    with sshd(tmp_path / "sshd", limit="trap '' XFSZ; ulimit -f 50") as board:
        monkeypatch.setenv("HOME", str(board.client))
        with pytest.raises(StorageError, match="no space left on the board while copying"):
            run_on_device(board.url, bundle, tmp_path / "out", Silent(), STAND_IN)
        assert leftovers(board) == []


def test_a_board_that_is_no_jetson_is_refused_before_anything_is_copied(
    board: Board, bundle: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(DeviceError, match="it is no Jetson"):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), DeviceOptions(python=PYTHON))
    assert list(board.home.iterdir()) == []


def test_a_python_that_is_not_there_is_named(board: Board, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="python-of-nowhere could not be asked"):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), DeviceOptions(python="python-of-nowhere"))


def test_a_python_without_numpy_is_refused_before_anything_is_copied(
    board: Board, bundle: Bundle, tmp_path: Path
) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    bare = DeviceOptions(python=str(tmp_path / "bare" / "bin" / "python"), runtime="onnxruntime")
    with pytest.raises(DeviceError, match="has no numpy: sudo apt install python3-numpy"):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), bare)
    assert list(board.home.iterdir()) == []


def test_a_script_that_cannot_work_says_why_and_leaves_no_part(board: Board, bundle: Bundle, tmp_path: Path) -> None:
    broken = replace(STAND_IN, benchmark_runs=0)
    with pytest.raises(DeviceError, match=r"benchmark\.py ended with 2 .*--runs and --builds are 1 or more"):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), broken)
    assert leftovers(board) == []


def test_a_bundle_that_was_changed_on_the_board_is_sent_again(board: Board, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(DeviceError):
        run_on_device(board.url, bundle, tmp_path / "out", Silent(), replace(STAND_IN, benchmark_runs=0))
    (golden,) = board.home.rglob("golden.npz")
    golden.write_bytes(b"changed")
    watching = Watching(lambda task, note: None)
    with pytest.raises(DeviceError):
        run_on_device(board.url, bundle, tmp_path / "out", watching, replace(STAND_IN, benchmark_runs=0))
    assert watching.lines == []
    assert golden.read_bytes() != b"changed"


def test_the_command_line_names_a_board_that_is_no_jetson_and_leaves_the_build_whole(
    board: Board, factory: Factory, build: Path
) -> None:
    done = factory("build", RECIPE, "--target", "jetson", "--board", board.url, "--out", build)
    assert done.code == DeviceError.exit_code
    assert "no Jetson" in done.err
    assert "Traceback" not in done.err
    manifest = read_manifest(build / "manifest.json")
    assert [check.gate for check in manifest.failed] == ["board.reached"]
    assert {artifact.path for artifact in manifest.artifacts} >= {"jetson/model.onnx", "jetson/model_batch8.onnx"}
    assert (build / "board" / "bundle.tar").is_file()
