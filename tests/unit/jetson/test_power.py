"""Power is read from a tree as JetPack 5 lays it out, written here as text."""

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from factory.devices.bundle import scripts_folder
from tests.unit.jetson.scripts import run

STAND_IN = ("--runtime", "onnxruntime", "--precision", "fp32", "--seconds", "0.3", "--settle", "0")
GATE = "graph.power.above_idle"
# Address of the chip, then label, millivolt and milliampere a channel, in two orders that releases have.
XAVIER = {
    "1-0040": [("GPU", 5000, 100), ("CPU", 5000, 80), ("SOC", 5000, 200)],
    "1-0041": [("CV", 5000, 0), ("VDDRQ", 5000, 60), ("SYS5V", 5000, 400)],
}
REORDERED = {
    "1-0041": [("SYS5V", 5000, 400), ("CV", 5000, 0), ("VDDRQ", 5000, 60)],
    "1-0040": [("SOC", 5000, 200), ("GPU", 5000, 100), ("CPU", 5000, 80)],
}
TOTAL_MW = 4200.0


@pytest.fixture
def rails(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module; the board imports it from its own folder, too."""
    monkeypatch.syspath_prepend(str(scripts_folder()))
    module = importlib.import_module("rails")
    monkeypatch.delitem(sys.modules, "rails")
    return module


def write_tree(root: Path, chips: dict[str, list[tuple[str, int, int]]], first: int = 1) -> Path:
    """An INA3221 a chip, channels from `first` on, with channel 7: the chip's own sum of shunt voltages."""
    for number, (address, channels) in enumerate(chips.items()):
        folder = root / "sys/bus/i2c/devices" / address / "hwmon" / f"hwmon{number + 3}"
        folder.mkdir(parents=True)
        (folder / "name").write_text("ina3221\n")
        for channel, (label, millivolt, milliampere) in enumerate(channels, first):
            (folder / f"in{channel}_label").write_text(f"{label}\n")
            (folder / f"in{channel}_input").write_text(f"{millivolt}\n")
            (folder / f"curr{channel}_input").write_text(f"{milliampere}\n")
        (folder / "in7_label").write_text("GPU\n")
        (folder / "in7_input").write_text("999999\n")
    return root


@contextmanager
def rising(root: Path) -> Iterator[None]:
    """The GPU's current rises all the time, so that a load, which comes after idling, always draws more."""
    done = threading.Event()
    file = next(root.glob("sys/bus/i2c/devices/1-0040/hwmon/*/curr1_input"))

    def rise() -> None:
        current = 100
        while not done.wait(0.01):
            current += 5
            part = file.with_name("part")
            part.write_text(f"{current}\n")
            part.replace(file)

    thread = threading.Thread(target=rise)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("chips", [XAVIER, REORDERED])
def test_rails_are_found_by_label_whatever_their_order_and_channel_7_is_left_out(
    rails: Any, tmp_path: Path, chips: dict[str, list[tuple[str, int, int]]]
) -> None:
    found = rails.find(write_tree(tmp_path, chips))
    assert found.trouble == ""
    assert sorted(rail.label for rail in found.rails) == sorted(rails.LABELS)
    assert sum(rail.milliwatt() for rail in found.rails) == pytest.approx(TOTAL_MW)


def test_channels_may_be_numbered_otherwise(rails: Any, tmp_path: Path) -> None:
    found = rails.find(write_tree(tmp_path, XAVIER, first=2))
    assert sum(rail.milliwatt() for rail in found.rails) == pytest.approx(TOTAL_MW)


def test_a_missing_rail_is_named(rails: Any, tmp_path: Path) -> None:
    found = rails.find(write_tree(tmp_path, {"1-0040": XAVIER["1-0040"]}))
    assert found.trouble == "no rail CV, VDDRQ, SYS5V: a sum without it would be too small"


def test_a_rail_that_is_there_twice_is_named(rails: Any, tmp_path: Path) -> None:
    found = rails.find(write_tree(tmp_path, {**XAVIER, "2-0040": [("GPU", 5000, 100)]}))
    assert found.trouble.startswith("rail GPU is there more than once")


def test_energy_is_what_an_inference_adds_to_idling(rails: Any) -> None:
    assert rails.energy_mj(idle_mw=4000, load_mw=10000, seconds=10, inferences=20000) == pytest.approx(3.0)


def test_power_measures_a_load_above_idle(unpacked: Path, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", XAVIER)
    with rising(root):
        ran = run("power", unpacked, *STAND_IN, "--root", str(root))
    assert ran.code == 0, ran.text
    row = ran.report["engines"][0]
    added = row["load_mw"] - row["idle_mw"]
    assert added > 0
    assert row["energy_mj"] == pytest.approx(added * row["seconds"] / row["inferences"])
    assert row["idle_mw"] == pytest.approx(sum(row["rails_idle_mw"].values()))
    assert row["rails_load_mw"]["SYS5V"] == pytest.approx(2000)
    assert ran.checks("engine.power.above_idle")["fp32_gpu"] == "not_run"


def test_a_load_that_adds_nothing_fails(unpacked: Path, tmp_path: Path) -> None:
    ran = run("power", unpacked, *STAND_IN, "--root", str(write_tree(tmp_path / "root", XAVIER)))
    assert ran.code == 1
    assert ran.checks(GATE)["fp32_gpu"] == "failed"


def test_a_sum_that_lacks_a_rail_fails(unpacked: Path, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"1-0040": XAVIER["1-0040"]})
    ran = run("power", unpacked, *STAND_IN, "--root", str(root))
    assert ran.code == 1
    assert "no rail CV, VDDRQ, SYS5V" in ran.text


def test_without_rails_nothing_is_measured_and_nothing_passes(unpacked: Path, tmp_path: Path) -> None:
    ran = run("power", unpacked, *STAND_IN, "--root", str(tmp_path))
    assert ran.code == 0
    assert ran.report["engines"] == []
    assert {row["outcome"] for row in ran.report["checks"]} == {"not_run"}


def test_clocks_and_release_are_read_from_the_tree(unpacked: Path, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", XAVIER)
    for path, text in (
        ("etc/nv_tegra_release", "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64\n"),
        ("proc/device-tree/model", "Jetson-AGX\0"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2265600\n"),
        ("sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "1190400\n"),
        ("sys/class/devfreq/17000000.gv11b/cur_freq", "1377000000\n"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    board = run("power", unpacked, *STAND_IN, "--root", str(root)).report["board"]
    assert (board["model"], board["l4t"]) == ("Jetson-AGX", "35.4.1")
    assert board["clocks_khz_or_hz"] == {"cpu": [2265600, 1190400], "gpu": [1377000000]}
