"""The emulated arm64 device: what it refuses to be, what it counts, and a set-up that is whole or not there."""

import shutil
import subprocess
from pathlib import Path

import pytest

from factory.contracts.errors import ArtifactError, DeviceError, MissingToolError, RecipeError
from factory.devices import setups
from factory.devices.arm64 import SelfTest, judge_selftest, marked, require_cores, typical
from factory.devices.arm64_setup import arm64 as kind
from factory.devices.arm64_setup import require_wheel
from factory.devices.catalogue import list_devices, open_devices
from factory.devices.profiles import PROFILES
from factory.devices.setups import Setup, find, make, require
from factory.pipeline.measure import open_runner

SOUND = SelfTest(dot_product=True, sme=False, sve=False, product=-23712, expected=-23712)
A53, A76 = PROFILES["cortex-a53"], PROFILES["cortex-a76"]


def test_every_core_passes_its_self_test(arm64: Setup) -> None:
    require_cores(arm64)


@pytest.mark.parametrize("cpu", [("-cpu", "max"), ()], ids=["max", "default"])
def test_the_emulators_own_choice_of_a_core_is_refused(cpu: tuple[str, ...], arm64: Setup) -> None:
    """QEMU 7.2 computes their matrix extension wrongly; no call of ours asks for them, and none would pass."""
    command = ["qemu-aarch64", *cpu, "-L", str(arm64.root("cortex-a76")), "-E", f"LD_LIBRARY_PATH={arm64.lib}"]
    done = subprocess.run([*command, str(arm64.program("selftest"))], capture_output=True, text=True, check=True)
    found = SelfTest.model_validate_json(done.stdout)
    assert found.sme or found.sve
    with pytest.raises(DeviceError, match="shows SME or SVE"):
        judge_selftest(found, A76, "here", "mend it")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"sme": True}, "shows SME"),
        ({"sve": True}, "shows SME or SVE"),
        ({"dot_product": False}, "lacks the int8 dot product"),
        ({"product": -23711}, "is -23711, expected -23712"),
    ],
)
def test_a_core_that_is_another_or_multiplies_wrongly_is_refused(changed: dict[str, int], told: str) -> None:
    judge_selftest(SOUND, A76, "here", "mend it")
    with pytest.raises(DeviceError, match=told):
        judge_selftest(SOUND.model_copy(update=changed), A76, "here", "mend it")


def test_each_profile_is_the_core_that_runtimes_find(arm64: Setup) -> None:
    """A /proc/cpuinfo of another core would let a runtime pick instructions that the core lacks."""
    for profile in (A53, A76):
        text = (arm64.root(profile.name) / "proc/cpuinfo").read_text()
        assert ("asimddp" in text) == profile.dot_product
        assert f"CPU part\t: {profile.part}" in text


def test_counts_are_those_between_marks_less_what_marking_costs() -> None:
    assert marked("90000\n10\n510\n511\n", 2, "here") == (500, 501)
    assert typical((500, 501, 700, 501)) == 501
    assert typical(()) is None
    for broken in ("", "1\n2\n", "90000\n10\nabc\n511\n", "1\n2\n3\n4\n5\n"):
        with pytest.raises(DeviceError, match="counts, expected 4"):
            marked(broken, 2, "here")


def test_a_runtime_of_several_threads_is_not_counted() -> None:
    with pytest.raises(DeviceError, match="several threads"):
        marked("threads\nthreads\nthreads\nthreads\n", 2, "here")


def test_a_wheel_of_another_hash_is_refused_and_nothing_is_kept(arm64: Setup, tmp_path: Path) -> None:
    wheels, cache = tmp_path / "wheels", tmp_path / "cache"
    wheels.mkdir()
    with pytest.raises(ArtifactError, match="no wheel of ai-edge-litert, executorch, onnxruntime"):
        make(kind(wheels), cache, require_cores)
    (wheels / "onnxruntime-1.31.1-cp311-cp311-manylinux_2_28_aarch64.whl").write_bytes(b"another")
    with pytest.raises(ArtifactError, match=r"has SHA-256 .* does not name"):
        make(kind(wheels), cache, require_cores)
    assert find(kind(), cache) is None
    assert [path.name for path in (cache / "arm64").iterdir()] == [".lock"]


def test_a_set_up_that_fails_its_self_test_is_not_kept(
    arm64: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def filled(kind: setups.Kind, folder: Path) -> setups.SetupRecord:
        shutil.copytree(arm64.folder, folder, dirs_exist_ok=True, symlinks=True)
        return arm64.record

    def fails(setup: Setup) -> None:
        raise DeviceError("the product is wrong: mend it")

    monkeypatch.setattr(setups, "_fill", filled)
    with pytest.raises(DeviceError, match="the product is wrong"):
        make(kind(), tmp_path, fails)
    assert find(kind(), tmp_path) is None
    assert make(kind(), tmp_path, require_cores).folder == require(kind(), tmp_path).folder


def test_a_changed_file_of_the_set_up_is_refused(arm64: Setup, tmp_path: Path) -> None:
    shutil.copytree(arm64.folder, tmp_path / "arm64" / arm64.folder.name, symlinks=True)
    require(kind(), tmp_path)
    library = tmp_path / "arm64" / arm64.folder.name / "lib" / "libLiteRt.so"
    content = bytearray(library.read_bytes())
    content[len(content) // 2] ^= 1
    library.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"libLiteRt.so is missing or was changed: .*--force"):
        require(kind(), tmp_path)


def test_a_cut_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"PK")
    with pytest.raises(ArtifactError, match=r"a\.whl has SHA-256"):
        require_wheel(tmp_path / "a.whl")


def test_what_is_missing_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingToolError, match=r"arm64 needs|factory devices setup arm64"):
        require(kind(), tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install qemu-user g\\+\\+-aarch64-linux-gnu gcc"):
        require(kind(), tmp_path)
    listed = {line.name: line for line in list_devices(tmp_path)}
    assert listed["host"].ready
    assert not listed["arm64:cortex-a76"].ready
    assert "apt-get install qemu-user" in listed["arm64:cortex-a76"].install
    assert listed["adb:SERIAL"].install == "apt-get install adb"


@pytest.mark.parametrize("name", ["arm64:max", "android:max", "host:1", "adb:", "adb", "qemu", ""])
def test_a_name_of_no_device_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="choose one of host, arm64, arm64:cortex-a53"):
        open_devices(name, tmp_path, open_runner)


def test_the_name_arm64_stands_for_every_core(arm64: Setup) -> None:
    cache = arm64.folder.parents[1]
    names = [device.name for device in open_devices("arm64", cache, open_runner)]
    assert names == ["arm64:cortex-a53", "arm64:cortex-a76"]
    assert [device.name for device in open_devices("arm64:cortex-a76", cache, open_runner)] == ["arm64:cortex-a76"]
