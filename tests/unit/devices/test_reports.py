"""What a board may write into its reports: nothing that is a path, a shell word or a second line."""

import json
from pathlib import Path
from typing import Any

import pytest

from factory.contracts.device import BenchmarkReport, BuildReport, DeviceReport, PowerReport, ScriptReport, VerifyReport
from factory.contracts.errors import DeviceError
from factory.devices.remote import read_report
from factory.devices.ssh import one_line

HOSTILE = [
    "../../outside",
    "/etc/passwd",
    "a/b",
    "..",
    "",
    "a b",
    "a;reboot",
    "$(reboot)",
    "a\nb",
    "a\x1b[2J",
    "-rf",
    "ä",
]
BOARD: dict[str, Any] = {
    "model": "Jetson-AGX",
    "l4t": "35.4.1",
    "tensorrt": "8.5.2.2",
    "python": "3.8.10",
    "numpy": "1.17.4",
    "power_mode": "MODE_30W_ALL",
    "clocks_khz_or_hz": {"cpu": [2265600], "gpu": [1377000000]},
}
CHECK: dict[str, Any] = {
    "gate": "engine.parity.max_abs",
    "precision": "fp16",
    "engine": "fp16_dla",
    "outcome": "failed",
    "value": 0.5,
    "relation": "<=",
    "limit": 0.1,
    "unit": "logit",
    "note": "TensorRT refuses it: build it again (build_engine.py --rebuild)",
}
BUILT: dict[str, Any] = {
    "name": "fp16_dla",
    "precision": "fp16",
    "file": "fp16_dla-L4T35.4.1-TRT8.5.2.2-MODE_30W_ALL-0123456789ab.engine",
    "size_bytes": 1000,
    "sha256": "0" * 64,
    "builder": "trtexec",
    "kept": False,
    "seconds": 3.5,
}
TIMED: dict[str, Any] = {
    "name": "fp16_dla",
    "precision": "fp16",
    "batch": 1,
    "builder": "python",
    "runs": 1000,
    **dict.fromkeys(("mean_us", "p05_us", "median_us", "p95_us", "p99_us", "max_us", "windows_per_s"), 10.0),
    "builds_median_us": [10.0, 11.0],
    "spread": 0.1,
}
POWER: dict[str, Any] = {
    "name": "fp16_dla",
    "precision": "fp16",
    "inferences": 10,
    **dict.fromkeys(("seconds", "idle_mw", "load_mw", "energy_mj"), 10.0),
    "rails_idle_mw": {"GPU": 1.0},
    "rails_load_mw": {"GPU": 1.0},
    "clocks_under_load": {"gpu": [1377000000]},
}


def report(script: str, engines: list[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    """What a script writes, some fields changed; `board` and `check` change theirs."""
    board, check = {**BOARD, **changed.pop("board", {})}, {**CHECK, **changed.pop("check", {})}
    top = {"script": script, "ok": False, "runtime": "TensorRT 8.5.2.2", "board": board, "checks": [check], **changed}
    return top if engines is None else {**top, "engines": engines}


def refused(kind: type[ScriptReport], content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(DeviceError) as error:
        read_report("ssh://xavier: the report of x.py", kind, text)
    message = str(error.value)
    assert message.isprintable()
    assert message.startswith("ssh://xavier: the report of x.py cannot be used (")
    assert "run again" in message
    return message


def test_reports_of_an_honest_board_are_read() -> None:
    build = BuildReport.model_validate(report("build_engine", [BUILT]))
    device = DeviceReport(
        where="Jetson-AGX, L4T 35.4.1, TensorRT 8.5.2.2",
        bundle_sha256="0" * 64,
        remote_folder=".cache/smldist-factory/0123456789abcdef",
        build=build,
        verify=VerifyReport.model_validate(report("verify")),
        benchmark=BenchmarkReport.model_validate(report("benchmark", [TIMED])),
        power=PowerReport.model_validate(report("power", [POWER])),
    )
    assert [check.variant for check in device.checks] == ["fp16_dla"] * 4


@pytest.mark.parametrize("name", HOSTILE)
def test_an_engines_name_that_is_more_than_a_name_is_refused(name: str) -> None:
    assert "engines.0.name" in refused(BuildReport, report("build_engine", [{**BUILT, "name": name}]))
    assert "engines.0.file" in refused(BuildReport, report("build_engine", [{**BUILT, "file": f"{name}.engine"}]))
    assert "engines.0.name" in refused(BenchmarkReport, report("benchmark", [{**TIMED, "name": name}]))
    assert "engines.0.name" in refused(PowerReport, report("power", [{**POWER, "name": name}]))
    assert "checks.0.engine" in refused(VerifyReport, report("verify", check={"engine": name}))
    assert "checks.0.gate" in refused(VerifyReport, report("verify", check={"gate": name}))


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[31mred", "\x9b2J", "a\u2028b", "x" * 5000])
def test_a_text_that_is_not_one_line_is_refused(text: str) -> None:
    assert "checks.0.note" in refused(VerifyReport, report("verify", check={"note": text}))
    assert "board.model" in refused(VerifyReport, report("verify", board={"model": text}))
    assert "board.power_mode" in refused(VerifyReport, report("verify", board={"power_mode": text}))
    assert "runtime" in refused(VerifyReport, report("verify", runtime=text))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, '{"\x1b[2J\n": 1}', '{"script": NaN}', json.dumps({"a\nb": 1})]
)
def test_what_is_no_report_is_one_line(text: str) -> None:
    refused(VerifyReport, text)


def test_an_unknown_field_with_a_hostile_name_is_one_line() -> None:
    message = refused(VerifyReport, {**report("verify"), "a\nb\x1b[2J" * 50: 1})
    assert len(message) < 500


@pytest.mark.parametrize(
    "folder", ["../outside", "/tmp/x", ".cache/smldist-factory/../../x", ".cache/smldist-factory/"]
)
def test_a_remote_folder_outside_the_store_is_refused(folder: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="remote_folder"):
        DeviceReport.model_validate({"remote_folder": folder})


def test_what_a_board_says_becomes_one_printable_line() -> None:
    assert one_line("a\x1b[2J\n\tb\u2028c\r", 100) == "a [2J b c"
    assert one_line("x" * 50, 10) == "x" * 10
