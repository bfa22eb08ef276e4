"""What a command ends with: figures of what passed, sentences for what did not."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from factory.cli.tables import print_artifacts, print_build
from factory.contracts.artifact import Precision
from factory.contracts.manifest import Check, Outcome
from tests.unit.reporting import example


def shown(checks: tuple[Check, ...]) -> list[str]:
    """Lines below the table."""
    manifest, out = example.manifest(), io.StringIO()
    print_artifacts(Console(file=out, width=120), manifest.artifacts, manifest.verifications, checks)
    return out.getvalue().rstrip("\n").splitlines()[2 + len(manifest.artifacts) :]


def check(gate: str, precision: Precision, outcome: Outcome, value: float | None = None, note: str = "") -> Check:
    limit = None if value is None else 0.5
    relation = None if value is None else "<="
    return Check(
        gate=gate,
        target="tflite",
        precision=precision,
        outcome=outcome,
        value=value,
        relation=relation,
        limit=limit,
        where="host",
        note=note,
    )


def test_what_passed_needs_no_sentence() -> None:
    assert shown((check("size.ratio", Precision.FP16, Outcome.PASSED, 0.4),)) == []


def test_a_broken_gate_is_one_line_with_its_figure() -> None:
    checks = tuple(check("size.ratio", precision, Outcome.FAILED, 0.9, "too big") for precision in list(Precision)[:2])
    assert shown(checks) == [
        "failed tflite fp32: size.ratio 0.9, expected <= 0.5: too big",
        "failed tflite fp16: size.ratio 0.9, expected <= 0.5: too big",
    ]


def test_what_could_not_run_for_one_reason_is_one_line() -> None:
    gates = ("accuracy.drop_pp", "accuracy.macro_f1_drop_pp")
    checks = tuple(check(g, p, Outcome.NOT_RUN, note="no data") for p in list(Precision)[:2] for g in gates)
    other = check("parity.max_abs", Precision.FP32, Outcome.NOT_RUN, note="no runtime")
    assert shown((*checks, other)) == [
        "not run tflite fp32, tflite fp16: accuracy.drop_pp, accuracy.macro_f1_drop_pp: no data",
        "not run tflite fp32: parity.max_abs: no runtime",
    ]


def test_the_widest_row_fits_80_columns() -> None:
    manifest, out = example.manifest(), io.StringIO()
    widest = {"target": "jetson", "precision": Precision.INT8_STATIC, "variant": "dla", "size_bytes": 999_900}
    artifacts = tuple(artifact.model_copy(update=widest) for artifact in manifest.artifacts)
    print_artifacts(Console(file=out, width=80), artifacts, manifest.verifications, ())
    assert "jetson int8_static dla  1000" in out.getvalue()
    assert out.getvalue().count("not run") == len(artifacts)


def test_what_the_teacher_answered_for_is_told_unless_nobody_learned_from_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    manifest = example.manifest()
    data = manifest.data.model_copy(
        update={"windows": {**manifest.data.windows, "unlabelled": 12}, "unlabelled_subjects": ("7", "8")}
    )
    told = "the teacher answered 12 windows that nobody labelled; 2 people have no label at all"
    training = manifest.training.model_copy(update={"method": "smldist"})
    alone = manifest.training.model_copy(update={"method": "cross_entropy"})
    for seen, expected in (
        (manifest, False),
        (manifest.model_copy(update={"data": data, "training": training}), True),
        (manifest.model_copy(update={"data": data, "training": alone}), False),
    ):
        print_build(seen, Path("report.html"))
        assert (told in capsys.readouterr().out) is expected
