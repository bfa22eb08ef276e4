"""Do the engines answer like the reference network, and do they label the test split as well?

    python3 verify.py --report verify.json

Runs build_engine.py's engines on the golden pack (parity) and on the whole test split (accuracy). Limits are those of
bundle.json. By trtexec alone, without TensorRT's Python package, the test split would take hours: accuracy is not run.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import board
import engines
import figures
import report
import standin
from bundle import Plan, Refusal, Split, UnpackedBundle, add_arguments, open_bundle, work_folder

_NO_SPLIT = "the bundle holds no test split: pack it where the recordings are"
_TOO_SLOW = "one process a window takes hours: install python3-libnvinfer"


def main() -> int:
    """Verify what is asked for; the exit code."""
    args = _arguments()
    bundle, facts, runtime = open_bundle(args), board.describe(), engines.runtime(args.runtime)
    stand_in = args.runtime == "onnxruntime"
    builder = "" if stand_in else engines.choose_builder(args.builder, python_first=True)
    work = work_folder(args)
    checks: list[dict[str, Any]] = []
    for plan in bundle.plans:
        if stand_in:
            checks.extend(_gates(bundle, plan, "engine.", {}, f"{runtime}: no engine was run"))
        if stand_in and not standin.can_run(plan):
            continue
        engine = None if stand_in else engines.engine_path(work, plan, facts)
        checks.extend(_verify(bundle, plan, engine, builder, args))
    return report.write(args.report, "verify", {"runtime": runtime, "board": facts, "checks": checks})


def _verify(
    bundle: UnpackedBundle, plan: Plan, engine: Path | None, builder: str, args: argparse.Namespace
) -> list[dict[str, Any]]:
    """Every gate of one engine; one that cannot be loaded or run fails them all."""
    prefix = "graph." if engine is None else "engine."
    golden = bundle.golden()
    test = None if builder == "trtexec" else bundle.test()
    why = _TOO_SLOW if builder == "trtexec" else _NO_SPLIT
    try:
        with engines.open_runner(plan, engine, builder) as runner:
            answers = {"golden": runner.run(golden.x)}
            if test is not None:
                answers["test"] = runner.run(test.x)
    except Refusal as error:
        return [{**row, "outcome": report.FAILED} for row in _gates(bundle, plan, prefix, {}, str(error))]
    if args.logits is not None:
        args.logits.mkdir(parents=True, exist_ok=True)
        np.savez(str(args.logits / f"{plan.name}.npz"), **answers)
    return _gates(bundle, plan, prefix, _measure(bundle, plan, answers, golden, test), why)


def _measure(
    bundle: UnpackedBundle, plan: Plan, answers: dict[str, np.ndarray], golden: Split, test: Split | None
) -> dict[str, float]:
    assert golden.logits is not None
    found = figures.parity(answers["golden"], golden.logits, bundle.meta["steps"][plan.precision])
    if test is not None and bundle.meta["reference"] is not None:
        found.update(figures.accuracy(answers["test"], test.y, bundle.meta["reference"]))
    return found


def _gates(bundle: UnpackedBundle, plan: Plan, prefix: str, found: dict[str, float], why: str) -> list[dict[str, Any]]:
    """The bundle's gates of a precision: judged where there is a figure, else not run for the reason `why`."""
    rows = []
    for gate in bundle.meta["gates"][plan.precision]:
        limits = {name: gate[name] for name in ("relation", "limit", "unit")}
        row = report.check(prefix + gate["gate"], plan.precision, plan.name, **limits)
        known = gate["gate"] in found
        rows.append(report.judged(row, found[gate["gate"]]) if known else {**row, "note": why})
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--logits", type=Path, help="folder for what each engine answered, one .npz each")
    return parser.parse_args()


if __name__ == "__main__":
    report.guarded(main)
