"""ExecuTorch's BundledProgram: a program with test windows and the logits they must give, verified by the runtime.

A device that can run the file can check it without Python: `executor_runner` and the AAR read the same format.
"""

from pathlib import Path
from typing import Any

from exporters.executorch.runner import binding
from exporters.runtime import quiet
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError

CASES = 16
TOLERANCE = {Precision.FP32: 1e-4, Precision.INT8_STATIC: 0.3}
"""Largest absolute difference of a logit. For int8 the expected logits are those of the quantised graph in torch:
the same rounding in another order, where a value on the border of two steps may fall to either side."""

_IDENTIFIER = b"BP"


def bundle(program: Path, windows: Any, logits: Any) -> bytes:
    """The content of a .bpte.

    Args:
        program: A .pte.
        windows: (N, C, 1, T) torch tensor, SI units.
        logits: (N, K) torch tensor, what the program must answer.
    """
    from executorch.devtools import BundledProgram
    from executorch.devtools.bundled_program.config import MethodTestCase, MethodTestSuite
    from executorch.devtools.bundled_program.serialize import serialize_from_bundled_program_to_flatbuffer

    cases = [
        MethodTestCase(inputs=(window.clone()[None],), expected_outputs=(row.clone()[None],))
        for window, row in zip(windows, logits, strict=True)
    ]
    suite = MethodTestSuite(method_name="forward", test_cases=cases)
    bundled = BundledProgram(None, [suite], pte_file_path=str(program))
    return bytes(serialize_from_bundled_program_to_flatbuffer(bundled))


def broken_cases(path: Path, tolerance: float, cases: int = CASES) -> tuple[int, ...]:
    """Indices of the bundled cases that the program does not reproduce, by the runtime's own comparison.

    Args:
        path: A .bpte; compare its hash first, because the runtime trusts what it reads.
        tolerance: Largest absolute difference of a logit.
        cases: How many the file holds.

    Raises:
        ArtifactError: The file is missing, or the runtime refused it.
    """
    runtime = binding()
    try:
        content = path.read_bytes()
        if content[4:6] != _IDENTIFIER:
            raise ArtifactError(f"{path} does not load in ExecuTorch: not a BundledProgram: build the target again")
        with quiet():
            bundled = runtime._load_bundled_program_from_buffer(content)
        return tuple(index for index in range(cases) if not _holds(bundled, index, tolerance))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: build the target again") from error
    except RuntimeError as error:
        raise ArtifactError(f"{path} does not load in ExecuTorch: {error}: build the target again") from error


def _holds(bundled: Any, index: int, tolerance: float) -> bool:
    """The runtime loads a case, runs it and compares; it answers a difference by raising."""
    try:
        with quiet():
            bundled.verify_result_with_bundled_expected_output("forward", index, rtol=0.0, atol=tolerance)
    except RuntimeError:
        return False
    return True
