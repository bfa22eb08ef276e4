"""How far a device may differ from the host with the same file, each limit with its reason.

`python -m factory.verification.device_tolerances` prints the table of docs/verification.md.
"""

from dataclasses import asdict, dataclass

from factory.contracts.artifact import Precision
from factory.contracts.errors import GateError

DEVICE_DROP_PP = 0.2
"""Percentage points of accuracy between device and host, or one test window where that is more."""
EQUAL_LOGITS = 1e-4
"""Logits that differ by less are equal: float32 sums in another order differ by 1e-5 at most, while one other int8
value ahead of the float head moves a logit by a scale times a weight, 1e-3 and more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceTolerance:
    """What one (target, precision) must hold on a device. None: this gate does not apply.

    Attributes:
        max_abs: Largest difference of a logit from the host's.
        max_steps: The same in 8-bit steps of the output.
        drop_pp: Largest difference of accuracy from the host's, percentage points.
        drop_windows: Windows whose difference is chance; on a small split they are worth more than `drop_pp`.
        equal: Least share of windows whose logits are equal to the host's.
        why: The justification, printed in the documentation.
    """

    max_abs: float | None = None
    max_steps: float | None = None
    drop_pp: float = DEVICE_DROP_PP
    drop_windows: int = 1
    equal: float
    why: str


_FLOAT = DeviceTolerance(
    max_abs=EQUAL_LOGITS,
    equal=1.0,
    why="The same float32 weights, sums in another order: 3e-6 was measured.",
)
_INT8 = DeviceTolerance(
    max_steps=4.0,
    equal=0.99,
    why="Between the float front and the float head all is int8, and integers are the same everywhere: such windows "
    "are equal. The front's 1e-6 may round one value across an edge of the first quantisation, and the window then "
    "differs: 1 or 2 of the demonstration's 1230 did, by less than one step. Four steps are parity's limit.",
)
DEVICE_TOLERANCES: dict[tuple[str, Precision], DeviceTolerance] = {
    ("tflite", Precision.FP32): _FLOAT,
    ("tflite", Precision.FP16): _FLOAT,
    ("tflite", Precision.INT8_DYNAMIC): DeviceTolerance(
        max_steps=4.0,
        equal=0.9,
        why="Every layer quantises its float input anew, so that each is an edge to cross: 57 of 1230 windows did, by "
        "half a step.",
    ),
    ("tflite", Precision.INT8_STATIC): _INT8,
    ("tflite_android", Precision.FP32): _FLOAT,
    ("tflite_android", Precision.FP16): _FLOAT,
    ("tflite_android", Precision.INT8_DYNAMIC): DeviceTolerance(
        max_steps=4.0,
        drop_pp=0.3,
        drop_windows=4,
        equal=0.0,
        why="TensorFlow Lite 2.16 computes these layers by other kernels than LiteRT 2: every window differs, by 1.9 "
        "steps at most, and 4 of 1230 change class. The loss that the file itself may have.",
    ),
    ("tflite_android", Precision.INT8_STATIC): DeviceTolerance(
        max_steps=4.0,
        equal=0.9,
        why="TensorFlow Lite 2.16 gives XNNPACK fewer of these operators than LiteRT 2 does, and its own kernels round "
        "otherwise: 26 of the demonstration's 1230 windows differ, by less than one step, and none changes class.",
    ),
    ("executorch", Precision.FP32): _FLOAT,
    ("executorch", Precision.INT8_STATIC): _INT8,
    ("ort_mobile", Precision.FP32): _FLOAT,
    ("ort_mobile", Precision.INT8_STATIC): _INT8,
}
"""(target, precision) -> tolerance; tflite_android are tflite's files in Android's own library."""


def device_tolerance(target: str, precision: Precision) -> DeviceTolerance:
    """The row of one artifact.

    Raises:
        GateError: No row: an artifact without a tolerance cannot pass.
    """
    row = DEVICE_TOLERANCES.get((target, precision))
    if row is None:
        raise GateError(
            f"no device tolerance for {target}/{precision}: leave the device out, or add a row with its reason to "
            "factory/verification/device_tolerances.py"
        )
    return row


def limits() -> dict[str, dict[str, object]]:
    """The limits as values: whatever changes them, a verdict by them is no longer current."""
    rows = {f"{target}/{precision}": asdict(row) for (target, precision), row in DEVICE_TOLERANCES.items()}
    return {**rows, "all": {"equal_logits": EQUAL_LOGITS}}


def table() -> str:
    """The table of docs/verification.md, Markdown."""
    head = (
        "| target | precision | max abs | max error | accuracy | equal windows | why |\n|---|---|---|---|---|---|---|\n"
    )
    rows = []
    for (target, precision), row in DEVICE_TOLERANCES.items():
        cells = (
            target,
            precision.value,
            "" if row.max_abs is None else f"<= {row.max_abs:g}",
            "" if row.max_steps is None else f"<= {row.max_steps:g} steps",
            f"<= {row.drop_pp:g} pp or {row.drop_windows} window{'s' if row.drop_windows > 1 else ''}",
            f">= {row.equal:.0%}" if row.equal else "",
            row.why,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return head + "\n".join(rows)


if __name__ == "__main__":
    print(table())  # noqa: T201
