import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from factory.contracts.errors import DeviceError, StorageError
from factory.devices.bundle import Bundle, scripts_folder
from factory.devices.options import DeviceOptions
from factory.devices.probe import Probe, require

XAVIER = Probe(
    python=(3, 8, 10),
    machine="aarch64",
    numpy=True,
    tensorrt=True,
    onnxruntime=False,
    l4t="35.4.1",
    power_mode="MAXN",
    free_bytes=10**10,
    missing=(),
)
URL = "ssh://nvidia@xavier"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    path = tmp_path / "bundle.tar"
    path.write_bytes(bytes(1000))
    return Bundle(path=path, sha256="0" * 64, sums_sha256="0" * 64)


def test_a_xavier_with_jetpack_5_1_is_fit(bundle: Bundle) -> None:
    require(URL, XAVIER, DeviceOptions(), bundle)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"python": (3, 6, 9)}, r"Python is 3\.6\.9, expected 3\.8 or later"),
        ({"numpy": False}, "python3 has no numpy: sudo apt install python3-numpy"),
        ({"l4t": "32.7.1"}, r"L4T is 32\.7\.1: JetPack 5\.1 .* flash it"),
        ({"l4t": "36.4.0"}, r"L4T is 36\.4\.0"),
        ({"l4t": None}, "it is no Jetson"),
        ({"tensorrt": False}, "TensorRT is missing: sudo apt install nvidia-jetpack"),
        ({"missing": ("flock",)}, "no flock: sudo apt install"),
    ],
)
def test_what_a_board_lacks_is_named_with_its_remedy(bundle: Bundle, change: dict[str, object], words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        require(URL, XAVIER.model_copy(update=change), DeviceOptions(), bundle)


def test_everything_that_is_lacking_is_named_at_once(bundle: Bundle) -> None:
    probe = XAVIER.model_copy(update={"numpy": False, "l4t": "32.7.1"})
    with pytest.raises(DeviceError, match=r"numpy.*; L4T"):
        require(URL, probe, DeviceOptions(), bundle)


def test_too_little_room_is_a_storage_error(bundle: Bundle) -> None:
    with pytest.raises(StorageError, match="are needed: free some there"):
        require(URL, XAVIER.model_copy(update={"free_bytes": 2000}), DeviceOptions(), bundle)


def test_the_probe_reads_the_release_of_a_recorded_tree(tmp_path: Path) -> None:
    release = tmp_path / "etc" / "nv_tegra_release"
    release.parent.mkdir()
    release.write_text("# R35 (release), REVISION: 6.1, GCID: 39721438, BOARD: generic, EABI: aarch64\n")
    command: list[str | Path] = [sys.executable, scripts_folder() / "probe.py", "--root", tmp_path]
    probe = Probe.model_validate(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    assert probe.l4t == "35.6.1"
    assert probe.python[:2] == sys.version_info[:2]


@pytest.mark.parametrize(
    "change", [{"l4t": "35.4\n1"}, {"machine": "x\x1b[2J"}, {"missing": ["a b\nc"]}, {"python": "3"}]
)
def test_a_probe_that_says_something_else_is_one_line(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Probe.model_validate_json(json.dumps({**XAVIER.model_dump(mode="json"), **change}))
