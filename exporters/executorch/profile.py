"""How long each operator of a program takes on this host: ExecuTorch's ETDump, read by its Inspector."""

import platform
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

from exporters.executorch.runner import installed_version, load_program
from exporters.runtime import quiet
from factory.contracts.profile import OperatorTime, Profile

_RUNS, _WARM_UP = 200, 20
_NOT_OPERATORS = ("DELEGATE_CALL", "Method::execute", "OPERATOR_CALL")
_ORDINAL = re.compile(r" #\d+$")
_US_IN_MS = 1e3
_RESOLUTION_US = 1.0
"""XNNPACK times an operator in whole microseconds, rounded down: 0.9 us is 0 in every run, so no mean mends it."""


def profile(program: Path, window: Any, runs: int = _RUNS) -> Profile:
    """Run a program traced and read what each operator took.

    Args:
        program: A .pte.
        window: (1, C, 1, T) torch tensor.
        runs: Inferences that are counted.

    Raises:
        ArtifactError: The runtime refused the program.
    """
    loaded = load_program(program.read_bytes(), program, traced=True)
    method = loaded.load_method("forward")
    for _ in range(_WARM_UP + runs):
        with quiet():
            method.execute([window])
    with tempfile.TemporaryDirectory(prefix="smldist-etdump-") as folder:
        dump = Path(folder, "dump.etdp")
        loaded.write_etdump_result_to_file(str(dump), str(Path(folder, "none")))
        events = _events(dump)
    timed = [(str(event.name), [float(ms) * _US_IN_MS for ms in event.perf_data.raw[_WARM_UP:]]) for event in events]
    means = {name: sum(each) / len(each) for name, each in timed if name not in _NOT_OPERATORS}
    whole = next(sorted(each)[len(each) // 2] for name, each in timed if name == "Method::execute")
    total = sum(means.values()) or 1.0
    return Profile(
        where=f"host {platform.machine()}, ExecuTorch {installed_version()} (XNNPACK), one thread",
        runs=runs,
        total_us=whole,
        resolution_us=_RESOLUTION_US,
        operators=tuple(
            OperatorTime(name=name, kind=_ORDINAL.sub("", name), mean_us=mean, share=mean / total)
            for name, mean in means.items()
        ),
    )


def _events(dump: Path) -> list[Any]:
    """Events of the inferences, in order; those of loading come in a block of their own."""
    with warnings.catch_warnings():
        # No debug buffer was asked for; other warnings come from pandas and from executorch's own imports.
        warnings.simplefilter("ignore")
        from executorch.devtools import Inspector

        blocks = Inspector(etdump_path=str(dump)).event_blocks
    return [event for block in blocks if block.name == "Execute" for event in block.events if event.perf_data]
