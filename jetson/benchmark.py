"""How long does a call take, how many windows go through, and how much do builds of one graph differ?

    python3 benchmark.py --report benchmark.json
    python3 benchmark.py --builds 1 --precision fp16 --report benchmark.json

A call is copy in, compute, copy out of one batch. The engine of build_engine.py is timed, then further builds without a
timing cache, since identical builds differ. Gate: the slowest call in a hundred ends before the next windows are due.
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
import trtexec
from bundle import Plan, Refusal, UnpackedBundle, add_arguments, open_bundle, work_folder

GATE = "latency.p99_us"


def main() -> int:
    """Time what is asked for; the exit code."""
    args = _arguments()
    bundle, facts, runtime = open_bundle(args), board.describe(), engines.runtime(args.runtime)
    stand_in = args.runtime == "onnxruntime"
    builder = "" if stand_in else engines.choose_builder(args.builder, python_first=False)
    work = work_folder(args)
    timed: list[dict[str, Any]] = []
    checks = []
    for plan in bundle.plans:
        limit = {"relation": "<=", "limit": bundle.meta["hop_us"] * plan.batch, "unit": "us"}
        if stand_in:
            note = f"{runtime}: no engine was run"
            checks.append(report.check(f"engine.{GATE}", plan.precision, plan.name, note=note, **limit))
        if stand_in and not standin.can_run(plan):
            continue
        row = report.check(f"{'graph' if stand_in else 'engine'}.{GATE}", plan.precision, plan.name, **limit)
        try:
            timed.append(
                _measure(bundle, plan, None if stand_in else engines.engine_path(work, plan, facts), builder, args)
            )
            checks.append(report.judged(row, timed[-1]["p99_us"]))
        except Refusal as error:
            checks.append({**row, "outcome": report.FAILED, "note": str(error)})
    content = {"runtime": runtime, "board": facts, "engines": timed, "checks": checks}
    return report.write(args.report, "benchmark", content)


def _measure(
    bundle: UnpackedBundle, plan: Plan, engine: Path | None, builder: str, args: argparse.Namespace
) -> dict[str, Any]:
    windows = bundle.golden().x[: plan.batch]
    latency, windows_per_s = _time(plan, engine, builder, windows, args.runs)
    medians = [float(np.median(latency))]
    if engine is not None:
        medians += [_another_build(plan, engine, builder, windows, args.runs) for _ in range(args.builds - 1)]
    return {
        "name": plan.name,
        "precision": plan.precision,
        "batch": plan.batch,
        "builder": builder or "onnxruntime",
        **figures.percentiles(latency),
        "windows_per_s": windows_per_s,
        "builds_median_us": medians,
        "spread": (max(medians) - min(medians)) / min(medians) if len(medians) > 1 else None,
    }


def _another_build(plan: Plan, engine: Path, builder: str, windows: np.ndarray, runs: int) -> float:
    """Median of a build of its own, which is thrown away."""
    other = engine.with_name(f"another-{engine.name}")
    try:
        engines.build(plan, other, None, builder)
        return float(np.median(_time(plan, other, builder, windows, runs)[0]))
    finally:
        for path in (other, other.with_suffix(".layers.json")):
            if path.exists():
                path.unlink()


def _time(plan: Plan, engine: Path | None, builder: str, windows: np.ndarray, runs: int) -> tuple[np.ndarray, float]:
    """Microseconds of each call, and windows a second: by trtexec with calls overlapping, else one after the other."""
    if engine is not None and builder == "trtexec":
        return trtexec.time_us(plan, engines.require(engine), runs)
    with engines.open_runner(plan, engine, builder) as runner:
        latency = runner.time_us(windows, runs)
    return latency, plan.batch * len(latency) / float(latency.sum()) * 1e6


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--runs", type=int, default=1000, help="timed calls an engine (default: 1000)")
    parser.add_argument("--builds", type=int, default=3, help="builds of each graph to compare (default: 3)")
    args = parser.parse_args()
    if args.runs < 1 or args.builds < 1:
        parser.error("--runs and --builds are 1 or more")
    return args


if __name__ == "__main__":
    report.guarded(main)
